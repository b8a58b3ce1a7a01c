// What the systems share: weights on the GPU, a memory plan, prefill, selection counts and facts.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/methods/layer_emitter.h"
#include "sim/methods/method.h"
#include "sim/methods/selection.h"

namespace outrider {

// Parameters every decode method has.
std::vector<ParamSpec> common_params(const char* launch);
std::vector<ParamSpec> with_common(std::vector<ParamSpec> params, const char* launch);

class DecodeMethod : public Method {
 public:
  TaskGraph step(std::int64_t step) final { return decode_step(step); }
  std::vector<MemoryUse> memory() const override;
  SelectionNeed selection_need() const override { return {}; }
  TaskGraph prefill() override;
  MethodFacts facts() const override;

 protected:
  // Layers of `dense` count as not offloaded: they attend every token, and keep their KV in HBM.
  explicit DecodeMethod(const MethodPoint& point, const LayerList& dense = {});

  virtual TaskGraph decode_step(std::int64_t step) = 0;
  // A step with dense attention, and all KV in HBM.
  TaskGraph step_in_hbm(std::int64_t step);
  // The KV and index memory of the method; `memory` adds weights and reserves.
  virtual std::vector<MemoryUse> cache_memory() const = 0;
  // True where the KV of offloaded layers lives in DRAM, or `host_kv` of it.
  virtual bool offloads() const { return true; }
  virtual Bytes host_kv(int layer, double tokens) const { return emit_.kv_bytes(layer, tokens); }
  // Numbers that the attention of a prompt multiplies.
  virtual DataType prompt_products() const { return DataType::bf16; }
  // What a prefill sends to DRAM of a prompt's layer.
  virtual Bytes prompt_kv(int layer) const { return host_kv(layer, static_cast<double>(point_.context)); }
  // Builds the method's index over a freshly prefilled layer; the default has none.
  virtual void index_prefilled(int /*layer*/, OpId /*after*/) {}

  const ModelSpec& model() const { return *point_.model; }
  const Params& params() const { return *point_.params; }
  double batch() const { return static_cast<double>(point_.batch); }
  int layers() const { return static_cast<int>(model().layers.size()); }
  double context_at(std::int64_t step) const { return static_cast<double>(point_.context + step); }

  // Memory rows.
  Bytes kv_of_all_layers() const;           // one sequence at the point's last step, every layer
  Bytes kv_of_dense_layers() const;         // … layers whose KV grows and is not offloaded
  Bytes kv_of_offloaded_layers() const;     // … only the layers whose KV grows
  Bytes kv_of_tokens(double tokens) const;  // that many tokens in every offloaded layer

  // Counts over the batch of blocks selected in `step` and not in `resident_step`, for one layer.
  using Misses = BlockMisses;
  Misses misses(int layer, std::int64_t step, std::int64_t resident_step) const;
  // The layer's number among the offloaded ones: its place in selection traces.
  std::int64_t ordinal_of(int layer) const { return ordinal_[static_cast<std::size_t>(layer)]; }

  // Elements per sequence: q_heads · head_dim, and q_heads · v_head_dim.
  double head_queries(int layer) const;
  double head_outputs(int layer) const;

  // The K and V of the step's new tokens go to DRAM.
  OpId write_back(int layer, OpId after) { return write_back(layer, batch(), after); }
  OpId write_back(int layer, double sequences, OpId after);
  // Every token cached by so many sequences of the batch.
  AttentionShape dense_attention(int layer, std::int64_t step, double sequences) const;
  // That by the CPU: Q and the new tokens' K and V go there, the output comes back. Notes the link's bytes only.
  OpId attend_on_cpu(int layer, std::int64_t step, double sequences, OpId q);
  CopyShape one_copy(Direction direction, Bytes bytes) const;

  // Facts.
  void note_cpu_tokens(double tokens, double budget) {
    cpu_tokens_ += tokens;
    cpu_budget_ += budget;
  }
  void note_link(const CopyShape& copy) { link_bytes_ += copy.total().value(); }
  void note_recalls(double blocks) { recalled_ += blocks; }
  void note_turnover(const Misses& since_last_step) { turned_over_ += static_cast<double>(since_last_step.total); }
  void note_step();

  MethodPoint point_;
  LayerEmitter emit_;

 private:
  std::vector<std::int64_t> ordinal_;  // of each layer among the offloaded ones
  double cpu_tokens_ = 0.0, cpu_budget_ = 0.0, link_bytes_ = 0.0, recalled_ = 0.0, turned_over_ = 0.0;
  std::int64_t steps_ = 0;
  double cpu_tokens_all_ = 0.0, cpu_budget_all_ = 0.0;
  std::vector<double> cpu_ratio_by_step_;
};

}  // namespace outrider
