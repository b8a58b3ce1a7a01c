// Everything a run depends on besides the profile: model, machine, methods, load, locality, seed and claims.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/spec/machine.h"
#include "sim/spec/model.h"
#include "sim/spec/params.h"

namespace outrider {

// A method with all parameters resolved. `label` names its rows; unique within a scenario.
struct MethodRequest {
  std::string label;
  std::string method;
  std::string preset;
  Params params;
  WorkloadKind runs = WorkloadKind::decode;
};

// A block of design points: every context × every batch, for the listed methods.
struct Workload {
  std::string name;
  WorkloadKind kind = WorkloadKind::decode;
  std::vector<std::int64_t> contexts;  // tokens already cached when decoding starts; training: of a sequence
  std::vector<std::int64_t> batches;   // empty: one point per context with the batch that memory holds
  std::int64_t max_batch = 256;        // limit on the automatic batch
  std::int64_t decode_steps = 32;      // measured steps, of training too
  std::int64_t warmup_steps = 4;       // simulated before, not measured; training: 0
  std::vector<std::string> methods;    // labels; empty: all
  bool prefill = true;                 // also charge prefill: time to first token and its offload traffic
  std::int64_t micro_batches = 1;      // training: of `batch` sequences each, whose gradients make one step
};

// How the important blocks of a (layer, sequence) change from step to step (see methods/selection.h).
struct Locality {
  std::string preset;             // name of the preset the figures came from, or "custom"
  double step_correlation = 0.0;  // AR(1) coefficient of a block's drifting score per decode step
  double static_share = 0.0;      // share of score variance that never drifts, in [0, 1)
  double layer_spread = 0.0;      // sigma of the log-normal spread of drift speed over layers
};

// A condition that a claim's source leaves open: what it may have been, other than what the scenario takes.
struct Unknown {
  std::string path;                 // dotted, of the scenario, as of --set
  std::vector<std::string> values;  // YAML
  std::string why;                  // these are plausible
};

// One published figure and where to look for it in the results.
struct Claim {
  std::string id;
  std::string text;      // what is claimed, in our words
  std::string metric;    // see study/claims.h for the vocabulary
  std::string method;    // label
  std::string baseline;  // label; empty for absolute figures
  std::string workload;  // name of the Workload it is read from
  std::int64_t context = 0;
  std::int64_t batch = 0;            // 0: the automatic batch
  std::int64_t baseline_batch = -1;  // -1: as batch
  double value = 0.0;
  std::string relation = "equals";  // "equals", "at_most" or "at_least"
  bool input = false;               // sets something in the scenario, so that it cannot be met by merit
  std::string certainty;            // P, S, I, R
  std::string source;
  std::string conditions;  // what the source says, and leaves unsaid, about the conditions
  std::vector<Unknown> unknown{};
};

struct Scenario {
  std::string name;
  std::string description;
  std::string source_file;
  ModelSpec model;
  MachineSpec machine;
  // Figures in which the machine differs from the one that its name stands for, as "cpu.cores: 64 (16)".
  std::vector<std::string> machine_changes;
  std::string profile;                  // path of the coefficient profile
  bool profile_beside_machine = false;  // taken since it lies beside the machine's file, and nothing names another
  bool transfer_profile = false;        // allows a profile that was fitted on another machine
  std::vector<MethodRequest> methods;
  std::vector<Workload> workloads;
  Locality locality;
  std::uint64_t seed = 1;
  std::vector<Claim> claims;
  // Of the model's file and of the machine as it was read, with what was set: the same for the same content.
  std::array<std::uint64_t, 2> model_digest{}, machine_digest{};
};

}  // namespace outrider
