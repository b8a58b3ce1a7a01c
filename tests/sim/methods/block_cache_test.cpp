// Which blocks a cache holds, against sets kept the plain way.
#include "sim/methods/block_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace outrider {
namespace {

constexpr std::int64_t kBlocks = 200, kSelected = 20, kSteps = 60, kSequences = 3;

SelectionTrace drawn() {
  SelectionTrace trace(
      {.layers = 2, .sequences = kSequences, .steps = kSteps, .blocks = kBlocks, .selected = kSelected});
  for (const std::int64_t layer : {0, 1}) trace.draw({"", 0.9, 0.2, 0.0}, RandomStream(5), layer, "decode");
  return trace;
}

bool is_selected(BlockSet set, std::int64_t block) {
  return (set[static_cast<std::size_t>(block / 64)] >> (block % 64) & 1) != 0;
}

// Blocks with their worth; the least worthy, and of these the lowest, goes while there are too many.
class PlainCache {
 public:
  PlainCache(bool recency, std::size_t capacity) : recency_(recency), capacity_(capacity) {}
  std::int64_t use(BlockSet selected, std::int64_t step) {
    std::int64_t missing = 0;
    for (std::int64_t block = 0; block < kBlocks; ++block) {
      if (!is_selected(selected, block)) continue;
      missing += held_.contains(block) ? 0 : 1;
      held_[block] = recency_ ? step : held_[block] + 1;
    }
    while (held_.size() > capacity_) {
      std::map<std::int64_t, std::int64_t> idle = held_;
      std::erase_if(idle, [&](const auto& each) { return is_selected(selected, each.first); });
      held_.erase(std::min_element(idle.begin(), idle.end(), [](const auto& a, const auto& b) {
                    return a.second < b.second;
                  })->first);
    }
    return missing;
  }

 private:
  bool recency_;
  std::size_t capacity_;
  std::map<std::int64_t, std::int64_t> held_;
};

TEST(BlockCache, ByUseItHoldsWhatAPlainOneHolds) {
  const SelectionTrace trace = drawn();
  for (const Knobs::Cache policy : {Knobs::Cache::lru, Knobs::Cache::lfu}) {
    for (const std::int64_t capacity : {5, 20, 33, 70}) {
      BlockCache cache({policy, capacity, 2, kSequences, kSelected}, &trace);
      const auto room = static_cast<std::size_t>(std::max(capacity, kSelected));
      std::vector<PlainCache> plain(kSequences, PlainCache(policy == Knobs::Cache::lru, room));
      for (std::int64_t sequence = 0; sequence < kSequences; ++sequence)
        plain[static_cast<std::size_t>(sequence)].use(trace.selected(1, sequence, -1), -1);
      for (std::int64_t step = 0; step < kSteps; ++step) {
        BlockMisses expected;
        for (std::int64_t sequence = 0; sequence < kSequences; ++sequence) {
          const std::int64_t missing =
              plain[static_cast<std::size_t>(sequence)].use(trace.selected(1, sequence, step), step);
          expected.total += missing;
          expected.longest = std::max(expected.longest, missing);
        }
        const BlockMisses found = cache.use(0, 1, step);
        EXPECT_EQ(found.total, expected.total) << capacity << " at " << step;
        EXPECT_EQ(found.longest, expected.longest) << capacity << " at " << step;
      }
    }
  }
}

TEST(BlockCache, OfOneSetTheLeastRecentlyUsedIsTheLastSet) {
  const SelectionTrace trace = drawn();
  BlockCache lru({Knobs::Cache::lru, kSelected, 2, kSequences, kSelected}, &trace);
  BlockCache last({Knobs::Cache::last, 0, 2, kSequences, kSelected}, &trace);
  for (std::int64_t step = 0; step < kSteps; ++step)
    EXPECT_EQ(lru.use(1, 1, step).total, last.use(1, 1, step).total) << step;
}

TEST(BlockCache, PoliciesOfAStepLackWhatChangedSince) {
  const SelectionTrace trace = drawn();
  const auto changed = [&](std::int64_t step, std::int64_t since) {
    return trace.missing(0, kSequences, {.step = step, .earlier = since}).total;
  };
  BlockCache prefill({Knobs::Cache::prefill, 0, 2, kSequences, kSelected}, &trace);
  BlockCache periodic({Knobs::Cache::periodic, 0, 2, kSequences, kSelected}, &trace);
  BlockCache none({Knobs::Cache::none, 0, 2, kSequences, kSelected}, &trace);
  for (std::int64_t step = 0; step < 12; ++step) {
    EXPECT_EQ(prefill.use(0, 0, step).total, changed(step, -1));
    EXPECT_EQ(periodic.use(0, 0, step).total, changed(step, step < 6 ? -1 : 5));
    if (step == 5) periodic.refresh(0, step);
    EXPECT_EQ(none.use(0, 0, step).total, kSequences * kSelected);
  }
}

}  // namespace
}  // namespace outrider
