// Reading of claims off result rows.
#include "sim/study/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace outrider {
namespace {

constexpr double kTolerance = 0.2;

constexpr std::array<ClaimMetric, 8> kMetrics = {{
    {"throughput_ratio", "tokens/s of method ÷ baseline, at the claim's context and batches"},
    {"largest_throughput_ratio", "the largest such ratio over the workload's contexts"},
    {"batch_scaling", "tokens/s of the method at batch ÷ at baseline_batch"},
    {"gpu_idle", "share of time without a kernel on the GPU"},
    {"cpu_ratio", "tokens attended by the CPU ÷ budget"},
    {"recall_interval", "mean steps between recalls of a layer"},
    {"turnover", "share of selected blocks that were not selected a step before"},
    {"not_simulated", "accuracy and other figures without a timing"},
}};

// A figure, or why there is none.
struct Reading {
  std::optional<double> value;
  std::string note;
};

Reading missing(std::string note) { return {std::nullopt, std::move(note)}; }

struct RowKey {
  const std::string& label;
  std::int64_t context, batch;
};

const PointResult* find_row(const Claim& claim, const RowKey& key, const std::vector<PointResult>& points) {
  for (const PointResult& point : points) {
    const bool batch_matches =
        key.batch == 0 ? point.automatic_batch : point.batch == key.batch && !point.automatic_batch;
    const bool unfit_matches = !point.fits && key.batch > 0 && !point.automatic_batch;
    if (point.label == key.label && point.workload == claim.workload && point.context == key.context &&
        (batch_matches || unfit_matches)) {
      return &point;
    }
  }
  return nullptr;
}

Reading figure_of(const Claim& claim, const RowKey& key, const std::vector<PointResult>& points) {
  const PointResult* row = find_row(claim, key, points);
  if (row == nullptr) return missing(fmt::format("{} was not run at context {}", key.label, key.context));
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

bool relation_holds(const Claim& claim, double predicted) {
  if (claim.relation == "at_most") return predicted <= claim.value;
  if (claim.relation == "at_least") return predicted >= claim.value;
  return std::abs(predicted / claim.value - 1.0) <= kTolerance;
}

}  // namespace

std::span<const ClaimMetric> claim_metrics() { return kMetrics; }

ClaimResult judge(const Claim& claim, const std::vector<PointResult>& points) {
  ClaimResult result;
  result.claim = claim;
  const Reading reading = read(claim, points);
  result.note = reading.note;
  if (!reading.value) return result;
  result.available = true;
  result.predicted = *reading.value;
  result.difference = result.predicted / claim.value - 1.0;
  result.holds = relation_holds(claim, result.predicted);
  return result;
}

}  // namespace outrider
