// Residency as the selection of an earlier step, or as a set of blocks with their use.
#include "sim/methods/block_cache.h"

#include <algorithm>
#include <bit>

#include "sim/base/check.h"

namespace outrider {

BlockCache::BlockCache(const Shape& shape, const SelectionTrace* selection)
    : shape_(shape), selection_(selection), resident_step_(static_cast<std::size_t>(shape.layers), -1) {
  if (by_use()) resident_.resize(static_cast<std::size_t>(shape.layers * shape.sequences));
}

BlockMisses BlockCache::use(std::int64_t layer, std::int64_t ordinal, std::int64_t step) {
  if (selection_ == nullptr || shape_.policy == Knobs::Cache::none)
    return {.total = shape_.selected * shape_.sequences, .longest = shape_.selected};
  std::int64_t& resident_step = resident_step_[static_cast<std::size_t>(layer)];
  if (!by_use()) {
    const BlockMisses missing =
        selection_->missing(ordinal, shape_.sequences, {.step = step, .earlier = resident_step});
    if (shape_.policy == Knobs::Cache::last) resident_step = step;
    return missing;
  }
  BlockMisses missing;
  for (std::int64_t sequence = 0; sequence < shape_.sequences; ++sequence) {
    std::vector<Entry>& resident = resident_[static_cast<std::size_t>(layer * shape_.sequences + sequence)];
    if (resident_step < 0) use_sequence(resident, selection_->selected(ordinal, sequence, -1), -1);
    const std::int64_t lacks = use_sequence(resident, selection_->selected(ordinal, sequence, step), step);
    missing.total += lacks;
    missing.longest = std::max(missing.longest, lacks);
  }
  resident_step = std::max<std::int64_t>(step, 0);
  return missing;
}

// Both the entries and the selected blocks come by rising number.
std::int64_t BlockCache::use_sequence(std::vector<Entry>& resident, BlockSet selected, std::int64_t step) const {
  const bool recency = shape_.policy == Knobs::Cache::lru;
  std::vector<Entry> next, idle;
  std::int64_t missing = 0;
  auto held = resident.cbegin();
  for (std::size_t word = 0; word < selected.size(); ++word) {
    for (std::uint64_t bits = selected[word]; bits != 0; bits &= bits - 1) {
      const auto block = static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      for (; held != resident.cend() && held->block < block; ++held) idle.push_back(*held);
      const bool hit = held != resident.cend() && held->block == block;
      const std::int64_t uses = hit && !recency ? held->worth + 1 : 1;
      next.push_back({recency ? step : uses, block});
      if (hit) ++held;
      missing += hit ? 0 : 1;
    }
  }
  idle.insert(idle.end(), held, resident.cend());
  const auto room = static_cast<std::size_t>(
      std::max<std::int64_t>(0, std::max(shape_.capacity, shape_.selected) - static_cast<std::int64_t>(next.size())));
  if (idle.size() > room) {
    std::nth_element(idle.begin(), idle.begin() + static_cast<std::ptrdiff_t>(room), idle.end(), std::greater<>());
    idle.resize(room);
  }
  next.insert(next.end(), idle.begin(), idle.end());
  std::sort(next.begin(), next.end(), [](const Entry& a, const Entry& b) { return a.block < b.block; });
  resident = std::move(next);
  return missing;
}

}  // namespace outrider
