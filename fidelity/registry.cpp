// The table of approximations, and the parameters that several share.
#include <algorithm>

#include "fidelity/systems.h"

namespace outrider {

std::span<const ApproximationEntry> approximations() {
  static const std::vector<ApproximationEntry> table = {
      full_attention(),        top_k_attention(),      scout_attention(),    quest_attention(),
      arkvale_attention(),     shadowkv_attention(),   freekv_attention(),   infinigen_attention(),
      omnikv_attention(),      pqcache_attention(),    magicpig_attention(), retroinfer_attention(),
      csattention_attention(), completion_attention(), h2o_attention(),      window_attention(),
      turbo_attention()};
  return table;
}

const ApproximationEntry* approximation_named(std::string_view name) {
  const auto table = approximations();
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& each) { return each.info.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::vector<MethodInfo> approximation_infos() {
  std::vector<MethodInfo> infos;
  for (const ApproximationEntry& entry : approximations()) infos.push_back(entry.info);
  return infos;
}

MethodInfo approximation_info(const char* name, const char* summary, const char* source,
                              std::vector<ParamSpec> params) {
  return {.name = name,
          .summary = summary,
          .source = source,
          .params = std::move(params),
          .presets = {{"default", "as published, where that is known", {}}}};
}

ParamSpec count_param(const char* name, std::int64_t fallback, const char* meaning, const char* certainty) {
  const std::string_view what = name;
  const bool may_be_none = what == "sink_tokens" || what == "recent_tokens" || what == "outlier_blocks";
  return {name, fallback, meaning, certainty, may_be_none ? 0.0 : 1.0, 65536.0, {}};
}

ParamSpec share_param(const char* name, double fallback, const char* meaning, const char* certainty) {
  return {name, fallback, meaning, certainty, 0.0, 1.0, {}};
}

ParamSpec prediction_error_param() {
  return {"error",
          std::string("content"),
          "channels in which predicted queries err: those of content, or all alike",
          "ours",
          {},
          {},
          {"content", "all"}};
}

ParamSpec lasting_error_param() {
  return {"lasting_error",
          true,
          "a head's error is the same at all steps; else it is drawn anew at each",
          "ours",
          {},
          {},
          {}};
}

std::vector<ParamConflict> part_conflicts(const Params& params, const char* name) {
  const std::int64_t parts = params.integer(name);
  if (parts <= 64 && (parts & (parts - 1)) == 0) return {};
  return {{name, "a power of two up to 64", std::to_string(parts)}};
}

std::vector<float> predicted_by_params(const ApproximationInput& input, std::size_t step) {
  const RandomStream errors = input.stream.fork("prediction");
  const bool lasting = input.params.flag("lasting_error");
  return predicted_queries(input.head, step, input.params.number("cosine"), input.params.text("error") == "content",
                           lasting ? errors : errors.fork(static_cast<std::uint64_t>(step)));
}

}  // namespace outrider
