// Coefficients of the hardware models with their intervals and provenance: assumed, fitted or transferred.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace outrider {

struct Coefficient {
  double value = 0.0;
  double low = 0.0, high = 0.0;  // stated interval (assumed) or P5–P95 (fitted)
  std::string source;
};

enum class ProfileKind { assumed, fitted, transferred };
std::string_view to_string(ProfileKind kind);

struct Profile {
  std::string name;
  std::string file;
  ProfileKind kind = ProfileKind::assumed;
  std::string machine;  // the machine it was fitted on; empty for assumptions
  std::string note;
  std::map<std::string, Coefficient, std::less<>> coefficients;

  double value(std::string_view coefficient) const;  // CHECKs that it exists: the reader requires all of them
};

}  // namespace outrider
