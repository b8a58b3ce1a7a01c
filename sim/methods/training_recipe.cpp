// Parameters and presets of recipes.
#include "sim/methods/training_recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace outrider {
namespace {

constexpr std::array<const char*, kModules> kModuleNames = {"qkv", "out", "ffn"};
constexpr std::array<const char*, kModules> kModuleMeanings = {"Q, K and V projections", "output projection", "FFN"};
constexpr std::array<const char*, kPasses> kPassNames = {"forward", "wgrad", "dgrad"};
constexpr std::array<const char*, kPasses> kPassMeanings = {"forward", "weight gradients of the",
                                                            "input gradients of the"};

std::string name_of(std::size_t module, std::size_t pass) {
  return fmt::format("{}_{}", kModuleNames[module], kPassNames[pass]);
}

DataType type_named(const std::string& name) { return data_type_named(name).value_or(DataType::bf16); }

// Formats of qkv, out and ffn forward, then of all weight gradients and all input gradients.
std::map<std::string, ParamValue> formats(const std::array<const char*, kModules>& forward, const char* wgrad,
                                          const char* dgrad) {
  std::map<std::string, ParamValue> values;
  for (std::size_t module = 0; module < kModules; ++module) {
    values[name_of(module, 0)] = std::string(forward[module]);
    values[name_of(module, 1)] = std::string(wgrad);
    values[name_of(module, 2)] = std::string(dgrad);
  }
  return values;
}

// As the published cost table counts, by the only reading found under which its rows come out.
std::map<std::string, ParamValue> cost_table(const std::array<const char*, kModules>& forward, const char* wgrad) {
  std::map<std::string, ParamValue> values = formats(forward, wgrad, "bf16");
  values["causal"] = false;
  return values;
}

std::map<std::string, ParamValue> scheduled() {
  std::map<std::string, ParamValue> values = formats({"fp8", "fp8", "fp4"}, "fp8", "fp8");
  values["target_share"] = 0.1;
  return values;
}

}  // namespace

std::vector<Recipe> PrecisionSchedule::phases() const {
  if (target_share <= 0.0 || first == target) return {first};
  if (target_share >= 1.0) return {target};
  return {first, target};
}

std::vector<ParamSpec> recipe_params() {
  const std::vector<std::string> types = {"bf16", "fp8", "fp4"};
  std::vector<ParamSpec> params;
  for (std::size_t module = 0; module < kModules; ++module) {
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
      const std::string meaning = pass == 0 ? fmt::format("{} {}", kModuleMeanings[module], kPassMeanings[pass])
                                            : fmt::format("{} {}", kPassMeanings[pass], kModuleMeanings[module]);
      params.push_back({name_of(module, pass), std::string("bf16"), meaning, "I", {}, {}, types});
    }
  }
  params.push_back({"target", std::string("bf16"), "format of all products in the last steps", "S", {}, {}, types});
  params.push_back({"target_share", 0.0, "share of the steps, the last ones, in the target format", "I", 0.0, 1.0, {}});
  params.push_back({"missing_units",
                    std::string("refuse"),
                    "what computes a format that the GPU has no units for",
                    "I",
                    {},
                    {},
                    {"refuse", "bf16", "fp8"}});
  return params;
}

std::vector<Preset> recipe_presets() {
  return {
      {"bf16", "16-bit products", {}},
      {"zero_offload", "16-bit products, gradients and optimizer in DRAM", {{"optimizer", std::string("dram")}}},
      {"fp8", "FP8 in all projections and the FFN, forward and backward", formats({"fp8", "fp8", "fp8"}, "fp8", "fp8")},
      {"fp8_fp4_fp8", "attention's projections FP8, FFN FP4, backward FP8: the published recipe",
       formats({"fp8", "fp8", "fp4"}, "fp8", "fp8")},
      {"scheduled", "the published recipe, whose last steps are in 16 bits (their share is assumed)", scheduled()},
      {"fp4_fp4_fp4", "FP4 throughout", formats({"fp4", "fp4", "fp4"}, "fp4", "fp4")},
      {"cost_fp8_fp4_fp8",
       "as the cost table counts it: Q, K, V and weight gradients FP8, output and FFN FP4, input gradients 16 bits",
       cost_table({"fp8", "fp4", "fp4"}, "fp8")},
      {"cost_fp4_fp4_fp4", "as the cost table counts it: forward and weight gradients FP4, input gradients 16 bits",
       cost_table({"fp4", "fp4", "fp4"}, "fp4")},
  };
}

PrecisionSchedule schedule_of(const Params& params) {
  PrecisionSchedule schedule;
  const DataType target = type_named(params.text("target"));
  for (std::size_t module = 0; module < kModules; ++module) {
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
      schedule.first.types[module][pass] = type_named(params.text(name_of(module, pass)));
      schedule.target.types[module][pass] = target;
    }
  }
  schedule.target_share = params.number("target_share");
  return schedule;
}

Units::Units(const GpuSpec& gpu, const Params& params)
    : gpu_(gpu),
      refuses_(params.text("missing_units") == "refuse"),
      emulation_(refuses_ ? DataType::bf16 : type_named(params.text("missing_units"))) {}

std::vector<DataType> Units::missing(const PrecisionSchedule& schedule) const {
  std::vector<DataType> found;
  for (const Recipe& recipe : schedule.phases()) {
    for (const auto& passes : recipe.types) {
      for (const DataType type : passes) {
        if (!has(type) && std::find(found.begin(), found.end(), type) == found.end()) found.push_back(type);
      }
    }
  }
  return found;
}

std::string Units::refusal(const PrecisionSchedule& schedule) const {
  for (const DataType type : missing(schedule)) {
    if (refuses_) {
      return fmt::format("{} has no units for {} products (missing_units: bf16 takes the rate of those)", gpu_.name,
                         to_string(type));
    }
    if (!has(emulation_)) {
      return fmt::format("{} has units neither for {} products nor for {}", gpu_.name, to_string(type),
                         to_string(emulation_));
    }
  }
  return {};
}

std::vector<std::string> Units::notes(const PrecisionSchedule& schedule) const {
  std::vector<std::string> notes;
  for (const DataType type : missing(schedule)) {
    notes.push_back(fmt::format("{} products at the rate of {}: the GPU has no units for them", to_string(type),
                                to_string(emulation_)));
  }
  return notes;
}

}  // namespace outrider
