// Which assumptions to try for which claims, and their simulation in parallel.
#include "sim/study/claim_card.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>

#include "sim/base/check.h"
#include "sim/study/parallel.h"
#include "sim/study/run.h"

namespace outrider {
namespace {

// As a scenario writes it.
std::string yaml_text(const ParamValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* list = std::get_if<LayerList>(&value)) return fmt::format("[{}]", fmt::join(*list, ", "));
  if (const auto* count = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *count);
  return fmt::format("{}", std::get<double>(value));
}

std::vector<ParamValue> alternatives(const ParamSpec& spec, const MethodInfo& method, const ParamValue& taken) {
  std::vector<ParamValue> values = spec.alternatives;
  if (const auto* flag = std::get_if<bool>(&taken)) values.emplace_back(!*flag);
  for (const std::string& choice : spec.choices) values.emplace_back(choice);
  for (const Preset& preset : method.presets) {
    const auto found = preset.overrides.find(spec.name);
    values.push_back(found == preset.overrides.end() ? spec.fallback : found->second);
  }
  std::vector<ParamValue> others;
  for (ParamValue& value : values) {
    if (value != taken && std::find(others.begin(), others.end(), value) == others.end())
      others.push_back(std::move(value));
  }
  return others;
}

// Of a composed method all is as the scenario says.
std::vector<Assumption> uncertain_parameters(const MethodRequest& request) {
  const MethodEntry* entry = method_named(request.method);
  CHECK(entry != nullptr, "no method '{}': readers refuse those", request.method);
  std::vector<Assumption> assumptions;
  if (entry->info.composed) return assumptions;
  const Params usual = resolve_params(entry->info, request.preset, {});
  for (const ParamSpec& spec : entry->info.params) {
    const ParamValue& taken = request.params.values().find(spec.name)->second;
    const bool written = taken != usual.values().find(spec.name)->second;
    if (written || (spec.certainty != "I" && spec.certainty != "R")) continue;
    for (const ParamValue& value : alternatives(spec, entry->info, taken)) {
      assumptions.push_back({.path = fmt::format("methods.{}.set.{}", request.label, spec.name),
                             .value = yaml_text(value),
                             .why = fmt::format("{}: {} ({})", spec.name, spec.meaning,
                                                spec.certainty == "I" ? "inferred" : "recalled")});
    }
  }
  return assumptions;
}

bool is_simulated(const Claim& claim) { return claim.metric != "not_simulated"; }

std::vector<Assumption> assumptions_of(const Scenario& scenario, const ClaimResult& result) {
  std::vector<Assumption> assumptions;
  if (!is_simulated(result.claim)) return assumptions;
  for (const Unknown& unknown : result.claim.unknown) {
    for (const std::string& value : unknown.values)
      assumptions.push_back({.path = unknown.path, .value = value, .why = unknown.why, .unknown = true});
  }
  if (result.holds || result.claim.input) return assumptions;
  for (const MethodRequest& request : scenario.methods) {
    if (request.label != result.claim.method && request.label != result.claim.baseline) continue;
    const std::vector<Assumption> parameters = uncertain_parameters(request);
    assumptions.insert(assumptions.end(), parameters.begin(), parameters.end());
  }
  return assumptions;
}

// One simulation: an assumption and the claims that it is tried for, by their places.
struct Trial {
  Assumption assumption;
  std::vector<std::size_t> claims;
  std::vector<ClaimResult> results{};  // of those claims
};

std::vector<Trial> trials_of(const Scenario& scenario, const RunReport& report) {
  std::vector<Trial> trials;
  for (std::size_t i = 0; i < report.claims.size(); ++i) {
    for (Assumption& assumption : assumptions_of(scenario, report.claims[i])) {
      const auto same = std::find_if(trials.begin(), trials.end(), [&](const Trial& each) {
        return each.assumption.path == assumption.path && each.assumption.value == assumption.value &&
               each.assumption.unknown == assumption.unknown;
      });
      if (same == trials.end()) {
        trials.push_back({.assumption = std::move(assumption), .claims = {i}});
      } else {
        same->claims.push_back(i);
      }
    }
  }
  return trials;
}

void run_trial(const CardRequest& request, const RunReport& report, Trial& trial) {
  const auto refused = [&](const std::string& why) {
    for (const std::size_t claim : trial.claims)
      trial.results.push_back({.claim = report.claims[claim].claim, .note = "refused: " + why});
  };
  std::string refusal;
  std::optional<StudyInputs> inputs = request.reread(trial.assumption, refusal);
  if (!inputs) return refused(refusal);
  const auto is_tried = [&](const Claim& claim) {
    return std::any_of(trial.claims.begin(), trial.claims.end(),
                       [&](std::size_t place) { return report.claims[place].claim.id == claim.id; });
  };
  std::erase_if(inputs->scenario.claims, [&](const Claim& claim) { return !is_tried(claim); });
  if (inputs->scenario.claims.size() != trial.claims.size()) return refused("it takes claims away");
  RunReport result = run_scenario(inputs->scenario, inputs->profile, {.threads = 1, .claims_only = true});
  trial.results = std::move(result.claims);
}

void add_range(CardRow& row, const ClaimResult& taken) {
  std::vector<double> values;
  if (taken.available) values.push_back(taken.predicted);
  for (const TriedAssumption& each : row.tried) {
    if (each.assumption.unknown && each.result.available) values.push_back(each.result.predicted);
  }
  if (taken.claim.unknown.empty() || values.empty()) return;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  row.range = Interval{.low = *low, .high = *high};
}

void add_deciding(CardRow& row, const ClaimResult& taken) {
  if (taken.holds || taken.claim.input) return;
  double best = miss_of(taken);
  for (std::size_t i = 0; i < row.tried.size(); ++i) {
    const double miss = miss_of(row.tried[i].result);
    if (miss >= best) continue;
    best = miss;
    row.deciding = i;
  }
}

}  // namespace

double miss_of(const ClaimResult& result) {
  if (!result.available) return std::numeric_limits<double>::infinity();
  const bool bounded = result.claim.relation != "equals";
  return bounded && result.holds ? 0.0 : std::abs(result.tested_difference);
}

ClaimCard claim_card(const CardRequest& request) {
  ClaimCard card{
      .report = run_scenario(
          request.scenario, request.profile,
          {.threads = request.threads, .progress = request.progress, .draws = request.draws, .claims_only = true}),
      .rows = {}};
  card.rows.resize(card.report.claims.size());
  std::vector<Trial> trials = trials_of(request.scenario, card.report);
  std::mutex reporting;
  std::size_t done = 0;
  parallel_for(trials.size(), request.threads, [&](std::size_t i) {
    run_trial(request, card.report, trials[i]);
    if (!request.progress) return;
    const std::lock_guard lock(reporting);
    request.progress(++done, trials.size());
  });
  for (const Trial& trial : trials) {
    for (std::size_t i = 0; i < trial.claims.size(); ++i)
      card.rows[trial.claims[i]].tried.push_back({.assumption = trial.assumption, .result = trial.results[i]});
  }
  for (std::size_t i = 0; i < card.rows.size(); ++i) {
    std::stable_partition(card.rows[i].tried.begin(), card.rows[i].tried.end(),
                          [](const TriedAssumption& each) { return each.assumption.unknown; });
    add_range(card.rows[i], card.report.claims[i]);
    add_deciding(card.rows[i], card.report.claims[i]);
  }
  return card;
}

}  // namespace outrider
