// The residency diff and admission against sets, over several steps of one table.
#include <map>

#include "kernels/cuda/residency.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaResidency : public CudaTest {};

struct Case {
  int rows, slots, stride, blocks;  // blocks of a row in all
  std::int32_t most = INT32_MAX;
};

struct Row {
  std::vector<std::int32_t> slots_of, hits, misses, evictable;
};

// Of a row whose slots begin at `first`.
Row expected_of(const std::vector<std::int32_t>& selected, const std::vector<std::int32_t>& blocks,
                std::int32_t first) {
  Row row;
  std::map<std::int32_t, std::int32_t> slot_of;
  std::vector<std::int32_t> unselected;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::int32_t slot = first + static_cast<std::int32_t>(i);
    if (blocks[i] == kNoBlock) {
      row.evictable.push_back(slot);
    } else if (std::binary_search(selected.begin(), selected.end(), blocks[i])) {
      slot_of[blocks[i]] = slot;
    } else {
      unselected.push_back(slot);
    }
  }
  row.evictable.insert(row.evictable.end(), unselected.begin(), unselected.end());
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto at = slot_of.find(selected[i]);
    row.slots_of.push_back(at == slot_of.end() ? kNoSlot : at->second);
    if (at == slot_of.end()) {
      row.misses.push_back(static_cast<std::int32_t>(i));
    } else {
      row.hits.push_back(at->second);
    }
  }
  return row;
}

// Row `row` of a device array of rows: `count` values; the values behind them must be poison.
std::vector<std::int32_t> row_of(const std::vector<std::int32_t>& values, std::size_t row, std::size_t stride,
                                 std::size_t count) {
  const auto begin = values.begin() + row * stride;
  EXPECT_TRUE(std::all_of(begin + count, begin + stride, [](std::int32_t each) { return each == kPoisonId; }));
  return {begin, begin + count};
}

// A table on the device, its expectation on the host, and the random steps that both take.
class Steps {
 public:
  Steps(const Case& c, unsigned seed)
      : c_(c),
        random_(seed),
        blocks_(c.rows, std::vector<std::int32_t>(c.slots, kNoBlock)),
        table_(c.rows * c.slots, kNoBlock) {
    for (int row = 0; row < c.rows; ++row) offsets_.push_back(1000003LL * row);
  }

  void step() {
    select();
    const DeviceArray<std::int32_t> selected(flat(selected_)), counts(counts_), slots_of(lists(), kPoisonId);
    const DeviceArray<std::int32_t> hits(lists(), kPoisonId), misses(lists(), kPoisonId);
    const DeviceArray<std::int32_t> evictable(c_.rows * c_.slots, kPoisonId), hit_counts(c_.rows, kPoisonId);
    const DeviceArray<std::int32_t> miss_counts(c_.rows, kPoisonId), evictable_counts(c_.rows, kPoisonId);
    const Residency residency{
        selected.data(),        c_.stride,   counts.data(),     c_.rows,       c_.slots,           table_.data(),
        slots_of.data(),        hits.data(), hit_counts.data(), misses.data(), miss_counts.data(), evictable.data(),
        evictable_counts.data()};
    check(launch_residency_diff(residency, nullptr));
    std::vector<Row> expected;
    for (int row = 0; row < c_.rows; ++row) {
      expected.push_back(expected_of(selected_[row], blocks_[row], row * c_.slots));
      const Row& e = expected.back();
      ASSERT_EQ(row_of(slots_of.host(), row, c_.stride, counts_[row]), e.slots_of);
      ASSERT_EQ(hit_counts.host()[row], static_cast<int>(e.hits.size()));
      ASSERT_EQ(row_of(hits.host(), row, c_.stride, e.hits.size()), e.hits);
      ASSERT_EQ(miss_counts.host()[row], static_cast<int>(e.misses.size()));
      ASSERT_EQ(row_of(misses.host(), row, c_.stride, e.misses.size()), e.misses);
      ASSERT_EQ(evictable_counts.host()[row], static_cast<int>(e.evictable.size()));
      ASSERT_EQ(row_of(evictable.host(), row, c_.slots, e.evictable.size()), e.evictable);
    }
    admit(residency, expected, slots_of);
  }

 private:
  std::size_t lists() const { return static_cast<std::size_t>(c_.rows) * c_.stride; }

  void select() {
    selected_.clear(), counts_.clear();
    for (int row = 0; row < c_.rows; ++row) {
      counts_.push_back(static_cast<std::int32_t>(random_.below(std::min(c_.stride, c_.blocks) + 1)));
      selected_.push_back(shuffled(counts_.back(), c_.blocks, random_));
      std::sort(selected_.back().begin(), selected_.back().end());
    }
  }

  std::vector<std::int32_t> flat(const std::vector<std::vector<std::int32_t>>& rows) const {
    std::vector<std::int32_t> values(lists(), kPoisonId);
    for (int row = 0; row < c_.rows; ++row) std::copy(rows[row].begin(), rows[row].end(), &values[row * c_.stride]);
    return values;
  }

  void admit(const Residency& residency, std::vector<Row>& expected, const DeviceArray<std::int32_t>& slots_of) {
    constexpr std::int64_t kBlockBytes = 3'000'000'000;  // offsets need 64 bits
    const DeviceArray<std::int64_t> offsets(offsets_), sources(lists(), -1);
    const DeviceArray<std::int32_t> destinations(lists(), kPoisonId), transfers(1, kPoisonId);
    check(launch_admission(
        {residency, c_.most, offsets.data(), kBlockBytes, sources.data(), destinations.data(), transfers.data()},
        nullptr));
    std::vector<std::int64_t> expected_sources;
    std::vector<std::int32_t> expected_destinations;
    for (int row = 0; row < c_.rows; ++row) {
      Row& e = expected[row];
      const auto count = std::min({e.misses.size(), e.evictable.size(), static_cast<std::size_t>(c_.most)});
      for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t block = selected_[row][e.misses[i]], slot = e.evictable[i];
        blocks_[row][slot - row * c_.slots] = block;
        e.slots_of[e.misses[i]] = slot;
        expected_sources.push_back(offsets_[row] + block * kBlockBytes);
        expected_destinations.push_back(slot);
      }
      ASSERT_EQ(row_of(slots_of.host(), row, c_.stride, counts_[row]), e.slots_of);
      ASSERT_EQ(row_of(table_.host(), row, c_.slots, c_.slots), blocks_[row]);
    }
    const auto count = expected_sources.size();
    ASSERT_EQ(transfers.host()[0], static_cast<int>(count));
    expected_sources.resize(lists(), -1);
    ASSERT_EQ(sources.host(), expected_sources);
    ASSERT_EQ(row_of(destinations.host(), 0, lists(), count), expected_destinations);
  }

  Case c_;
  RandomStream random_;
  std::vector<std::vector<std::int32_t>> blocks_, selected_;
  std::vector<std::int32_t> counts_;
  std::vector<std::int64_t> offsets_;
  DeviceArray<std::int32_t> table_;
};

void expect_steps(const Case& c, unsigned seed) {
  Steps steps(c, seed);
  for (int i = 0; i < 6 && !testing::Test::HasFatalFailure(); ++i) steps.step();
}

TEST_F(CudaResidency, ListsHitsMissesAndEvictableSlots) { expect_steps({5, 64, 48, 300}, 1); }
TEST_F(CudaResidency, TakesEveryTailOfItsLists) {
  for (int size = 1; size <= 70; size += 3) expect_steps({2, size, 71 - size, 90}, 10 + size);
}
TEST_F(CudaResidency, TakesMoreRowsThanThreads) { expect_steps({300, 5, 4, 9}, 2); }
TEST_F(CudaResidency, TakesItsLargestSizes) {
  expect_steps({2, kResidencyMostSlots, kResidencyMostSelected, 30000}, 3);
}
TEST_F(CudaResidency, AdmitsNoMoreThanFitsOrIsAllowed) {
  expect_steps({3, 4, 40, 100}, 4);
  expect_steps({3, 64, 40, 100, 3}, 5);
  expect_steps({3, 0, 40, 100}, 6);
}
TEST_F(CudaResidency, RefusesWhatItCannotDo) {
  EXPECT_EQ(launch_residency_diff({.selected_stride = kResidencyMostSelected + 1, .rows = 1}, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(launch_residency_diff({.rows = 1, .slots = kResidencyMostSlots + 1}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_admission({.most = -1}, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
