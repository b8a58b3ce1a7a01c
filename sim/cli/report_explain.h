// Where one method's step spends its time: ledger, critical path, utilisation, memory, and what would help.
//
// `outrider explain --json` prints the provenance fields of results.json (see report_json.h) and:
//   point                         label, method, preset, workload, context, batch, fits, limit, notes,
//                                 extrapolated (as in results.json)
//   gpus, tokens_per_s, tpot_s, tpot_slowest_s, gpu_idle
//   steps                         measured steps that the figures below are averaged over
//   operations[]                  by lane and op family, most time first; per step of one GPU
//     lane, operation, count      where, what, and how many per step
//     busy_s                      contention_s + work_s
//     dependency_s, queue_s, contention_s, work_s
//   parts[], training, causes[], utilisations[], memory[]   as in results.json
//   capacity                      hbm_bytes, dram_bytes: of one GPU, and its share
//   what_would_help[]             change, speedup: found by simulating the change, largest first
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sim/cli/table.h"
#include "sim/study/run.h"

namespace outrider {

struct Explanation {
  RunReport provenance;  // its rows and claims are not used
  PointDetail detail;
  std::vector<WhatIf> help{};
  Bytes hbm_capacity, dram_capacity;  // of one GPU, and its share
};

// The spans of one op family on one lane, summed over the measured steps of all replicas.
struct OperationRow {
  std::string lane, operation;
  std::size_t count = 0;
  Ledger ledger;
};
// Most busy time (work + contention) first; equals by lane, then by name. Barriers that take no time are left out.
std::vector<OperationRow> operation_rows(const Trace& trace, StepRanges measured);

// Of a point that fits.
std::string explain_text(const Explanation& explanation, const TableLook& look);
nlohmann::ordered_json explain_json(const Explanation& explanation);

}  // namespace outrider
