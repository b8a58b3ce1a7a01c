// A block-sparse system from its knobs: one decode step asks which blocks matter, serves those that are missing,
// attends, and keeps what the cache's policy says.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sim/methods/block_cache.h"
#include "sim/methods/knobs.h"
#include "sim/methods/sparse_method.h"

namespace outrider {

// The tokens, or, where it is above 0, that share of the context.
std::int64_t tokens_or_share(std::int64_t tokens, double share, std::int64_t context);

// Requires knobs without conflicts. The point's parameters are those of every decode method.
class Composed final : public SparseMethod {
 public:
  Composed(const MethodPoint& point, const Knobs& knobs);

  SelectionNeed selection_need() const override;
  TaskGraph decode_step(std::int64_t step) override;
  MethodFacts facts() const override;

 private:
  // Recalled blocks on their way, and their keys where these are rebuilt.
  struct Fetched {
    OpId copied, rebuilt;
  };
  // What a layer's selection lacks, and what must end before that can be served.
  struct Asked {
    Misses missing;
    OpId listed;
    std::optional<Fetched> fetched;  // ahead of the layer
  };

  // Which blocks.
  bool asks_ahead(int layer) const;
  Asked ask(int layer, std::int64_t step, OpId query);
  void ask_for_followers(int layer, std::int64_t step, OpId query);
  OpId select(int layer, OpId query);
  OpId hash_query(int layer, OpId query);
  OpId codes_of(int layer, OpId query);
  OpId tell(int layer, const Misses& missing, OpId picked);
  OpId send_to_host(int layer, Bytes request, OpId picked);
  OpId wait_on_host(int layer, OpId copied);
  OpId look_up_on_cpu(int layer, const Misses& missing, Bytes query, OpId picked);
  OpId look_up_hashes(int layer, OpId sent);
  // Attention of a sparse layer.
  OpId attend(int layer, std::int64_t step, OpId q);
  OpId attend_last_selection(int layer, std::int64_t step, OpId q);
  OpId attend_on_gpu(int layer, const Misses& missing, OpId q, const Fetched& fetched);
  OpId attend_on_cpu(int layer, OpId q, const Asked& asked);
  OpId add_estimate(int layer, OpId attended, OpId q);
  // Blocks on their way to the GPU.
  Fetched fetch(int layer, double blocks, OpId listed);
  void fetch_ahead(int layer);
  OpId gather_and_copy(int layer, double blocks, OpId listed);
  OpId rebuild_keys(int layer, double blocks, OpId listed);
  void recall_in_background(int layer, double blocks, OpId listed, OpId after);
  bool recall_is_due(int layer, std::int64_t step) const;

  // Sizes.
  bool offloads() const override { return knobs_.placement != Knobs::Placement::gpu; }
  bool serves_on_cpu() const { return knobs_.miss == Knobs::Miss::cpu_attend; }
  bool hashes() const { return knobs_.index == Knobs::Index::lsh; }
  std::int64_t chosen_step(std::int64_t step) const { return step - step % knobs_.reselect_steps; }
  double kept_tokens() const;
  std::int64_t cached_blocks() const;
  // The filter layer whose selection a layer uses; −1 before the first, and without filters.
  int filter_of(int layer) const { return filters_[at(layer)]; }
  double entry_tokens() const;
  double index_entries() const;
  double estimated_entries() const;
  Bytes index_bytes(int layer, double entries) const;       // in HBM
  Bytes host_index_bytes(int layer, double entries) const;  // in DRAM
  Bytes hash_bytes(int layer) const;
  Scan scan_of(int layer) const;
  Bytes low_rank_keys(int layer) const;
  Bytes kv_of_fetched_layers() const;
  double share_of_layers(double count) const;  // of those with KV in DRAM
  Bytes host_kv(int layer, double tokens) const override;
  std::int64_t profiled_interval(int layer) const;
  std::vector<MemoryUse> cache_memory() const override;
  void index_prefilled(int layer, OpId after) override;
  static std::size_t at(int layer) { return static_cast<std::size_t>(layer); }
  static CarrySlot slot(int layer) { return static_cast<CarrySlot>(layer); }

  Knobs knobs_;
  std::vector<int> filters_;
  BlockCache cache_;
  std::vector<std::int64_t> interval_;       // steps between periodic recalls, per layer
  std::vector<std::optional<Asked>> asked_;  // this step's, of layers that are asked for by an earlier one
  std::vector<OpId> codes_;                  // this step's copies of product codes, by layer
  OpId shared_;                              // what the last filter layer selected
};

inline std::unique_ptr<Method> compose(const MethodPoint& point, const Knobs& knobs) {
  return std::make_unique<Composed>(point, knobs);
}

// The entry behind a scenario's `compose`: its parameters are the knobs.
MethodEntry composed();

}  // namespace outrider
