// Parameters of methods: what each accepts, with default, bounds, meaning and how sure the default is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace outrider {

using LayerList = std::vector<std::int64_t>;  // numbers of layers, from 0
using ParamValue = std::variant<bool, std::int64_t, double, std::string, LayerList>;

struct ParamSpec {
  std::string name;
  ParamValue fallback;                     // also fixes the type
  std::string meaning;                     // one line
  std::string certainty;                   // "P", "S", "I", "R" (methods' facts) or "ours"
  std::optional<double> min, max;          // inclusive, numbers only
  std::vector<std::string> choices;        // strings only; empty: any
  std::vector<ParamValue> alternatives{};  // what it may as well be, where it is uncertain; of the same type
};

// Values by name. `get` CHECKs that the name exists with that type: readers validate, methods just ask.
class Params {
 public:
  Params() = default;
  void set(const std::string& name, ParamValue value) { values_[name] = std::move(value); }
  template <class T>
  const T& get(std::string_view name) const {
    return std::get<T>(at(name));
  }
  bool flag(std::string_view name) const { return get<bool>(name); }
  std::int64_t integer(std::string_view name) const { return get<std::int64_t>(name); }
  double number(std::string_view name) const { return get<double>(name); }
  const std::string& text(std::string_view name) const { return get<std::string>(name); }
  const LayerList& layers(std::string_view name) const { return get<LayerList>(name); }
  const std::map<std::string, ParamValue, std::less<>>& values() const { return values_; }

 private:
  const ParamValue& at(std::string_view name) const;
  std::map<std::string, ParamValue, std::less<>> values_;
};

struct Preset {
  std::string name;
  std::string meaning;
  std::map<std::string, ParamValue> overrides;
};

// Parameters that are each right, and wrong together.
struct ParamConflict {
  std::string param;
  std::string expected, got;  // complete "param: expected …, got …"
};

// What a step is: of decoding, a token for every sequence; of training, an update of the weights.
enum class WorkloadKind { decode, training };

// One system: a row of the method table, without the code that builds it.
struct MethodInfo {
  std::string name;
  std::string summary;
  std::string source;  // paper or repository
  std::vector<ParamSpec> params;
  std::vector<Preset> presets;  // the first is the default
  // Looks at all parameters, knowing which of them were written; null where any go together.
  std::vector<ParamConflict> (*conflicts)(const Params& params, const std::set<std::string>& written) = nullptr;
  bool composed = false;  // no system: a scenario writes it as compose: {its parameters}
  WorkloadKind runs = WorkloadKind::decode;
  bool probe = false;  // no system that serves: its steps exercise a part of the machine
};

// Defaults, then the preset's overrides, then `assignments`. Requires valid names and types (CHECKed).
Params resolve_params(const MethodInfo& method, std::string_view preset,
                      const std::map<std::string, ParamValue>& assignments);

}  // namespace outrider
