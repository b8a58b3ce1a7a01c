// Which KV blocks matter, step by step: a seeded stochastic process per (layer, sequence), shared by all methods.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/base/random.h"
#include "sim/spec/scenario.h"

namespace outrider {

// Each block b of a (layer, sequence) has a score
//   z_b(t) = √s · μ_b + √(1 − s) · x_b(t),   x_b(t+1) = ρ_l · x_b(t) + √(1 − ρ_l²) · ε,   μ, ε, x_b(0) ~ N(0, 1),
// with s = static_share and ρ_l = step_correlation^(speed of layer l), speeds log-normal with mean 1. The blocks with
// the k highest scores are selected. Any heavy-tailed stationary score with the same copula is a monotone transform of
// z and selects the same blocks. Turnover and its growth with lag emerge from (s, ρ, k, N).
struct SelectionShape {
  std::int64_t layers = 0;
  std::int64_t sequences = 0;
  std::int64_t steps = 0;
  std::int64_t blocks = 0;    // N, ≥ selected
  std::int64_t selected = 0;  // k
};

// A set of blocks as bits: block b is bit b % 64 of word b / 64.
using BlockSet = std::span<const std::uint64_t>;

// Blocks of `current` that `earlier` lacks; both over the same number of blocks.
std::int64_t count_missing(BlockSet current, BlockSet earlier);

// Counts over several sequences of blocks that are selected and lack.
struct BlockMisses {
  std::int64_t total = 0;
  std::int64_t longest = 0;  // of one sequence
};

// The selected blocks of every (layer, sequence) after prefill (step −1) and in each decode step.
class SelectionTrace {
 public:
  explicit SelectionTrace(const SelectionShape& shape);

  // Draws one layer. Layers are independent and may be drawn by different threads. A (layer, sequence) depends on its
  // own stream only, so a trace of fewer sequences or steps is a prefix of a larger one. `purpose` names other
  // sequences of the same layers ("decode", "profiling").
  void draw(const Locality& locality, const RandomStream& stream, std::int64_t layer, std::string_view purpose);

  const SelectionShape& shape() const { return shape_; }
  std::size_t bytes() const;  // of memory
  // Requires −1 ≤ step < steps.
  BlockSet selected(std::int64_t layer, std::int64_t sequence, std::int64_t step) const;

  // Blocks of the first `sequences` that are selected at one step and were not at an earlier one.
  struct Steps {
    std::int64_t step = 0, earlier = 0;
  };
  // Counts are kept for whoever asks again, other points and other threads too.
  BlockMisses missing(std::int64_t layer, std::int64_t sequences, const Steps& between) const;

  // Share of the blocks selected at step + lag that were not selected at `step`, averaged over sequences and steps.
  double turnover(std::int64_t layer, std::int64_t lag) const;

 private:
  // A count that any thread may write: all write the same.
  class KnownCount {
   public:
    KnownCount() = default;
    KnownCount(const KnownCount& other) : count_(other.count_.load(std::memory_order_relaxed)) {}
    std::optional<std::int64_t> get() const {
      const std::uint16_t count = count_.load(std::memory_order_relaxed);
      return count == kUnknown ? std::nullopt : std::optional<std::int64_t>(count);
    }
    void set(std::int64_t count) { count_.store(static_cast<std::uint16_t>(count), std::memory_order_relaxed); }
    static constexpr std::uint16_t kUnknown = 0xffff;

   private:
    std::atomic<std::uint16_t> count_{kUnknown};
  };
  std::size_t offset(std::int64_t layer, std::int64_t sequence, std::int64_t step) const;

  SelectionShape shape_;
  std::size_t words_ = 0;              // per set
  std::vector<std::uint64_t> chosen_;  // [layer][sequence][step + 1][words]
  // [layer][step and earlier step][sequence]: what missing() counted; none where that would take more than the sets.
  mutable std::vector<KnownCount> counts_;
};

}  // namespace outrider
