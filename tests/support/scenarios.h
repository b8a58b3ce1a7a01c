// Scenarios made in code: a shipped model cut to a few layers, on a shipped machine.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "sim/spec/scenario.h"
#include "sim/study/run.h"
#include "tests/support/design_points.h"

namespace outrider {

inline MethodRequest request_for(const std::string& method, const std::map<std::string, ParamValue>& set = {},
                                 const std::string& label = "") {
  const MethodInfo& info = entry_of(method).info;
  const std::string preset = info.presets.front().name;
  return {label.empty() ? method : label, method, preset, resolve_params(info, preset, set), info.runs};
}

inline Workload workload_of(std::vector<std::int64_t> contexts, std::vector<std::int64_t> batches) {
  Workload workload;
  workload.name = "decode";
  workload.contexts = std::move(contexts);
  workload.batches = std::move(batches);
  workload.decode_steps = 3;
  workload.warmup_steps = 1;
  workload.prefill = false;
  return workload;
}

// Four layers of Qwen3-14B, 8192 tokens, batch 8.
inline Scenario small_scenario(std::initializer_list<std::string> methods, std::size_t layers = 4) {
  Scenario scenario;
  scenario.name = "small";
  scenario.source_file = "small.yaml";
  scenario.model = model_named("qwen3-14b");
  scenario.model.layers.resize(layers);
  scenario.machine = machine_named("a100-80gb-pcie-36c");
  for (const std::string& method : methods) scenario.methods.push_back(request_for(method));
  scenario.workloads = {workload_of({8192}, {8})};
  scenario.locality = kDrifting;
  return scenario;
}

inline RunReport run_small(const Scenario& scenario, int threads = 1) {
  return run_scenario(scenario, assumed_profile(), {.labels = {}, .threads = threads, .progress = {}});
}

}  // namespace outrider
