// What a point's figures depend on, in one digest: the same for the same point of any study.
#pragma once

#include <string_view>

#include "hwmodels/profile.h"
#include "sim/io/digest.h"
#include "sim/study/plan.h"

namespace outrider {

// All points of one scenario with one profile, by one program (its version, or its build).
struct PointOrigin {
  std::string_view program;
  const Scenario& scenario;
  const Profile& profile;
  Digest profile_digest{};  // of its file
};

// Names of scenarios, labels and workloads are no part of it: they decide no figure.
Digest point_key(const PointOrigin& origin, const PlannedPoint& plan);

}  // namespace outrider
