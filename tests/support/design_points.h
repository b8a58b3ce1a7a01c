// One design point of a method on a shipped model and machine: its memory plan, its graphs and their simulation.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/engine/sim_backend.h"
#include "sim/io/hf_config.h"
#include "sim/methods/method.h"
#include "sim/methods/selection.h"
#include "sim/spec/model_math.h"
#include "sim/trace/metrics.h"
#include "tests/hwmodels/machines.h"

namespace outrider {

inline ModelSpec model_in(const std::filesystem::path& file) {
  ConfigErrors errors;
  auto model = read_hf_config(file, errors);
  EXPECT_TRUE(model.has_value()) << texts(errors);
  return model.value_or(ModelSpec{});
}
// A shipped model, or one of the tests' own.
inline ModelSpec model_named(const std::string& name) {
  const std::filesystem::path root(OUTRIDER_SOURCE_DIR), shipped = root / "scenarios/models" / (name + ".json");
  return model_in(std::filesystem::exists(shipped) ? shipped : root / "tests/data/models" / (name + ".json"));
}

inline const MethodEntry& entry_of(const std::string& method) {
  if (const MethodEntry* entry = method_named(method)) return *entry;
  ADD_FAILURE() << "no method " << method;
  return methods().front();
}

// Those whose steps decode with a model: neither probes nor training.
inline std::vector<MethodEntry> decode_methods() {
  std::vector<MethodEntry> found;
  for (const MethodEntry& entry : methods()) {
    if (entry.info.runs == WorkloadKind::decode && !entry.info.probe) found.push_back(entry);
  }
  return found;
}

// A selection that never changes, so that what was resident after prefill is all that is ever needed.
inline const Locality kStill{"still", 1.0 - 1e-12, 1.0 - 1e-12, 0.0};
inline const Locality kDrifting{"drifting", 0.98, 0.0, 0.0};

struct PointSpec {
  std::string method;
  std::string preset{};  // empty: the method's first
  std::map<std::string, ParamValue> set{};
  std::string model = "qwen3-14b";
  std::size_t layers = 0;  // keep the first ones only; 0: all
  std::int64_t context = 8192, batch = 2, steps = 4;
  Locality locality = kDrifting;
  std::string machine = "a100-80gb-pcie-36c";
  std::uint64_t seed = 1;
  std::int64_t micro_batches = 1;
};

// Owns what a MethodPoint refers to.
class DesignPoint {
 public:
  explicit DesignPoint(const PointSpec& spec)
      : spec_(spec), model_(model_named(spec.model)), machine_(machine_named(spec.machine)) {
    if (spec.layers > 0) model_.layers.resize(spec.layers);
    const MethodEntry& entry = entry_of(spec.method);
    params_ = resolve_params(entry.info, spec.preset.empty() ? entry.info.presets.front().name : spec.preset, spec.set);
    MethodPoint point = {.model = &model_,
                         .machine = &machine_,
                         .params = &params_,
                         .context = spec.context,
                         .batch = 0,
                         .steps = spec.steps,
                         .selection = nullptr,
                         .profiling = nullptr,
                         .micro_batches = spec.micro_batches};
    const std::unique_ptr<Method> planned = entry.make(point);
    need_ = planned->selection_need();
    draw(decode_, spec.batch, spec.steps, "decode");
    draw(profiling_, 4, need_.profiling_steps, "profiling");
    point.batch = spec.batch;
    point.selection = decode_ ? &*decode_ : nullptr;
    point.profiling = profiling_ ? &*profiling_ : nullptr;
    method_ = entry.make(point);
  }
  DesignPoint(const DesignPoint&) = delete;
  DesignPoint& operator=(const DesignPoint&) = delete;

  Method& method() { return *method_; }
  const ModelSpec& model() const { return model_; }
  const MachineSpec& machine() const { return machine_; }
  const SelectionTrace& selection() const { return *decode_; }
  const SelectionTrace& profiling() const { return *profiling_; }

  std::vector<TaskGraph> graphs() {
    std::vector<TaskGraph> steps;
    for (std::int64_t step = 0; step < spec_.steps; ++step) steps.push_back(method_->step(step));
    return steps;
  }

  // Blocks over the batch that are selected in `step` but were not in `earlier`.
  std::int64_t missing(std::int64_t layer, std::int64_t step, std::int64_t earlier) const {
    std::int64_t sum = 0;
    for (std::int64_t sequence = 0; sequence < spec_.batch; ++sequence)
      sum += count_missing(decode_->selected(layer, sequence, step), decode_->selected(layer, sequence, earlier));
    return sum;
  }

 private:
  void draw(std::optional<SelectionTrace>& trace, std::int64_t sequences, std::int64_t steps, const char* purpose) {
    const auto growing = std::count_if(model_.layers.begin(), model_.layers.end(), has_growing_kv);
    if (need_.blocks == 0 || growing == 0 || steps == 0) return;
    trace.emplace(SelectionShape{
        .layers = growing, .sequences = sequences, .steps = steps, .blocks = need_.blocks, .selected = need_.selected});
    for (std::int64_t layer = 0; layer < growing; ++layer)
      trace->draw(spec_.locality, RandomStream(spec_.seed), layer, purpose);
  }

  PointSpec spec_;
  ModelSpec model_;
  MachineSpec machine_;
  Params params_;
  SelectionNeed need_;
  std::optional<SelectionTrace> decode_, profiling_;
  std::unique_ptr<Method> method_;
};

inline Trace simulated(const DesignPoint& point, const std::vector<TaskGraph>& graphs) {
  const MachineModel machine(point.machine(), assumed_profile());
  SimBackend backend(machine.platform());
  for (const TaskGraph& graph : graphs) {
    const std::vector<Demand> demands = machine.demands(graph);
    backend.run_step(graph, demands);
  }
  return backend.finish();
}

}  // namespace outrider
