// Matching of methods and parameters by name.
#include "fidelity/speed.h"

#include <algorithm>
#include <array>

#include "fidelity/approximation.h"

namespace outrider {
namespace {

template <class T>
T value_or(const Params& params, const char* name, T fallback) {
  const auto found = params.values().find(name);
  const T* const value = found == params.values().end() ? nullptr : std::get_if<T>(&found->second);
  return value == nullptr ? fallback : *value;
}

std::int64_t tokens_of(const Params& params, const char* name) { return value_or<std::int64_t>(params, name, 0); }

// Systems that attend every token with its own K and V, wherever it lies.
constexpr std::array<std::string_view, 4> kExact = {"flexgen", "neo", "fastdecode", "kvpr"};

const ApproximationEntry* approximation_of(const MethodRequest& method) {
  const bool exact = std::find(kExact.begin(), kExact.end(), method.method) != kExact.end();
  return approximation_named(exact ? "full_kv" : method.method);
}

MethodRequest approximate_request(const MethodRequest& method, const MethodInfo& info) {
  MethodRequest request{.label = method.label, .method = info.name, .preset = info.presets.front().name, .params = {}};
  std::map<std::string, ParamValue> same;
  for (const ParamSpec& spec : info.params) {
    const auto found = method.params.values().find(spec.name);
    if (found == method.params.values().end() || found->second.index() != spec.fallback.index()) continue;
    // Zero stands for "as profiled" there.
    if (spec.name == "recall_interval" && std::get<std::int64_t>(found->second) == 0) continue;
    if (spec.name == "key_rank") continue;  // there of all KV heads together
    same[spec.name] = found->second;
  }
  request.params = resolve_params(info, request.preset, same);
  return request;
}

}  // namespace

std::optional<TokenBudget> budget_of(const MethodRequest& method) {
  const Params& params = method.params;
  const std::int64_t block = std::max<std::int64_t>(1, tokens_of(params, "block_tokens"));
  TokenBudget budget{.share = value_or(params, "budget_share", 0.0), .tokens = tokens_of(params, "budget_tokens")};
  if (const std::int64_t pages = tokens_of(params, "top_pages"); pages > 0)
    budget.tokens = std::min(pages * block, tokens_of(params, "cache_tokens") / 2);
  if (budget.share == 0.0 && budget.tokens == 0) return std::nullopt;
  if (budget.share > 0.0) budget.tokens = 0;
  budget.tokens += tokens_of(params, "kept_tokens") + tokens_of(params, "local_tokens") +
                   tokens_of(params, "outlier_blocks") * block;
  budget.share += value_or(params, "estimate_share", 0.0) /
                  static_cast<double>(std::max<std::int64_t>(1, tokens_of(params, "index_tokens")));
  return budget;
}

FidelityStudy study_of_scenario(const FidelityStudy& study, const Scenario& scenario) {
  FidelityStudy result = study;
  result.methods.clear();
  result.own_budgets.clear();
  result.contexts.clear();
  result.generator.step_correlation = scenario.locality.step_correlation;
  result.generator.static_share = scenario.locality.static_share;
  for (const Workload& workload : scenario.workloads) {
    if (workload.kind != WorkloadKind::decode) continue;
    result.contexts.insert(result.contexts.end(), workload.contexts.begin(), workload.contexts.end());
  }
  std::sort(result.contexts.begin(), result.contexts.end());
  result.contexts.erase(std::unique(result.contexts.begin(), result.contexts.end()), result.contexts.end());
  for (const MethodRequest& method : scenario.methods) {
    const ApproximationEntry* const entry = approximation_of(method);
    if (entry == nullptr) continue;
    const std::optional<TokenBudget> budget = budget_of(method);
    if (entry->budgeted && !budget) continue;
    result.methods.push_back(approximate_request(method, entry->info));
    if (budget) result.own_budgets[method.label] = *budget;
  }
  return result;
}

std::vector<SpeedRow> join_speed(const RunReport& speed, const FidelityReport& fidelity) {
  std::vector<SpeedRow> rows;
  for (const PointResult& point : speed.points) {
    if (point.kind != WorkloadKind::decode) continue;
    SpeedRow row{.point = point, .fidelity = {}};
    for (const FidelityRow& each : fidelity.rows) {
      if (point.fits && each.label == point.label && each.context == point.context) row.fidelity.push_back(each);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace outrider
