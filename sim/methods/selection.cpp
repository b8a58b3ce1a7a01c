// Draws the block selection by lazy evaluation: a block far from the threshold is left alone until it could reach it.
#include "sim/methods/selection.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/base/check.h"

namespace outrider {
namespace {

// A block is left alone for m steps if its distance to the threshold exceeds kSigmas standard deviations of an m-step
// move (chance of a missed crossing < 7e-5 by the reflection principle) plus kThresholdDrift for the threshold's own.
constexpr float kSigmas = 4.0f;
constexpr float kThresholdDrift = 0.1f;

// The score process of one layer, with tables of the m-step transition.
struct Drift {
  float static_weight, moving_weight;
  std::vector<float> decay, noise;  // x(t + m) = decay[m] · x(t) + noise[m] · ε
  float inverse_step;               // 1 ÷ (kSigmas standard deviations of one step's move)

  Drift(double correlation, double static_share, std::int64_t steps)
      : static_weight(static_cast<float>(std::sqrt(static_share))),
        moving_weight(static_cast<float>(std::sqrt(1.0 - static_share))) {
    for (std::int64_t m = 0; m <= steps + 1; ++m) {
      const double power = std::pow(correlation, static_cast<double>(m));
      decay.push_back(static_cast<float>(power));
      noise.push_back(static_cast<float>(std::sqrt(1.0 - power * power)));
    }
    inverse_step = 1.0f / (kSigmas * moving_weight * noise[1]);
  }
};

// One (layer, sequence) at a time: scores as last evaluated, and a calendar of when each block must be looked at again.
// The calendar's days are lists threaded through the blocks.
class SequenceProcess {
 public:
  SequenceProcess(const SelectionShape& shape, const Drift& drift)
      : shape_(shape),
        drift_(drift),
        blocks_(static_cast<std::size_t>(shape.blocks)),
        chosen_((blocks_.size() + 63) / 64),
        calendar_(static_cast<std::size_t>(shape.steps) + 1) {}

  // Draws a new sequence at its stationary start, time 0, and selects.
  void start(RandomStream random) {
    random_ = random;
    now_ = certain_ = 0;
    std::fill(calendar_.begin(), calendar_.end(), kNobody);
    std::fill(chosen_.begin(), chosen_.end(), 0);
    candidates_.clear();
    for (std::uint32_t b = 0; b < blocks_.size(); ++b) {
      const float fixed = drift_.static_weight > 0.0f ? drift_.static_weight * normal() : 0.0f;
      blocks_[b] = {.fixed = fixed, .moving = normal()};
      candidates_.push_back(Candidate(score(b), b));
    }
    choose();
  }

  // Selects for the next time.
  void advance() {
    ++now_;
    candidates_.clear();
    for (std::uint32_t b = calendar_[now_]; b != kNobody; b = blocks_[b].next) {
      evaluate(blocks_[b]);
      candidates_.push_back(Candidate(score(b), b));
      certain_ -= is_chosen(b) ? 1 : 0;
    }
    choose();
  }

  BlockSet selected() const { return chosen_; }

 private:
  static constexpr std::uint32_t kNobody = 0xffffffffu;

  struct Block {
    float fixed = 0.0f, moving = 0.0f;
    std::uint32_t evaluated = 0;
    std::uint32_t next = kNobody;  // on the same day of the calendar
  };
  // A block with its score in one integer that orders by score, then by falling block number.
  struct Candidate {
    std::uint64_t key;
    Candidate(float score, std::uint32_t b) {
      const auto bits = std::bit_cast<std::uint32_t>(score);
      const std::uint32_t ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
      key = std::uint64_t{ordered} << 32 | (0xffffffffu - b);
    }
    std::uint32_t block() const { return 0xffffffffu - static_cast<std::uint32_t>(key); }
  };

  float score(std::uint32_t b) const { return blocks_[b].fixed + drift_.moving_weight * blocks_[b].moving; }

  float normal() { return static_cast<float>(random_.normal()); }

  void evaluate(Block& block) {
    const std::size_t lag = now_ - block.evaluated;
    block.moving = drift_.decay[lag] * block.moving + drift_.noise[lag] * normal();
    block.evaluated = static_cast<std::uint32_t>(now_);
  }

  bool is_chosen(std::uint32_t b) const { return (chosen_[b / 64] >> (b % 64) & 1) != 0; }

  void set_chosen(std::uint32_t b, bool chosen) {
    const std::uint64_t bit = std::uint64_t{1} << (b % 64);
    chosen_[b / 64] = chosen ? chosen_[b / 64] | bit : chosen_[b / 64] & ~bit;
  }

  // Fills the selection from the candidates beside the `certain_` chosen blocks that are not due yet.
  void choose() {
    const std::size_t open = static_cast<std::size_t>(shape_.selected) - certain_;
    CHECK(open <= candidates_.size(), "{} places but {} candidate blocks", open, candidates_.size());
    const auto better = [](const Candidate& a, const Candidate& b) { return a.key > b.key; };
    const auto edge = candidates_.begin() + static_cast<std::ptrdiff_t>(open);
    if (open > 0 && open < candidates_.size())
      std::nth_element(candidates_.begin(), edge - 1, candidates_.end(), better);
    if (open > 0) threshold_ = score((edge - 1)->block());
    for (auto candidate = candidates_.begin(); candidate != candidates_.end(); ++candidate) {
      set_chosen(candidate->block(), candidate < edge);
      certain_ += candidate < edge ? 1 : 0;
      schedule(candidate->block());
    }
  }

  // Enters the block on the day it could reach the threshold; past the last day it is never looked at again.
  void schedule(std::uint32_t b) {
    const float reach = (std::abs(score(b) - threshold_) - kThresholdDrift) * drift_.inverse_step;
    const float patience = reach > 1.0f ? reach * reach : 1.0f;
    if (static_cast<float>(now_) + patience >= static_cast<float>(calendar_.size())) return;
    std::uint32_t& day = calendar_[now_ + static_cast<std::size_t>(patience)];
    blocks_[b].next = day;
    day = b;
  }

  const SelectionShape& shape_;
  const Drift& drift_;
  RandomStream random_{0};
  std::vector<Block> blocks_;
  std::vector<std::uint64_t> chosen_;    // one bit per block
  std::vector<std::uint32_t> calendar_;  // first block of each day
  std::vector<Candidate> candidates_;
  std::size_t now_ = 0;
  std::size_t certain_ = 0;  // chosen blocks that are not candidates
  float threshold_ = 0.0f;
};

#if defined(__x86_64__)
__attribute__((target("popcnt"))) std::int64_t count_by_instruction(BlockSet current, BlockSet earlier) {
  std::int64_t missing = 0;
  for (std::size_t word = 0; word < current.size(); ++word)
    missing += __builtin_popcountll(current[word] & ~earlier[word]);
  return missing;
}
#endif

double layer_correlation(const Locality& locality, RandomStream stream) {
  const double sigma = locality.layer_spread;
  const double speed = std::exp(sigma * stream.normal() - 0.5 * sigma * sigma);
  return std::pow(locality.step_correlation, speed);
}

}  // namespace

std::int64_t count_missing(BlockSet current, BlockSet earlier) {
#if defined(__x86_64__)
  // The oldest processors lack the instruction, so compilers call a function for each word instead.
  static const bool has_popcnt = __builtin_cpu_supports("popcnt");
  if (has_popcnt) return count_by_instruction(current, earlier);
#endif
  std::int64_t missing = 0;
  for (std::size_t word = 0; word < current.size(); ++word) missing += std::popcount(current[word] & ~earlier[word]);
  return missing;
}

SelectionTrace::SelectionTrace(const SelectionShape& shape)
    : shape_(shape), words_((static_cast<std::size_t>(shape.blocks) + 63) / 64) {
  CHECK(shape.selected >= 1 && shape.selected <= shape.blocks, "cannot select {} of {} blocks", shape.selected,
        shape.blocks);
  chosen_.resize(static_cast<std::size_t>(shape.layers * shape.sequences * (shape.steps + 1)) * words_);
  const auto counts = static_cast<std::size_t>(shape.layers * shape.sequences * shape.steps * (shape.steps + 1) / 2);
  if (counts * sizeof(KnownCount) <= bytes() && shape.selected < KnownCount::kUnknown) counts_.resize(counts);
}

std::size_t SelectionTrace::bytes() const {
  return chosen_.size() * sizeof(std::uint64_t) + counts_.size() * sizeof(KnownCount);
}

void SelectionTrace::draw(const Locality& locality, const RandomStream& stream, std::int64_t layer,
                          std::string_view purpose) {
  const RandomStream layer_stream = stream.fork(static_cast<std::uint64_t>(layer));
  const Drift drift(layer_correlation(locality, layer_stream.fork("speed")), locality.static_share, shape_.steps + 1);
  const RandomStream sequences = layer_stream.fork(purpose);
  SequenceProcess process(shape_, drift);
  for (std::int64_t sequence = 0; sequence < shape_.sequences; ++sequence) {
    process.start(sequences.fork(static_cast<std::uint64_t>(sequence)));
    for (std::int64_t step = -1; step < shape_.steps; ++step) {
      if (step >= 0) process.advance();
      std::copy_n(process.selected().data(), words_, chosen_.data() + offset(layer, sequence, step));
    }
  }
}

std::size_t SelectionTrace::offset(std::int64_t layer, std::int64_t sequence, std::int64_t step) const {
  return static_cast<std::size_t>((layer * shape_.sequences + sequence) * (shape_.steps + 1) + step + 1) * words_;
}

BlockSet SelectionTrace::selected(std::int64_t layer, std::int64_t sequence, std::int64_t step) const {
  return {chosen_.data() + offset(layer, sequence, step), words_};
}

BlockMisses SelectionTrace::missing(std::int64_t layer, std::int64_t sequences, const Steps& between) const {
  const std::int64_t step = between.step + 1, earlier = between.earlier + 1;
  KnownCount* known = nullptr;
  if (!counts_.empty() && earlier < step) {
    const std::int64_t pair = layer * shape_.steps * (shape_.steps + 1) / 2 + step * (step - 1) / 2 + earlier;
    known = counts_.data() + pair * shape_.sequences;
  }
  BlockMisses result;
  for (std::int64_t sequence = 0; sequence < sequences; ++sequence) {
    std::optional<std::int64_t> missing = known != nullptr ? known[sequence].get() : std::nullopt;
    if (!missing) {
      missing = count_missing(selected(layer, sequence, between.step), selected(layer, sequence, between.earlier));
      if (known != nullptr) known[sequence].set(*missing);
    }
    result.total += *missing;
    result.longest = std::max(result.longest, *missing);
  }
  return result;
}

double SelectionTrace::turnover(std::int64_t layer, std::int64_t lag) const {
  std::int64_t missing = 0, pairs = 0;
  for (std::int64_t sequence = 0; sequence < shape_.sequences; ++sequence) {
    for (std::int64_t step = -1; step + lag < shape_.steps; ++step, ++pairs) {
      missing += count_missing(selected(layer, sequence, step + lag), selected(layer, sequence, step));
    }
  }
  CHECK(pairs > 0, "the trace is too short for a lag of {} steps", lag);
  return static_cast<double>(missing) / static_cast<double>(pairs * shape_.selected);
}

}  // namespace outrider
