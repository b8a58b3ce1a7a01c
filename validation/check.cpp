// Comparison of predictions with golden and with measured ones.
#include "validation/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/base/statistics.h"

namespace outrider {
namespace {

constexpr std::size_t kFamiliesNamed = 3;

std::string milliseconds(double seconds) { return fmt::format("{:.5g} ms", seconds * 1e3); }

std::string change_text(double was, double is) {
  return was > 0.0 ? fmt::format(" ({:+.2f} %)", 100.0 * (is / was - 1.0)) : std::string();
}

// A change as large as the tolerance passes, whatever the digits that a golden file drops.
bool differs(double was, double is, double tolerance) {
  constexpr double kWrittenPrecision = 1e-5;
  return std::abs(is - was) > (tolerance + kWrittenPrecision) * was;
}

// Those whose time changed by more than the tolerance, largest change first; equal changes by name.
std::vector<FamilyChange> family_changes(const Prediction& golden, const Prediction& now, double tolerance) {
  std::map<std::string, FamilyChange> changes;
  for (const FamilyTime& each : golden.families) changes[each.name].was_s = each.seconds;
  for (const FamilyTime& each : now.families) changes[each.name].is_s = each.seconds;
  std::vector<FamilyChange> result;
  for (auto& [name, change] : changes) {
    change.name = name;
    if (differs(change.was_s, change.is_s, tolerance)) result.push_back(change);
  }
  std::stable_sort(result.begin(), result.end(), [](const FamilyChange& a, const FamilyChange& b) {
    return std::abs(a.is_s - a.was_s) > std::abs(b.is_s - b.was_s);
  });
  result.resize(std::min(result.size(), kFamiliesNamed));
  return result;
}

std::string fit_text(bool fits) { return fits ? "fits" : "does not fit"; }

Finding point_finding(const PointKey& point, std::string was, std::string is) {
  return {.kind = FindingKind::points, .point = point, .figure = "point", .was = std::move(was), .is = std::move(is)};
}

std::optional<Finding> compare(const CheckedPoint& checked, double tolerance) {
  const Prediction& now = checked.now;
  if (!checked.golden) return point_finding(now.point, "not in the golden file", "predicted");
  const Prediction& golden = *checked.golden;
  if (golden.fits != now.fits) return point_finding(now.point, fit_text(golden.fits), fit_text(now.fits));
  if (!now.fits) return std::nullopt;
  if (differs(golden.tpot_s, now.tpot_s, tolerance)) {
    return Finding{.kind = FindingKind::moved,
                   .point = now.point,
                   .figure = "tpot",
                   .was = milliseconds(golden.tpot_s),
                   .is = milliseconds(now.tpot_s) + change_text(golden.tpot_s, now.tpot_s),
                   .families = family_changes(golden, now, 0.0)};
  }
  const std::vector<FamilyChange> families = family_changes(golden, now, tolerance);
  if (!families.empty()) {
    const FamilyChange& most = families.front();
    return Finding{.kind = FindingKind::operations,
                   .point = now.point,
                   .figure = "time of " + most.name,
                   .was = milliseconds(most.was_s),
                   .is = milliseconds(most.is_s) + change_text(most.was_s, most.is_s),
                   .families = families};
  }
  if (golden.order == now.order) return std::nullopt;
  return Finding{.kind = FindingKind::order,
                 .point = now.point,
                 .figure = "order of operations",
                 .was = fmt::format("{:016x}", golden.order),
                 .is = fmt::format("{:016x}", now.order),
                 .families = family_changes(golden, now, 0.0)};
}

std::vector<Finding> gone_points(const Golden& golden, const std::vector<Prediction>& predictions) {
  std::vector<Finding> findings;
  for (const Prediction& old : golden.points) {
    const bool there = std::any_of(predictions.begin(), predictions.end(),
                                   [&](const Prediction& each) { return each.point == old.point; });
    if (!there) findings.push_back(point_finding(old.point, "predicted", "no longer in the scenario"));
  }
  return findings;
}

const CheckedPoint* worst_of(const std::vector<CheckedPoint>& points) {
  const CheckedPoint* worst = nullptr;
  double most = -1.0;
  for (const CheckedPoint& point : points) {
    for (const Recording& each : point.recordings) {
      if (std::abs(each.error()) <= most) continue;
      most = std::abs(each.error());
      worst = &point;
    }
  }
  return worst;
}

std::vector<Finding> budget_findings(const CheckedScenario& checked) {
  std::vector<Finding> findings;
  const CheckedPoint* worst = worst_of(checked.points);
  const auto hold = [&](const char* figure, double allowed, double is, bool names_point) {
    if (is <= allowed) return;
    findings.push_back({.kind = FindingKind::budget,
                        .point = names_point ? std::optional(worst->now.point) : std::nullopt,
                        .figure = figure,
                        .was = fmt::format("{:.4g} % allowed", 100.0 * allowed),
                        .is = fmt::format("{:.4g} %", 100.0 * is)});
  };
  hold("median error", checked.budget.median, checked.errors.median, false);
  hold("P90 error", checked.budget.p90, checked.errors.p90, false);
  hold("worst error", checked.budget.worst, checked.errors.worst, true);
  return findings;
}

std::vector<CheckedPoint> joined(const CheckInput& input) {
  std::map<PointKey, const Prediction*> golden;
  if (input.golden) {
    for (const Prediction& each : input.golden->points) golden[each.point] = &each;
  }
  std::map<PointKey, std::vector<const RecordedStep*>> recorded;
  for (const RecordedStep& each : input.recorded) recorded[each.point].push_back(&each);
  std::vector<CheckedPoint> points;
  for (const Prediction& each : input.predictions) {
    CheckedPoint point{.now = each, .golden = {}, .recordings = {}};
    if (const auto found = golden.find(each.point); found != golden.end()) point.golden = *found->second;
    if (const auto found = recorded.find(each.point); each.fits && found != recorded.end()) {
      for (const RecordedStep* step : found->second)
        point.recordings.push_back({step->measured_s, step->predicted_s.value_or(each.tpot_s)});
    }
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace

const char* to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::moved:
      return "moved";
    case FindingKind::operations:
      return "operations";
    case FindingKind::order:
      return "order";
    case FindingKind::points:
      return "points";
    case FindingKind::budget:
      return "budget";
  }
  return "";
}

std::string to_string(const Finding& finding) {
  std::string text = finding.point ? to_string(*finding.point) + ": " : std::string();
  text += fmt::format("{} {} → {}", finding.figure, finding.was, finding.is);
  const bool names_family = finding.kind == FindingKind::operations;  // the first, as its figure
  if (names_family || finding.kind == FindingKind::order) text += ", while tpot stayed within the tolerance";
  for (std::size_t i = names_family ? 1 : 0; i < finding.families.size(); ++i) {
    const FamilyChange& each = finding.families[i];
    text += fmt::format("{}{} {} → {}{}", i == (names_family ? 1u : 0u) ? "; " : ", ", each.name,
                        milliseconds(each.was_s), milliseconds(each.is_s), change_text(each.was_s, each.is_s));
  }
  return text;
}

std::optional<double> CheckedPoint::error() const {
  if (recordings.empty()) return std::nullopt;
  std::vector<double> errors;
  for (const Recording& each : recordings) errors.push_back(each.error());
  return nearest_quantile(errors, 0.5);
}

std::optional<double> CheckedPoint::change() const {
  if (!golden || !golden->fits || !now.fits) return std::nullopt;
  return now.tpot_s / golden->tpot_s - 1.0;
}

ErrorFigures error_figures(const std::vector<CheckedPoint>& points) {
  std::vector<double> errors;
  for (const CheckedPoint& point : points) {
    for (const Recording& each : point.recordings) errors.push_back(std::abs(each.error()));
  }
  if (errors.empty()) return {};
  return {.median = nearest_quantile(errors, 0.5),
          .p90 = nearest_quantile(errors, 0.9),
          .worst = nearest_quantile(errors, 1.0)};
}

CheckedScenario check_predictions(const CheckInput& input) {
  CheckedScenario checked{.name = input.name, .errors = {}, .budget = {}, .points = joined(input), .findings = {}};
  checked.errors = error_figures(checked.points);
  checked.measured = static_cast<std::size_t>(std::count_if(
      checked.points.begin(), checked.points.end(), [](const CheckedPoint& each) { return each.error().has_value(); }));
  if (!input.golden) return checked;
  checked.budget = input.golden->budget;
  for (const CheckedPoint& each : checked.points) {
    if (auto finding = compare(each, input.tolerance)) checked.findings.push_back(std::move(*finding));
  }
  for (auto&& more : {gone_points(*input.golden, input.predictions), budget_findings(checked)})
    checked.findings.insert(checked.findings.end(), more.begin(), more.end());
  return checked;
}

void refuse_unknown_steps(const CheckInput& input, std::span<const RecordedStep> recorded, const std::string& file,
                          ConfigErrors& errors) {
  for (const RecordedStep& step : recorded) {
    const bool known = std::any_of(input.predictions.begin(), input.predictions.end(),
                                   [&](const Prediction& each) { return each.point == step.point; });
    if (known) continue;
    errors.add({.file = file,
                .line = step.line,
                .column = 1,
                .expected = "a point of scenario " + input.name,
                .got = "'" + shortened(to_string(step.point)) + "'"});
  }
}

Golden updated_golden(const CheckedScenario& checked, const std::optional<Golden>& golden) {
  Golden updated = golden ? *golden : first_golden(checked.errors);
  updated.points.clear();
  for (const CheckedPoint& each : checked.points) updated.points.push_back(each.now);
  return updated;
}

}  // namespace outrider
