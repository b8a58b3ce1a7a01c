// Reading of claims off result rows.
#include "sim/study/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "sim/graph/op.h"

namespace outrider {
namespace {

constexpr double kTolerance = 0.2;

// A figure, or why there is none.
struct Reading {
  std::optional<double> value;
  std::string note{};
  std::vector<std::string> trends{};  // rows that it rests on whose step time depends on how many steps are run
};

Reading missing(std::string note) { return {.value = std::nullopt, .note = std::move(note)}; }

std::vector<std::string> trend_of(const PointResult& row) {
  if (!row.trends) return {};
  return {fmt::format("{} {:.2f}× over {} steps", row.label, row.step_trend, row.decode_steps)};
}

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

double share_of(const PointResult& row, const char* part) {
  const auto found =
      std::find_if(row.parts.begin(), row.parts.end(), [&](const BoundPart& each) { return each.name == part; });
  return found == row.parts.end() ? 0.0 : found->share;
}

std::string batch_text(std::int64_t batch) {
  return batch == 0 ? std::string("the batch that memory holds") : fmt::format("batch {}", batch);
}

// What reads KV, merges what was read apart, or codes it, of the step's own work on the critical path.
double attention_seconds(const PointResult& row) {
  constexpr Family kAttention[] = {Family::attend_dense, Family::attend_sparse,    Family::estimate_attend,
                                   Family::merge_lse,    Family::attend_quantised, Family::quantise_kv};
  double seconds = 0.0;
  for (const Cause& cause : row.causes) {
    const bool attends = std::any_of(std::begin(kAttention), std::end(kAttention),
                                     [&](Family each) { return cause.name == to_string(each); });
    if (attends) seconds += cause.time.seconds().value();
  }
  return seconds / static_cast<double>(std::max<std::int64_t>(row.decode_steps, 1));
}

double bytes_of_a_sequence(const PointResult& row) {
  double bytes = 0.0;
  for (const MemoryUse& use : row.memory) bytes += use.per_sequence.value();
  return bytes;
}

bool is_of_first_token(const Claim& claim) {
  return claim.metric == "first_token_ratio" || claim.metric == "ttft_ratio";
}

Reading figure_of(const Claim& claim, const RowKey& key, const std::vector<PointResult>& points) {
  const PointResult* row = find_row(claim, key, points);
  if (row == nullptr) {
    return missing(fmt::format("{} was not run in workload {} at context {} with {}", key.label, claim.workload,
                               key.context, batch_text(key.batch)));
  }
  if (claim.metric == "batch") return {.value = static_cast<double>(row->batch), .note = row->limit};
  if (!row->fits) return missing(fmt::format("{} does not fit: {}", key.label, row->limit));
  const auto absolute = [&](double value) { return Reading{.value = value, .trends = trend_of(*row)}; };
  const auto at_batch = [&](double value) {
    return Reading{.value = value, .note = fmt::format("batch {}", row->batch), .trends = trend_of(*row)};
  };
  if (claim.metric == "gpu_idle") return absolute(row->gpu_idle);
  if (claim.metric == "link_share") return absolute(share_of(*row, "link"));
  if (claim.metric == "cpu_ratio") return absolute(row->facts.cpu_ratio);
  if (claim.metric == "recall_interval") return absolute(row->facts.recall_interval);
  if (claim.metric == "recalls") return absolute(row->facts.recalls);
  if (claim.metric == "turnover") return absolute(row->facts.turnover);
  if (claim.metric == "attention_ratio") return at_batch(attention_seconds(*row));
  if (claim.metric == "sequence_memory_ratio") return at_batch(bytes_of_a_sequence(*row));
  if (is_of_first_token(claim)) {
    if (row->ttft > Seconds(0.0)) return at_batch(row->ttft.value());
    return missing(fmt::format("{} has no prefill in workload {}", row->label, claim.workload));
  }
  if (claim.metric == "link_bytes")
    return absolute(row->facts.link_bytes_per_step / static_cast<double>(std::max<std::int64_t>(row->batch, 1)));
  if (claim.metric == "step_time") return absolute(row->tpot.value());
  if (claim.metric == "training_cost") return absolute(row->facts.training.cost);
  if (claim.metric == "ffn_share") return absolute(row->facts.training.ffn_share);
  if (claim.metric == "projection_share") return absolute(row->facts.training.projection_share);
  if (claim.metric == "attention_share") return absolute(row->facts.training.attention_share);
  return at_batch(row->tokens_per_s);
}

Reading ratio(const Reading& above, const Reading& below) {
  if (!above.value) return above;
  if (!below.value) return below;
  Reading result{.value = *above.value / *below.value,
                 .note = fmt::format("{} against {}", above.note, below.note),
                 .trends = above.trends};
  result.trends.insert(result.trends.end(), below.trends.begin(), below.trends.end());
  return result;
}

bool is_between_rows(const Claim& claim) { return claim.metric.ends_with("_ratio") && claim.metric != "cpu_ratio"; }

// Of method ÷ baseline, or the other way.
Reading ratio_of_rows(const Claim& claim, std::int64_t context, const std::vector<PointResult>& points) {
  const std::int64_t other = claim.baseline_batch < 0 ? claim.batch : claim.baseline_batch;
  const Reading method = figure_of(claim, {claim.method, context, claim.batch}, points);
  const Reading baseline = figure_of(claim, {claim.baseline, context, other}, points);
  const bool of_costs =
      claim.metric == "attention_ratio" || claim.metric == "sequence_memory_ratio" || claim.metric == "ttft_ratio";
  return of_costs ? ratio(baseline, method) : ratio(method, baseline);
}

Reading largest_ratio(const Claim& claim, const std::vector<PointResult>& points) {
  Reading largest = missing(fmt::format("{} and {} were not run together", claim.method, claim.baseline));
  std::vector<std::int64_t> contexts;
  for (const PointResult& point : points) {
    if (point.workload != claim.workload ||
        std::find(contexts.begin(), contexts.end(), point.context) != contexts.end())
      continue;
    contexts.push_back(point.context);
    const Reading here = ratio_of_rows(claim, point.context, points);
    if (here.value && (!largest.value || *here.value > *largest.value)) {
      largest = here;
      largest.note = fmt::format("at context {}, {}", point.context, here.note);
    }
  }
  return largest;
}

Reading read(const Claim& claim, const std::vector<PointResult>& points) {
  if (claim.metric == "not_simulated") return missing("not a timing: outside of what is simulated");
  if (claim.metric == "largest_throughput_ratio") return largest_ratio(claim, points);
  if (is_between_rows(claim)) return ratio_of_rows(claim, claim.context, points);
  if (claim.metric == "batch_scaling") {
    return ratio(figure_of(claim, {claim.method, claim.context, claim.batch}, points),
                 figure_of(claim, {claim.method, claim.context, claim.baseline_batch}, points));
  }
  return figure_of(claim, {claim.method, claim.context, claim.batch}, points);
}

// Of a ratio of speeds, what matters is the gain: 1.02 is not "nearly" 1.21.
bool is_speedup(const Claim& claim) {
  return claim.metric.ends_with("throughput_ratio") || claim.metric == "attention_ratio" ||
         claim.metric == "ttft_ratio" || claim.metric == "batch_scaling";
}

// Relative to what was claimed; of a claimed 0, infinite unless it is met.
double relative(double difference, double claimed) { return difference == 0.0 ? 0.0 : difference / std::abs(claimed); }

bool relation_holds(const ClaimResult& result) {
  if (result.claim.relation == "at_most") return result.predicted <= result.claim.value;
  if (result.claim.relation == "at_least") return result.predicted >= result.claim.value;
  return std::abs(result.tested_difference) <= kTolerance;
}

void compare(ClaimResult& result, double predicted) {
  const Claim& claim = result.claim;
  result.available = true;
  result.predicted = predicted;
  result.difference = relative(predicted - claim.value, claim.value);
  result.of_gain = claim.relation == "equals" && is_speedup(claim);
  result.tested_difference = result.of_gain ? relative(predicted - claim.value, claim.value - 1.0) : result.difference;
  result.holds = relation_holds(result);
}

std::string note_of(const Reading& reading) {
  if (reading.trends.empty()) return reading.note;
  return fmt::format("{}{}step time trends, so this depends on decode_steps: {}", reading.note,
                     reading.note.empty() ? "" : "; ", fmt::join(reading.trends, ", "));
}

// As read() looks them up.
std::vector<RowKey> rows_of(const Claim& claim, const Workload& workload) {
  const std::int64_t other = claim.baseline_batch < 0 ? claim.batch : claim.baseline_batch;
  std::vector<RowKey> rows;
  const auto add_ratio = [&](std::int64_t context) {
    rows.push_back({claim.method, context, claim.batch});
    rows.push_back({claim.baseline, context, other});
  };
  if (claim.metric == "not_simulated") return rows;
  if (claim.metric == "largest_throughput_ratio") {
    for (const std::int64_t context : workload.contexts) add_ratio(context);
  } else if (is_between_rows(claim)) {
    add_ratio(claim.context);
  } else {
    rows.push_back({claim.method, claim.context, claim.batch});
    if (claim.metric == "batch_scaling") rows.push_back({claim.method, claim.context, other});
  }
  return rows;
}

// Counts of a method and what memory holds are not: no profile has a say in them.
bool is_timed(const Claim& claim) {
  constexpr std::string_view kCounted[] = {"cpu_ratio",
                                           "recall_interval",
                                           "turnover",
                                           "recalls",
                                           "batch",
                                           "training_cost",
                                           "ffn_share",
                                           "projection_share",
                                           "attention_share",
                                           "link_bytes",
                                           "sequence_memory_ratio"};
  return std::find(std::begin(kCounted), std::end(kCounted), claim.metric) == std::end(kCounted);
}

// Those whose readers made sure that they are there; null for the name of nothing.
template <class Named>
const Named* named(const std::vector<Named>& all, std::string Named::*name, const std::string& wanted) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& each) { return each.*name == wanted; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::vector<PlannedPoint> plan_claims(const Scenario& scenario) {
  std::vector<PlannedPoint> plans;
  for (const Claim& claim : scenario.claims) {
    const Workload* workload = named(scenario.workloads, &Workload::name, claim.workload);
    if (workload == nullptr) continue;
    for (const RowKey& row : rows_of(claim, *workload)) {
      const MethodRequest* request = named(scenario.methods, &MethodRequest::label, row.label);
      if (request == nullptr) continue;
      auto there = std::find_if(plans.begin(), plans.end(), [&](const PlannedPoint& plan) {
        return plan.request == request && plan.workload == workload && plan.context == row.context &&
               plan.given_batch == row.batch;
      });
      if (there == plans.end()) {
        there = plans.insert(there, plan_point(scenario, *request, *workload, row.context, row.batch));
        there->prefill = there->timed = false;
      }
      there->timed = there->timed || is_timed(claim);
      there->prefill = there->prefill || is_of_first_token(claim);
    }
  }
  return plans;
}

ClaimResult judge(const Claim& claim, const std::vector<PointResult>& points) {
  ClaimResult result;
  result.claim = claim;
  const Reading reading = read(claim, points);
  result.note = note_of(reading);
  result.rests_on_trend = !reading.trends.empty();
  if (reading.value) compare(result, *reading.value);
  return result;
}

}  // namespace outrider
