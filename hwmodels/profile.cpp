// Access to a profile's coefficients.
#include "hwmodels/profile.h"

#include <algorithm>

#include "hwmodels/coefficients.h"
#include "sim/base/check.h"

namespace outrider {

std::string_view to_string(ProfileKind kind) {
  switch (kind) {
    case ProfileKind::assumed:
      return "assumed";
    case ProfileKind::fitted:
      return "fitted";
    case ProfileKind::transferred:
      return "transferred";
  }
  return "";
}

Profile transferred(Profile profile) {
  profile.kind = ProfileKind::transferred;
  for (auto& [name, coefficient] : profile.coefficients) {
    const bool time = is_time(name);
    coefficient.low *= time ? 1.0 / kTransferTimes : 1.0 - kTransferWidening;
    const double high = coefficient.high * (time ? kTransferTimes : 1.0 + kTransferWidening);
    coefficient.high = name.ends_with("_efficiency") ? std::min(high, std::max(1.0, coefficient.high)) : high;
  }
  return profile;
}

double Profile::value(std::string_view coefficient) const {
  const auto found = coefficients.find(coefficient);
  CHECK(found != coefficients.end(), "profile {} lacks coefficient '{}'", name, coefficient);
  return found->second.value;
}

}  // namespace outrider
