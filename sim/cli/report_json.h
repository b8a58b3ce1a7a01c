// A run as one JSON document, results.json; every field is documented here and a test keeps it so.
//
// Numbers are SI (seconds, bytes, FLOPs) unless the name says otherwise; shares are fractions of 1. Figures of a point
// that does not fit are null. Fields may be added; a change of meaning raises schema_version.
//
//   schema_version                integer: 1
//   program                       "outrider"
//   version                       version of the program
//   scenario, model, machine      names
//   profile                       name of the coefficient profile
//   profile_kind                  "assumed", "fitted" or "transferred"
//   seed                          integer
//   caveats[]                     what to bear in mind with every figure
//   points[]                      by workload, context, batch, then method order of the scenario
//     label, method, preset       the scenario's name of the row, the system, and its preset
//     workload                    name of the workload
//     context                     tokens cached when decoding starts
//     batch                       sequences
//     automatic_batch             true where memory or max_batch chose the batch
//     fits                        false where the model or batch does not fit
//     limit                       what bounds the batch ("HBM", "DRAM", "max_batch", "given") or what does not fit
//     tokens_per_s                decode throughput
//     baseline                    label of the row compared with: full_kv if it fits, else the first that fits; or null
//     versus_baseline             ratio of tokens_per_s
//     tpot_s                      mean time per output token
//     step_p5_s, step_p95_s       percentiles of the step time
//     ttft_s                      one prompt's prefill, unqueued, with its offload traffic; null if not charged
//     prefill_bytes               offload traffic of that prefill
//     gpu_idle                    share of time without a kernel on any stream
//     facts
//       cpu_ratio                 tokens attended by the CPU ÷ budget
//       cpu_ratio_by_step[]       the same, for each step
//       recall_interval           mean steps between recalls of a layer; 0 without recalls
//       turnover                  share of selected blocks not selected in the step before
//       link_bytes_per_step       payload to and from the GPU
//     limited_by                  the first causes in plain words
//     causes[]                    the critical path by cause, largest first
//       lane, operation           where it ran, and the op family
//       bottleneck                resource that limited it for longest; "": a latency or a limit of its own
//       time_s, share             on the critical path, and of the elapsed time
//     ledger                      over all spans of the measured steps
//       dependency_s, queue_s, contention_s, work_s
//     utilisations[]
//       resource, share           of what it achieves, over all steps, warm-up included
//       amount_per_step, unit     "B", "FLOP", "s" (time of an engine), "B read-equivalent" (HBM: what is written and
//                                 copied weighs as the reads it displaces)
//     memory[]                    at this batch
//       what, tier                consumer; "HBM", "DRAM" or "pinned DRAM"
//       fixed_bytes, per_sequence_bytes, total_bytes
//     fingerprint                 of the decode trace, 16 hex digits
//   claims[]
//     id, text, metric            as in the scenario
//     method, baseline, workload, context, batch
//     relation, claimed           what the source says
//     input                       true: the figure sets something in the scenario
//     available                   false: a row it needs is missing or does not fit
//     predicted, difference       the simulator's value, and predicted ÷ claimed − 1; null where not available
//     verdict                     "holds", "differs", "not available"; "input": no test
//     certainty                   "P" read, "S" secondary, "I" inferred, "R" recalled
//     source, conditions, note
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sim/study/results.h"

namespace outrider {

// Keys in the order above.
nlohmann::ordered_json report_json(const RunReport& report);

// Two-space indentation and a final line end; bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

// Parts shared with the report of `explain`.
nlohmann::ordered_json provenance_json(const RunReport& report);
nlohmann::ordered_json causes_json(const std::vector<Cause>& causes);
nlohmann::ordered_json ledger_json(const Ledger& ledger);
nlohmann::ordered_json utilisations_json(const std::vector<Utilisation>& utilisations);
nlohmann::ordered_json memory_json(const PointResult& point);

}  // namespace outrider
