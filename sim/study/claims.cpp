// Reading of claims off result rows.
#include "sim/study/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace outrider {
namespace {

constexpr double kTolerance = 0.2;

// A figure, or why there is none.
struct Reading {
  std::optional<double> value;
  std::string note;
};

Reading missing(std::string note) { return {std::nullopt, std::move(note)}; }

struct RowKey {
  const std::string& label;
  std::int64_t context;
  std::int64_t batch;  // 0: the automatic one
};

const PointResult* find_row(const Claim& claim, const RowKey& key, const std::vector<PointResult>& points) {
  const auto found = std::find_if(points.begin(), points.end(), [&](const PointResult& point) {
    return point.label == key.label && point.workload == claim.workload && point.context == key.context &&
           point.given_batch == key.batch;
  });
  return found == points.end() ? nullptr : &*found;
}

std::string batch_text(std::int64_t batch) {
  return batch == 0 ? std::string("the batch that memory holds") : fmt::format("batch {}", batch);
}

Reading figure_of(const Claim& claim, const RowKey& key, const std::vector<PointResult>& points) {
  const PointResult* row = find_row(claim, key, points);
  if (row == nullptr) {
    return missing(fmt::format("{} was not run in workload {} at context {} with {}", key.label, claim.workload,
                               key.context, batch_text(key.batch)));
  }
  if (!row->fits) return missing(fmt::format("{} does not fit: {}", key.label, row->limit));
  if (claim.metric == "gpu_idle") return {row->gpu_idle, {}};
  if (claim.metric == "cpu_ratio") return {row->facts.cpu_ratio, {}};
  if (claim.metric == "recall_interval") return {row->facts.recall_interval, {}};
  if (claim.metric == "turnover") return {row->facts.turnover, {}};
  return {row->tokens_per_s, fmt::format("batch {}", row->batch)};
}

Reading ratio(const Reading& above, const Reading& below) {
  if (!above.value) return above;
  if (!below.value) return below;
  return {*above.value / *below.value, fmt::format("{} against {}", above.note, below.note)};
}

Reading throughput_ratio(const Claim& claim, std::int64_t context, const std::vector<PointResult>& points) {
  const std::int64_t other = claim.baseline_batch < 0 ? claim.batch : claim.baseline_batch;
  return ratio(figure_of(claim, {claim.method, context, claim.batch}, points),
               figure_of(claim, {claim.baseline, context, other}, points));
}

Reading largest_ratio(const Claim& claim, const std::vector<PointResult>& points) {
  Reading largest = missing(fmt::format("{} and {} were not run together", claim.method, claim.baseline));
  std::vector<std::int64_t> contexts;
  for (const PointResult& point : points) {
    if (point.workload != claim.workload ||
        std::find(contexts.begin(), contexts.end(), point.context) != contexts.end())
      continue;
    contexts.push_back(point.context);
    const Reading here = throughput_ratio(claim, point.context, points);
    if (here.value && (!largest.value || *here.value > *largest.value)) {
      largest = {here.value, fmt::format("at context {}, {}", point.context, here.note)};
    }
  }
  return largest;
}

Reading read(const Claim& claim, const std::vector<PointResult>& points) {
  if (claim.metric == "not_simulated") return missing("not a timing: outside of what is simulated");
  if (claim.metric == "throughput_ratio") return throughput_ratio(claim, claim.context, points);
  if (claim.metric == "largest_throughput_ratio") return largest_ratio(claim, points);
  if (claim.metric == "batch_scaling") {
    return ratio(figure_of(claim, {claim.method, claim.context, claim.batch}, points),
                 figure_of(claim, {claim.method, claim.context, claim.baseline_batch}, points));
  }
  return figure_of(claim, {claim.method, claim.context, claim.batch}, points);
}

// Of a ratio of speeds, what matters is the gain: 1.02 is not "nearly" 1.21.
bool is_speedup(const Claim& claim) {
  return claim.metric.ends_with("throughput_ratio") || claim.metric == "batch_scaling";
}

bool relation_holds(const Claim& claim, double predicted) {
  if (claim.relation == "at_most") return predicted <= claim.value;
  if (claim.relation == "at_least") return predicted >= claim.value;
  const double claimed = is_speedup(claim) ? claim.value - 1.0 : claim.value;
  return std::abs(predicted - claim.value) <= kTolerance * std::abs(claimed);
}

// Relative to the claimed figure; of a claimed 0, infinite unless it is met.
double relative_difference(double predicted, double claimed) {
  return predicted == claimed ? 0.0 : (predicted - claimed) / std::abs(claimed);
}

}  // namespace

ClaimResult judge(const Claim& claim, const std::vector<PointResult>& points) {
  ClaimResult result;
  result.claim = claim;
  const Reading reading = read(claim, points);
  result.note = reading.note;
  if (!reading.value) return result;
  result.available = true;
  result.predicted = *reading.value;
  result.difference = relative_difference(result.predicted, claim.value);
  result.holds = relation_holds(claim, result.predicted);
  return result;
}

}  // namespace outrider
