// Rendering of the gate's verdicts.
#include "sim/cli/report_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/cli/format.h"

namespace outrider {
namespace {

using Json = nlohmann::ordered_json;

std::size_t count_of(const CheckedScenario& checked, FindingKind kind) {
  return static_cast<std::size_t>(std::count_if(checked.findings.begin(), checked.findings.end(),
                                                [&](const Finding& each) { return each.kind == kind; }));
}

Cell against(double error, double budget) {
  return {fmt::format("{} of {}", percent(error), percent(budget)), error > budget ? Style::bad : Style::plain};
}

Cell counted(std::size_t count) { return {fmt::format("{}", count), count > 0 ? Style::bad : Style::plain}; }

Json number_of(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json figures_json(const ErrorFigures& figures) {
  return {{"median", figures.median}, {"p90", figures.p90}, {"worst", figures.worst}};
}

void add_point(Json& json, const PointKey& point) {
  json["label"] = point.label;
  json["workload"] = point.workload;
  json["context"] = point.context;
  json["batch"] = point.batch;
}

Json point_json(const CheckedPoint& checked) {
  Json json;
  add_point(json, checked.now.point);
  json["tpot_s"] = checked.now.fits ? Json(checked.now.tpot_s) : Json(nullptr);
  json["golden_s"] = checked.golden && checked.golden->fits ? Json(checked.golden->tpot_s) : Json(nullptr);
  json["change"] = number_of(checked.change());
  json["recordings"] = Json::array();
  for (const Recording& each : checked.recordings)
    json["recordings"].push_back(
        {{"measured_s", each.measured_s}, {"predicted_s", each.predicted_s}, {"error", each.error()}});
  json["error"] = number_of(checked.error());
  json["order"] = checked.now.fits ? Json(fmt::format("{:016x}", checked.now.order)) : Json(nullptr);
  return json;
}

Json finding_json(const Finding& finding) {
  Json json;
  json["kind"] = to_string(finding.kind);
  if (finding.point) add_point(json, *finding.point);
  json["figure"] = finding.figure;
  json["was"] = finding.was;
  json["is"] = finding.is;
  json["families"] = Json::array();
  for (const FamilyChange& each : finding.families)
    json["families"].push_back({{"name", each.name}, {"was_s", each.was_s}, {"is_s", each.is_s}});
  json["text"] = to_string(finding);
  return json;
}

Json scenario_json(const CheckedScenario& checked) {
  Json json;
  json["name"] = checked.name;
  json["passes"] = checked.passes();
  json["measured_points"] = checked.measured;
  json["errors"] = figures_json(checked.errors);
  json["budget"] = figures_json(checked.budget);
  json["points"] = Json::array();
  for (const CheckedPoint& each : checked.points) json["points"].push_back(point_json(each));
  json["findings"] = Json::array();
  for (const Finding& each : checked.findings) json["findings"].push_back(finding_json(each));
  return json;
}

// As an attribute's value; what XML 1.0 cannot hold is made printable first.
std::string xml(const std::string& text) {
  std::string result;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

struct TestCase {
  std::string name;
  std::vector<const Finding*> failures{};
};

constexpr std::string_view kErrorFigures[] = {"median error", "P90 error", "worst error"};

// Points that are gone have a case too, so that no finding is lost.
std::vector<TestCase> cases_of(const CheckedScenario& checked) {
  std::vector<TestCase> cases;
  for (const CheckedPoint& each : checked.points) cases.push_back({to_string(each.now.point)});
  for (const std::string_view figure : kErrorFigures) cases.push_back({std::string(figure)});
  for (const Finding& finding : checked.findings) {
    const bool of_budget = finding.kind == FindingKind::budget;
    const std::string name = of_budget || !finding.point ? finding.figure : to_string(*finding.point);
    auto found = std::find_if(cases.begin(), cases.end(), [&](const TestCase& each) { return each.name == name; });
    if (found == cases.end()) found = cases.insert(cases.end(), {name});
    found->failures.push_back(&finding);
  }
  return cases;
}

std::string suite_xml(const CheckedScenario& checked) {
  const std::vector<TestCase> cases = cases_of(checked);
  const auto failed =
      std::count_if(cases.begin(), cases.end(), [](const TestCase& each) { return !each.failures.empty(); });
  const std::string suite = xml(checked.name);
  std::string text =
      fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n", suite, cases.size(), failed);
  for (const TestCase& each : cases) {
    text += fmt::format("    <testcase classname=\"{}\" name=\"{}\"", suite, xml(each.name));
    if (each.failures.empty()) {
      text += "/>\n";
      continue;
    }
    text += ">\n";
    for (const Finding* finding : each.failures) {
      text += fmt::format("      <failure type=\"{}\" message=\"{}\"/>\n", to_string(finding->kind),
                          xml(to_string(*finding)));
    }
    text += "    </testcase>\n";
  }
  return text + "  </testsuite>\n";
}

}  // namespace

std::string check_text(const CheckedScenarios& checked, const TableLook& look) {
  Table table({{"scenario"},
               {"points", Align::right},
               {"moved", Align::right},
               {"operations", Align::right},
               {"reordered", Align::right},
               {"came or went", Align::right},
               {"measured", Align::right},
               {"median error", Align::right},
               {"P90", Align::right},
               {"worst", Align::right},
               {"verdict"}});
  for (const CheckedScenario& each : checked) {
    table.add_row({each.name, fmt::format("{}", each.points.size()), counted(count_of(each, FindingKind::moved)),
                   counted(count_of(each, FindingKind::operations)), counted(count_of(each, FindingKind::order)),
                   counted(count_of(each, FindingKind::points)), fmt::format("{}", each.measured),
                   against(each.errors.median, each.budget.median), against(each.errors.p90, each.budget.p90),
                   against(each.errors.worst, each.budget.worst),
                   each.passes() ? Cell("passes", Style::good) : Cell("fails", Style::bad)});
  }
  std::string text = table.render(look);
  for (const CheckedScenario& each : checked) {
    if (each.passes()) continue;
    text += fmt::format("\n{}\n", printable(each.name));
    for (const Finding& finding : each.findings) text += fmt::format("  {}\n", printable(to_string(finding)));
  }
  return text;
}

Json check_json(const CheckedScenarios& checked) {
  Json json;
  json["schema_version"] = 1;
  json["passes"] = std::all_of(checked.begin(), checked.end(), [](const auto& each) { return each.passes(); });
  json["scenarios"] = Json::array();
  for (const CheckedScenario& each : checked) json["scenarios"].push_back(scenario_json(each));
  return json;
}

std::string check_junit(const CheckedScenarios& checked) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"outrider check\">\n";
  for (const CheckedScenario& each : checked) text += suite_xml(each);
  return text + "</testsuites>\n";
}

std::string moved_text(const CheckedScenarios& checked) {
  std::string text;
  for (const CheckedScenario& each : checked) {
    const std::size_t changes = each.findings.size() - count_of(each, FindingKind::budget);
    const bool is_new = std::none_of(each.points.begin(), each.points.end(), [](const auto& p) { return p.golden; });
    const std::string what = is_new ? fmt::format("{} new points", each.points.size())
                                    : fmt::format("{} of {} points changed", changes, each.points.size());
    text += fmt::format("{}: {}; error {} in the median, {} at P90, {} at worst\n", printable(each.name), what,
                        percent(each.errors.median), percent(each.errors.p90), percent(each.errors.worst));
    for (const Finding& finding : each.findings) {
      if (finding.kind != FindingKind::budget) text += fmt::format("  {}\n", printable(to_string(finding)));
    }
  }
  return text;
}

}  // namespace outrider
