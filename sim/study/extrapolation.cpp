// From ops outside of their ranges to marks on a result.
#include "sim/study/extrapolation.h"

#include <algorithm>
#include <tuple>

#include "sim/base/check.h"

namespace outrider {

void ExtrapolationWatch::see(const Op& op) {
  if (ranges_.empty()) return;
  const std::optional<OpSizes> sizes = sizes_of(op);
  if (!sizes || !ranges_.outside(*sizes)) {
    of_span_.push_back(0);
    return;
  }
  const auto [place, added] = numbers_.try_emplace(*sizes, shapes_.size());
  if (added) shapes_.push_back(*sizes);
  of_span_.push_back(static_cast<std::uint32_t>(place->second) + 1);
}

std::vector<Duration> ExtrapolationWatch::critical_times(const Trace& trace, StepRanges ranges) const {
  CHECK(of_span_.size() == trace.spans.size(), "{} ops seen of {}", of_span_.size(), trace.spans.size());
  std::vector<Duration> times(shapes_.size());
  for (const StepRange range : ranges) {
    for (const PathItem& item : critical_path(trace, range)) {
      const std::uint32_t place = item.span.valid() ? of_span_[item.span.index()] : 0;
      if (place > 0) times[place - 1] += item.running;
    }
  }
  return times;
}

std::vector<Extrapolation> ExtrapolationWatch::marks(const Trace& trace, StepRanges ranges) const {
  if (shapes_.empty()) return {};
  struct Sum {
    Duration time, longest;  // of all shapes, of the one that is shown
    double value = 0.0;
  };
  std::map<std::tuple<std::size_t, std::size_t, bool>, Sum> sums;  // by family, size and side
  const std::vector<Duration> times = critical_times(trace, ranges);
  Duration whole;
  for (const StepRange range : ranges) whole += elapsed(trace, range);
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const auto& [family, values] = shapes_[i];
    for (std::size_t size = 0; size < kMostSizes; ++size) {
      if (!ranges_.outside(family, size, values[size]) || times[i] == Duration()) continue;
      Sum& sum = sums[{family, size, values[size] > ranges_.range(family, size).high}];
      sum.time += times[i];
      if (times[i] <= sum.longest) continue;
      sum.longest = times[i];
      sum.value = values[size];
    }
  }
  std::vector<Extrapolation> marks;
  for (const auto& [key, sum] : sums) {
    const auto& [family, size, above] = key;
    const double share = sum.time.seconds() / whole.seconds();
    if (share < kLeastExtrapolatedShare) continue;
    const SizedFamily& names = sized_families()[family];
    const SampledRanges::Range& sampled = ranges_.range(family, size);
    marks.push_back({.part = {},
                     .operation = std::string(names.name),
                     .size = std::string(names.sizes[size]),
                     .value = sum.value,
                     .low = sampled.low,
                     .high = sampled.high,
                     .share = share});
  }
  std::stable_sort(marks.begin(), marks.end(),
                   [](const Extrapolation& a, const Extrapolation& b) { return a.share > b.share; });
  return marks;
}

}  // namespace outrider
