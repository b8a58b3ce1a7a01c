// Access to a profile's coefficients.
#include "hwmodels/profile.h"

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
    coefficient.low *= 1.0 - kTransferWidening;
    coefficient.high *= 1.0 + kTransferWidening;
  }
  return profile;
}

double Profile::value(std::string_view coefficient) const {
  const auto found = coefficients.find(coefficient);
  CHECK(found != coefficients.end(), "profile {} lacks coefficient '{}'", name, coefficient);
  return found->second.value;
}

}  // namespace outrider
