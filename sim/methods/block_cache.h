// Which blocks of each layer and sequence are in HBM, by the policy that keeps them.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/methods/knobs.h"
#include "sim/methods/selection.h"

namespace outrider {

// After prefill the blocks selected then are resident. Caches that go by use hold up to `capacity` blocks of a
// sequence, at least a selection, and evict what was not selected for longest, or least often (ties: the lower number
// goes). Without a selection trace, or a cache, every selected block is missing in every step.
class BlockCache {
 public:
  struct Shape {
    Knobs::Cache policy = Knobs::Cache::last;
    std::int64_t capacity = 0;  // lru and lfu
    std::int64_t layers = 0;
    std::int64_t sequences = 0;
    std::int64_t selected = 0;  // blocks of each sequence
  };
  BlockCache(const Shape& shape, const SelectionTrace* selection);

  // The blocks that `layer` lacks of those selected in `step` at the trace's layer `ordinal`; then it holds them, where
  // the policy keeps what is used. A layer's steps are asked for in order.
  BlockMisses use(std::int64_t layer, std::int64_t ordinal, std::int64_t step);
  // Periodic: the selection of that step becomes what is resident.
  void refresh(std::int64_t layer, std::int64_t step) { resident_step_[static_cast<std::size_t>(layer)] = step; }
  std::int64_t refreshed(std::int64_t layer) const { return resident_step_[static_cast<std::size_t>(layer)]; }

 private:
  struct Entry {
    std::int64_t worth = 0;  // step of the last use, or number of uses; what has least goes first
    std::uint32_t block = 0;
    auto operator<=>(const Entry&) const = default;
  };
  bool by_use() const { return shape_.policy == Knobs::Cache::lru || shape_.policy == Knobs::Cache::lfu; }
  std::int64_t use_sequence(std::vector<Entry>& resident, BlockSet selected, std::int64_t step) const;

  Shape shape_;
  const SelectionTrace* selection_;
  std::vector<std::int64_t> resident_step_;   // per layer: the step whose selection is resident, where that is it
  std::vector<std::vector<Entry>> resident_;  // [layer · sequences + sequence] by block, where use decides
};

}  // namespace outrider
