// What `validate` found, as text, CSV and JSON. validation.json:
//
//   schema_version, program, version, scenario, model, machine, machine_changes[], profile, profile_kind, seed,
//   caveats[]                     as in results.json; the machine and profile that steps are simulated with
//   points[]                      in the scenario's order
//     label, method, preset, workload, context, batch, gpus, decode_steps   as in results.json
//     not_executed                why it was not; "": it was, and only then there are the figures below
//     device, cpu_workers         the GPU's name or why there was none, and threads of the CPU's attention
//     dram_read                   bytes per second that all processors read just before: the ceiling it is simulated
//                                 with; null: not measured, since the CPU has nothing to do
//     measured_s                  mean step time, over the GPUs too, median of the runs
//     repeats_s[]                 of each run
//     spread                      (largest − smallest) ÷ median of them: the noise floor
//     simulated_s, error          and simulated ÷ measured − 1
//     measured_slowest_s, simulated_slowest_s   of the GPU that takes longest
//     timed_s, lengthened         median of the runs that timed operations, and timed ÷ measured − 1; null: none
//     shares[]                    of the elapsed time: of each activity, and the overlap of activities; here and below
//                                 of the first GPU
//       activity                  "gpu_compute", "copies_h2d", "copies_d2h", "cpu"; "overlap": two or more at once
//       busy_measured, spread     share in which any ran, median of the runs; largest − smallest of them
//       ops                       operations of the activity, mean per step; null for the overlap
//       busy_simulated            by the same definition
//       difference_points         simulated − measured, in percentage points; that of the idle shares is its negative
//       idle_measured, idle_simulated   1 − busy; null for the overlap
//       queue_measured_s, queue_simulated_s   waiting for a lane or slot, summed over operations, mean per step; null:
//                                 not timed
//       contention_simulated_s    likewise, of running slower than alone, which a real trace does not tell
//     operations[]                sums over the operations of a family in all measured steps
//       operation, ops            its name and how many
//       measured_s, simulated_s, queue_measured_s, queue_simulated_s, contention_simulated_s
//     worst[]                     single operations, furthest from their simulation first
//       operation, lane, layer, step, measured_s, simulated_s
//   results[]                     what the kernels compute, checked for each way in which points deal attention out
//     label, context              of the first point that does so
//     q_heads, kv_heads, head_dim, blocks, selected, offloaded   of what was checked: blocks of 32 tokens of a context,
//                                 those that a KV head attends, and of these those that the CPU does
//     kernels, check              whose, and what of them: see kernels/backend/result_check.h
//     error, bound                of the output, relative; null: not a number
//     wrong                       what else is; "": nothing
//     passes                      true: within its bound, and nothing else wrong
#pragma once

#include <algorithm>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sim/cli/report_csv.h"
#include "sim/cli/table.h"
#include "validation/measure_point.h"
#include "validation/results.h"

namespace outrider {

struct ValidationReport {
  RunReport about;  // without rows
  std::vector<MeasuredPoint> points{};
  std::vector<CheckedResult> results{};

  bool results_pass() const {
    return std::all_of(results.begin(), results.end(), [](const CheckedResult& each) { return each.check.passes(); });
  }
};

// Tables of step times, shares, families and results, each with a summary.
std::string validation_text(const ValidationReport& report, const TableLook& look);
nlohmann::ordered_json validation_json(const ValidationReport& report);

// Cells hold no commas or quotes, so that steps.csv can be read back by read_recorded_steps().
std::string steps_csv(const std::vector<MeasuredPoint>& points);
std::string operations_csv(const std::vector<MeasuredPoint>& points);
std::string shares_csv(const std::vector<MeasuredPoint>& points);
std::vector<CsvColumnInfo> steps_columns();
std::vector<CsvColumnInfo> operations_columns();
std::vector<CsvColumnInfo> shares_columns();

}  // namespace outrider
