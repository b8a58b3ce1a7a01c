// Design points of methods on models made here: what runs on a GPU machine needs no files of the tree.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/methods/method.h"
#include "sim/methods/selection.h"

namespace outrider {

struct ModelSize {
  std::size_t layers = 4;
  std::int64_t hidden = 1024, q_heads = 8, kv_heads = 2, intermediate = 3072, vocab = 8192;
};

// A dense decoder of equal layers with heads of 128 channels.
inline ModelSpec decoder(const ModelSize& size) {
  LayerSpec layer;
  layer.attention.q_heads = size.q_heads;
  layer.attention.kv_heads = size.kv_heads;
  layer.attention.head_dim = layer.attention.v_head_dim = 128;
  layer.ffn.intermediate = size.intermediate;
  ModelSpec model;
  model.name = "decoder";
  model.hidden = size.hidden;
  model.vocab = size.vocab;
  model.layers.assign(size.layers, layer);
  return model;
}

struct GpuPointSpec {
  std::string method, preset{};
  std::map<std::string, ParamValue> set{};
  ModelSize size{};
  std::int64_t context = 4096, batch = 4, steps = 3;
  double drift = 0.98;
};

// Owns what its graphs were built from, and the graphs.
class GpuPoint {
 public:
  explicit GpuPoint(const GpuPointSpec& spec) : model_(decoder(spec.size)) {
    const MethodEntry* entry = nullptr;
    for (const MethodEntry& each : methods()) {
      if (each.info.name == spec.method) entry = &each;
    }
    if (entry == nullptr) {
      ADD_FAILURE() << "no method " << spec.method;
      return;
    }
    std::map<std::string, ParamValue> set = spec.set;
    if (spec.method == "scout") set.try_emplace("recall_copies", std::string("queued"));  // paced ones are not executed
    if (spec.method == "retroinfer") set.try_emplace("lookup", std::string("gpu"));  // the CPU's is not executed
    params_ = resolve_params(entry->info, spec.preset.empty() ? entry->info.presets.front().name : spec.preset, set);
    MethodPoint point;
    point.model = &model_;
    point.machine = &machine_;
    point.params = &params_;
    point.context = spec.context;
    point.batch = spec.batch;
    point.steps = spec.steps;
    const SelectionNeed need = entry->make(point)->selection_need();
    draw(decode_, need, spec, spec.batch, spec.steps, "decode");
    draw(profiling_, need, spec, 4, need.profiling_steps, "profiling");
    point.selection = decode_ ? &*decode_ : nullptr;
    point.profiling = profiling_ ? &*profiling_ : nullptr;
    method_ = entry->make(point);
    for (std::int64_t step = 0; step < spec.steps; ++step) graphs_.push_back(method_->step(step));
  }
  GpuPoint(const GpuPoint&) = delete;
  GpuPoint& operator=(const GpuPoint&) = delete;

  const std::vector<TaskGraph>& graphs() const { return graphs_; }

 private:
  void draw(std::optional<SelectionTrace>& trace, const SelectionNeed& need, const GpuPointSpec& spec,
            std::int64_t sequences, std::int64_t steps, const char* purpose) {
    if (need.blocks == 0 || steps == 0) return;
    const auto layers = static_cast<std::int64_t>(model_.layers.size());
    trace.emplace(SelectionShape{
        .layers = layers, .sequences = sequences, .steps = steps, .blocks = need.blocks, .selected = need.selected});
    const Locality locality{"drifting", spec.drift, 0.0, 0.0};
    for (std::int64_t layer = 0; layer < layers; ++layer) trace->draw(locality, RandomStream(1), layer, purpose);
  }

  ModelSpec model_;
  MachineSpec machine_;
  Params params_;
  std::optional<SelectionTrace> decode_, profiling_;
  std::unique_ptr<Method> method_;
  std::vector<TaskGraph> graphs_;
};

}  // namespace outrider
