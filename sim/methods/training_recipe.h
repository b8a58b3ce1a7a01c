// The number formats of a training step: of each module's products, forward and of both gradients.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/spec/machine.h"
#include "sim/spec/params.h"

namespace outrider {

enum class Module : std::uint8_t { qkv, out, ffn };        // projections before and after attention, and the FFN
enum class Pass : std::uint8_t { forward, wgrad, dgrad };  // y = x·W; dW = xᵀ·dy; dx = dy·Wᵀ
inline constexpr std::size_t kModules = 3, kPasses = 3;

// Attention itself, the LM head, norms and routers stay at 16 bits; master weights and Adam's moments at 32.
struct Recipe {
  std::array<std::array<DataType, kPasses>, kModules> types{};

  DataType of(Module module, Pass pass) const {
    return types[static_cast<std::size_t>(module)][static_cast<std::size_t>(pass)];
  }
  bool operator==(const Recipe&) const = default;
};

constexpr bool is_quantised(DataType type) { return bits_of(type) < 16.0; }

// The two phases of a target-precision schedule: all steps but the last `target_share` of them, and those. The steps
// of a point stand for the whole training.
struct PrecisionSchedule {
  Recipe first, target;
  double target_share = 0.0;

  const Recipe& at(std::int64_t step, std::int64_t steps) const {
    return step < std::llround((1.0 - target_share) * static_cast<double>(steps)) ? first : target;
  }
  std::vector<Recipe> phases() const;  // those that have steps
};

std::vector<ParamSpec> recipe_params();
std::vector<Preset> recipe_presets();
PrecisionSchedule schedule_of(const Params& params);

// What computes each format on a GPU: its own units, or, where it has none, what `missing_units` names.
class Units {
 public:
  Units(const GpuSpec& gpu, const Params& params);

  DataType computing(DataType type) const { return has(type) ? type : emulation_; }
  bool has(DataType type) const { return gpu_.peak[static_cast<std::size_t>(type)].value() > 0.0; }
  std::string refusal(const PrecisionSchedule& schedule) const;             // empty where all can be computed
  std::vector<std::string> notes(const PrecisionSchedule& schedule) const;  // on what is emulated

 private:
  std::vector<DataType> missing(const PrecisionSchedule& schedule) const;

  const GpuSpec& gpu_;
  bool refuses_;
  DataType emulation_;
};

}  // namespace outrider
