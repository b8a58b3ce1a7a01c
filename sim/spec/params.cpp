// Resolution of method parameters: defaults, preset, assignments.
#include "sim/spec/params.h"

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {

const ParamValue& Params::at(std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end(), "method asks for parameter '{}', which its table lacks", name);
  return found->second;
}

Params resolve_params(const MethodInfo& method, std::string_view preset,
                      const std::map<std::string, ParamValue>& assignments) {
  Params params;
  for (const ParamSpec& spec : method.params) params.set(spec.name, spec.fallback);
  const auto assign = [&](const std::string& name, const ParamValue& value) {
    const auto found = params.values().find(name);
    CHECK(found != params.values().end(), "method {} has no parameter '{}'", method.name, name);
    CHECK(found->second.index() == value.index(), "parameter {}.{} has another type", method.name, name);
    params.set(name, value);
  };
  const auto chosen = std::find_if(method.presets.begin(), method.presets.end(),
                                   [&](const Preset& candidate) { return candidate.name == preset; });
  CHECK(chosen != method.presets.end(), "method {} has no preset '{}'", method.name, preset);
  for (const auto& [name, value] : chosen->overrides) assign(name, value);
  for (const auto& [name, value] : assignments) assign(name, value);
  return params;
}

}  // namespace outrider
