// A quickselect on integer keys whose pivots bracket the rank: a sample of the keys says between which two the k-th
// largest lies, and a vectorised filter keeps the keys between them, until few are left. Then one pass writes the ids.
#include "kernels/cpu/topk.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "kernels/cpu/topk_paths.h"
#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::int64_t kSample = 32;
constexpr std::int64_t kFew = 128;  // keys that std::nth_element takes
constexpr int kMostRounds = 12;     // some 3 suffice unless the sampled places are unlike the others

struct Passes {
  Filtered (*filter_scores)(const float*, std::int64_t, KeyRange, std::int32_t*);
  Filtered (*filter_keys)(const std::int32_t*, std::int64_t, KeyRange, std::int32_t*);
  std::int64_t (*write_ids)(const TopKIds&, KeyThreshold);
};

Passes passes_of(CpuPath path) {
#if defined(__x86_64__)
  if (path >= CpuPath::avx512_bf16) return {filter_keys_avx512_bf16, filter_keys_avx512_bf16, write_ids_avx512_bf16};
  if (path == CpuPath::avx2) return {filter_keys_avx2, filter_keys_avx2, write_ids_avx2};
#endif
  CHECK(path == CpuPath::scalar, "no top-k by {}", to_string(path));
  return {filter_keys_scalar<float>, filter_keys_scalar<std::int32_t>, write_ids_scalar};
}

// Where the key of `rank`, 1 for the largest, probably lies. The rank of the sample's i-th spreads by at most
// √(kSample · p · (1 − p)), p = rank ÷ count; two of these are left to either side.
template <class Source>
KeyRange likely_range(const Source* source, std::int64_t count, std::int64_t rank) {
  std::array<std::int32_t, kSample> sample;
  for (std::int64_t i = 0; i < kSample; ++i)
    sample[static_cast<std::size_t>(i)] = key_of(source[(2 * i + 1) * count / (2 * kSample)]);
  std::sort(sample.begin(), sample.end(), std::greater<>());
  const double p = static_cast<double>(rank) / static_cast<double>(count), mean = p * kSample;
  const double margin = 2.0 * std::sqrt(mean * (1.0 - p));
  const auto first = static_cast<std::int64_t>(std::floor(mean - margin)) - 1;
  const auto last = static_cast<std::int64_t>(std::ceil(mean + margin));
  KeyRange range;
  if (first >= 0) range.high = sample[static_cast<std::size_t>(first)];
  if (last < kSample) range.low = sample[static_cast<std::size_t>(last)];
  return range;
}

// Candidates for the k-th largest, of which `wanted` are still to be selected.
class Search {
 public:
  Search(const Passes& passes, const TopKPart& part)
      : passes_(passes), scores_(part.scores), half_(part.scratch.data() + part.scratch.size() / 2) {
    other_ = part.scratch.data();
    count_ = static_cast<std::int64_t>(scores_.size());
    wanted_ = part.k;
  }

  KeyThreshold find() {
    narrow(count_ <= kFew ? KeyRange{} : likely_range(scores_.data(), count_, wanted_));
    for (int round = 0; count_ > kFew && round < kMostRounds && low_ != high_; ++round)
      narrow(likely_range(keys_, count_, wanted_));
    return low_ == high_ ? KeyThreshold{low_, wanted_} : sorted_out();
  }

 private:
  Filtered filter(KeyRange range) {
    return keys_ == nullptr ? passes_.filter_scores(scores_.data(), count_, range, other_)
                            : passes_.filter_keys(keys_, count_, range, other_);
  }

  // Keeps the keys within the range, or those to the side of it where the wanted one is.
  void narrow(KeyRange range) {
    Filtered found = filter(range);
    if (wanted_ <= found.above) {
      range = {range.high + 1, std::numeric_limits<std::int32_t>::max()};
      found = filter(range);
    } else if (wanted_ > found.above + found.inside) {
      range = {std::numeric_limits<std::int32_t>::min(), range.low - 1};
      found = filter(range);
    }
    wanted_ -= found.above;
    count_ = found.inside;
    low_ = range.low;
    high_ = range.high;
    keys_ = other_;
    std::swap(other_, half_);
  }

  KeyThreshold sorted_out() {
    std::nth_element(keys_, keys_ + wanted_ - 1, keys_ + count_, std::greater<>());
    const std::int32_t key = keys_[wanted_ - 1];
    const std::int64_t above = std::count_if(keys_, keys_ + wanted_, [&](std::int32_t each) { return each > key; });
    return {key, wanted_ - above};
  }

  const Passes& passes_;
  std::span<const float> scores_;
  std::int32_t *keys_ = nullptr, *other_, *half_;  // keys_: the candidates, null: all scores; they alternate
  std::int64_t count_, wanted_;
  std::int32_t low_ = 0, high_ = 1;
};

}  // namespace

template <class Source>
Filtered filter_keys_scalar(const Source* source, std::int64_t count, KeyRange range, std::int32_t* kept) {
  Filtered found;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t key = key_of(source[i]);
    kept[found.inside] = key;
    found.above += key > range.high;
    found.inside += key >= range.low && key <= range.high;
  }
  return found;
}
template Filtered filter_keys_scalar(const float*, std::int64_t, KeyRange, std::int32_t*);
template Filtered filter_keys_scalar(const std::int32_t*, std::int64_t, KeyRange, std::int32_t*);

std::int64_t write_ids_scalar(const TopKIds& ids, KeyThreshold threshold) {
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < ids.count && at < ids.total; ++i) {
    const std::int32_t key = key_of(ids.scores[i]);
    const bool equal = key == threshold.key && threshold.equals > 0;
    threshold.equals -= equal;
    if (equal || key > threshold.key) ids.selected[at++] = static_cast<std::int32_t>(i);
  }
  return at;
}

std::int64_t select_top_k(CpuPath path, const TopKPart& part) {
  const auto count = static_cast<std::int64_t>(part.scores.size()), kept = std::min(part.k, count);
  CHECK(part.k >= 0, "the {} largest", part.k);
  CHECK(part.scratch.size() >= top_k_scratch(part.scores.size()), "scratch of {} for {} scores", part.scratch.size(),
        count);
  CHECK(can_run(path), "this processor has no {}", to_string(path));
  if (kept == count) {
    std::iota(part.selected, part.selected + count, 0);
  } else if (kept > 0) {
    const Passes passes = passes_of(path);
    const KeyThreshold threshold = Search(passes, part).find();
    const std::int64_t written = passes.write_ids({part.scores.data(), count, kept, part.selected}, threshold);
    CHECK(written == kept, "{} of {} ids", written, kept);
  }
  return kept;
}

}  // namespace outrider
