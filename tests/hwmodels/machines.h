// Shipped machines and the shipped profile, as the tests of the hardware models read them.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <string>

#include "hwmodels/machine_model.h"
#include "hwmodels/profile_reader.h"
#include "sim/io/machine_reader.h"

namespace outrider {

inline constexpr std::array kMachines = {
    "h200-16c", "a100-80gb-pcie-36c", "h100-sxm-64c", "rtx-4090-16c", "gh200-72c", "h200x2-32c", "h200x8-112c",
    "b200-56c", "gb200-36c",          "t4-8c",        "a10g-8c",      "a10g-32c",  "a6000-12c",  "h100x2-as-one-64c"};

inline std::string texts(const ConfigErrors& errors) {
  std::string all;
  for (const ConfigError& error : errors.all()) all += to_string(error) + "\n";
  return all;
}
inline MachineSpec machine_named(const std::string& name) {
  ConfigErrors errors;
  auto machine =
      read_machine(std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios/machines" / (name + ".yaml"), errors);
  EXPECT_TRUE(machine.has_value()) << texts(errors);
  return machine.value_or(MachineSpec{});
}
inline Profile assumed_profile() {
  ConfigErrors errors;
  auto profile = read_profile(std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios/profiles/assumed.yaml", errors);
  EXPECT_TRUE(profile.has_value()) << texts(errors);
  return profile.value_or(Profile{});
}
inline Op op_of(Family family, Shape shape) {
  Op op;
  op.family = family;
  op.shape = shape;
  return op;
}
inline double seconds_alone(const MachineModel& model, const Op& op) {
  return isolated_duration(model.demand(op), model.platform()).seconds().value();
}
inline AttentionShape decode_attention(double sequences, double tokens_each) {
  return {.sequences = static_cast<std::int64_t>(sequences),
          .kv_heads = 8,
          .q_heads = 40,
          .head_dim = 128,
          .v_head_dim = 128,
          .tokens = sequences * tokens_each,
          .longest = tokens_each};
}
inline double cached_bytes(const AttentionShape& shape) { return shape.tokens * 8.0 * 256.0 * 2.0; }

}  // namespace outrider
