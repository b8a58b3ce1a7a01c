// A run as one JSON document, results.json; every field is documented here and a test keeps it so.
//
// Numbers are SI (seconds, bytes, FLOPs) unless the name says otherwise; shares are fractions of 1. Figures of a point
// that does not fit are null. Fields may be added; a change of meaning raises schema_version.
//
//   schema_version                integer: 1
//   program                       "outrider"
//   version                       version of the program
//   scenario, model, machine      names
//   machine_changes[]             figures in which the machine differs from the one of that name
//   profile                       name of the coefficient profile
//   profile_kind                  "assumed", "fitted" or "transferred" (from another machine, or before it was altered)
//   seed                          integer
//   caveats[]                     what to bear in mind with every figure
//   points[]                      by workload, context, batch, then method order of the scenario
//     label, method, preset       the scenario's name of the row, the system, and its preset
//     workload                    name of the workload
//     kind                        of the workload: "decode" or "training"
//     gpus                        each runs its own copy of the model on its own sequences
//     context                     tokens cached when decoding starts; of training, of a sequence
//     batch                       sequences on each GPU; where the point does not fit, as asked for, null where
//                                 memory decides
//     automatic_batch             true where memory or max_batch chose the batch
//     micro_batches               of training: of so many sequences each, in one step; else 1
//     decode_steps                measured steps, which step times, tokens_per_s, gpu_idle and the ledger are of
//     fits                        false where the model or batch does not fit
//     limit                       what bounds the batch ("HBM", "DRAM", "max_batch", "given") or what does not fit
//     notes[]                     what to bear in mind with this row, such as a step time that trends
//     extrapolated[]              operations beyond the sizes that the profile was fitted to by more than a
//     factor 1.25,
//                                 where they take at least 1 % of the critical path
//       part                      "step" or "prefill"
//       operation, size           family of the samples, and the size that is beyond theirs
//       value                     of the shape that takes longest of them
//       sampled_low, sampled_high what the profile was fitted to
//       share                     of the part's time, on the critical path
//     tokens_per_s                throughput of all GPUs together
//     tokens_per_s_per_gpu        that of one GPU in the mean
//     baseline                    label of the row compared with: full_kv if it fits, else the first that fits; or null
//     versus_baseline             ratio of tokens_per_s
//     step_s                      mean step time
//     tpot_s                      mean time per output token, which is the step's; null of training
//     tpot_slowest_s              that of the GPU with the longest
//     step_p5_s, step_p95_s       percentiles of the step time
//     step_trend                  median step time of the last quarter of the steps ÷ that of the first
//     ttft_s                      one prompt's prefill, unqueued, with its offload traffic, other GPUs idle; null if
//                                 not charged
//     prefill_bytes               offload traffic of that prefill
//     gpu_idle                    share of time without a kernel on any stream, mean over the GPUs
//     intervals                   null without draws of the profile (--uncertainty), or where the point does not fit
//       tokens_per_s, …           [P5, P95] of the figures of these names: tokens_per_s, tokens_per_s_per_gpu,
//                                 versus_baseline, step_s, tpot_slowest_s, step_p5_s, step_p95_s, step_trend, ttft_s,
//                                 gpu_idle
//       rank                      [best, worst] place in tokens/s among the rows with the same baseline; a tie where
//                                 they differ
//     facts
//       cpu_ratio                 tokens attended by the CPU ÷ budget
//       cpu_ratio_by_step[]       the same, for each step
//       recall_interval           mean steps between recalls of a layer; 0 without recalls
//       turnover                  share of selected blocks not selected in the step before
//       link_bytes_per_step       payload to and from one GPU
//     training                    null of decoding; of the layers' products and attention, without what is computed
//     anew:
//       cost                      arithmetic beside 16 bits, FLOPs · bits ÷ 16 summed over the FLOPs
//       ffn_share, projection_share, attention_share    of the forward FLOPs
//     parts[]                     the critical path by part of the machine, largest first
//       part, share               "GPU", "link", "CPU", "DRAM", "host thread" or "other"
//     limited_by                  the first causes in plain words
//     causes[]                    the critical paths of all GPUs by cause, largest first
//       lane, operation           where it ran, and the op family
//       bottleneck                resource that limited it for longest; "": a latency or a limit of its own
//       time_s, share             summed over them, and of the elapsed time
//     ledger                      summed over all spans of all measured steps of all GPUs, which overlap; null where
//                                 nothing fits
//       dependency_s, queue_s, contention_s, work_s
//     utilisations[]
//       resource, share           of what it achieves, over all steps, warm-up included; of what each GPU has of its
//                                 own, the mean
//       amount_per_step, unit     by a step of one GPU; "B", "FLOP", "s" (time of an engine), "B read-equivalent" (HBM:
//                                 what is written and copied weighs as the reads it displaces)
//     memory[]                    of one GPU at this batch; total_bytes null where the point does not fit
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
//     interval, holding_share     [P5, P95] of what is predicted over draws of the profile, and the share of draws in
//                                 which the claim holds; null without draws
//     tested_difference           what is held against 20 %: difference, or that of the gains over 1 where the claim
//                                 is that a ratio of speeds equals a figure
//     verdict                     "holds", "differs", "not available"; "input": no test
//     rests_on_trend              true: a row that it is read from has step times that trend; note says which
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

// Parts shared with the reports of `explain` and `claims`.
nlohmann::ordered_json provenance_json(const RunReport& report);
nlohmann::ordered_json claim_json(const ClaimResult& result);
nlohmann::ordered_json causes_json(const std::vector<Cause>& causes);
nlohmann::ordered_json extrapolated_json(const std::vector<Extrapolation>& marks);
nlohmann::ordered_json ledger_json(const Ledger& ledger);
nlohmann::ordered_json utilisations_json(const std::vector<Utilisation>& utilisations);
nlohmann::ordered_json memory_json(const PointResult& point);
nlohmann::ordered_json parts_json(const std::vector<BoundPart>& parts);
nlohmann::ordered_json training_json(const PointResult& point);

}  // namespace outrider
