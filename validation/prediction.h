// What the gate remembers of a simulated point: its step time, the order of its operations, and their times by family.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hwmodels/profile.h"
#include "sim/spec/scenario.h"
#include "validation/host.h"

namespace outrider {

// One row of a scenario: the batch is the one asked for where it does not fit, 0 where memory was to decide.
struct PointKey {
  std::string label, workload;
  std::int64_t context = 0, batch = 0;
  std::strong_ordering operator<=>(const PointKey&) const = default;
};
std::string to_string(const PointKey& point);  // "scout, sparse, 8192 x 64"

struct FamilyTime {
  std::string name;
  double seconds = 0.0;  // start to end, summed over the operations of a step; mean of the measured steps
  bool operator==(const FamilyTime&) const = default;
};

struct Prediction {
  PointKey point;
  bool fits = true;
  double tpot_s = 0.0;      // 0 where it does not fit
  std::uint64_t order = 0;  // order_fingerprint() of the decode steps
  std::vector<FamilyTime> families;
};

// All points of the scenario, in its order. Threads as in RunOptions.
std::vector<Prediction> predict(const Scenario& scenario, const Profile& profile, int threads,
                                const std::function<void(std::size_t done, std::size_t all)>& progress);

// Of one of the scenario's points, the mean step time on a machine whose DRAM gives so much. Nothing where there is no
// such point, or it does not fit.
std::optional<double> predicted_step(const Scenario& scenario, const Profile& profile, const PointKey& point,
                                     const HostState& host);

}  // namespace outrider
