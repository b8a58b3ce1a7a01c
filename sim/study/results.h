// The figures of a run: one row per method and design point, claims beside them, provenance above them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/methods/method.h"
#include "sim/spec/scenario.h"
#include "sim/study/bound.h"
#include "sim/trace/metrics.h"
#include "sim/trace/trace.h"

namespace outrider {

struct Utilisation {
  std::string resource;
  double share = 0.0;            // of what the resource achieves, over all steps, warm-up included
  double amount_per_step = 0.0;  // in `unit`
  std::string unit;              // "B", "FLOP", "s"; "B read-equivalent": bytes weigh by the reads they displace
};

// Operations on the critical path that are beyond the sampled range of a size that decides their time.
struct Extrapolation {
  std::string part;              // whose time they make: "step" or "prefill"
  std::string operation, size;   // a family and a size of hwmodels/op_sizes.h
  double value = 0.0;            // of the shape that takes longest of them
  double low = 0.0, high = 0.0;  // what was sampled
  double share = 0.0;            // of the part's time, on the critical path
  bool above() const { return value > high; }
  // Whether it moves the row's figures enough to be shown with them.
  bool matters() const { return share >= kMarkedShare; }
  static constexpr double kMarkedShare = 0.05;
};

// One (method, workload, context, batch), run by each of the machine's GPUs: tokens per second are of all GPUs
// together, the ledger is summed over them; batch and memory are one GPU's, times, shares and facts a mean over them.
// Where the model or batch does not fit, `fits` is false, `limit` says why, and the figures are zero.
struct PointResult {
  std::string label, method, preset, workload;
  WorkloadKind kind = WorkloadKind::decode;
  std::int64_t gpus = 1;  // replicas
  std::int64_t context = 0;
  std::int64_t batch = 0;        // simulated, on each GPU; 0 where it does not fit
  std::int64_t given_batch = 0;  // asked for; 0 where memory decides
  bool automatic_batch = false;
  std::int64_t micro_batches = 1;  // of training: of `batch` sequences each, in one step
  std::int64_t decode_steps = 0;   // measured, of training too
  bool fits = true;
  std::vector<std::string> notes;           // on this row alone: what to bear in mind with its figures
  std::vector<Extrapolation> extrapolated;  // steps first; empty for a profile that states no ranges
  std::string limit;  // what bounds the batch ("HBM", "DRAM", "max_batch", "given") or what does not fit
  double tokens_per_s = 0.0;
  Seconds tpot;          // mean step time; of decoding, that is the mean time per output token
  Seconds tpot_slowest;  // of the GPU with the longest mean
  Seconds step_p5, step_p95;
  double step_trend = 1.0;     // median step time of the last quarter of the steps ÷ that of the first
  bool trends = false;         // the two quarters differ by more than their steps scatter (trace/trend.h)
  Seconds ttft;                // one prompt's prefill, unqueued, with its offload traffic, the other GPUs idle; 0 if
                               // not charged
  double prefill_bytes = 0.0;  // offload traffic of that prefill
  double gpu_idle = 0.0;       // share of time without a kernel on any stream
  std::vector<Utilisation> utilisations;
  std::vector<Cause> causes;     // the critical path by cause, largest first
  std::vector<BoundPart> parts;  // the same by part of the machine
  Ledger ledger;                 // summed over the measured steps' spans
  MethodFacts facts;
  std::vector<MemoryUse> memory;  // at this batch
  std::uint64_t fingerprint = 0;  // of the decode trace

  // Of one GPU: of decoding one for each sequence, of training all of theirs.
  double tokens_per_step() const {
    const double sequences = static_cast<double>(batch);
    return kind == WorkloadKind::decode ? sequences : sequences * static_cast<double>(context * micro_batches);
  }
  double tokens_per_s_per_gpu() const { return tokens_per_s / static_cast<double>(gpus); }
};

// P5 to P95 of a figure over simulations with draws of what the profile leaves open.
struct Interval {
  double low = 0.0, high = 0.0;
};

struct ClaimResult {
  Claim claim;
  bool available = false;  // false: a row it needs is missing or does not fit; `note` says which
  double predicted = 0.0;
  double difference = 0.0;         // (predicted − claimed) ÷ |claimed|; infinite where only the claimed figure is 0
  bool of_gain = false;            // "equals" on a ratio of speeds: what is tested is its gain over 1
  double tested_difference = 0.0;  // what is held against 20 %: `difference`, or (predicted − claimed) ÷ |claimed − 1|
  bool holds = false;              // "equals": |tested_difference| is at most 20 %
  bool rests_on_trend = false;  // a row that it is read from has step times that trend; `note` says which
  std::string note;
  // Of simulations with draws: what they predict, and the share of them in which the claim holds. None without draws,
  // or where they have no figure.
  std::optional<Interval> interval{};
  std::optional<double> holding_share{};
};

struct RunReport {
  std::string scenario, model, machine, profile, profile_kind, version;
  std::vector<std::string> machine_changes{};  // as in the scenario
  std::uint64_t seed = 0;
  std::vector<std::string> caveats;  // "efficiencies are assumptions …", extrapolations, …
  std::vector<PointResult> points;   // workload, context, batch, then method order of the scenario
  std::vector<ClaimResult> claims;
  // The same points and claims in simulations with draws of the profile; of each, only points' figures and claims.
  std::vector<RunReport> draws{};
};

}  // namespace outrider
