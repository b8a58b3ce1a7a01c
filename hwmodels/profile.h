// Coefficients of the hardware models with their intervals and provenance: assumed, fitted or transferred.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace outrider {

struct Coefficient {
  double value = 0.0;
  double low = 0.0, high = 0.0;  // stated interval (assumed) or P5–P95 (fitted)
  std::string source;
};

enum class ProfileKind { assumed, fitted, transferred };
std::string_view to_string(ProfileKind kind);

// How well a fit meets the samples of a family: |predicted ÷ measured − 1|.
struct FamilyResiduals {
  std::string family;
  std::int64_t samples = 0;
  double median = 0.0, p90 = 0.0;
  double held_out_median = 0.0, held_out_p90 = 0.0;  // of samples that the fit did not see, by folds
  double worst = 0.0;                                // signed
  std::string worst_shape;
};

// The least and the greatest of a size among the samples of a family; families and sizes are those of op_sizes.h.
struct SizeRange {
  std::string family, size;
  double low = 0.0, high = 0.0;
};

// Where and when a profile was fitted.
struct FitRecord {
  std::string program, date;  // version; YYYY-MM-DD
  std::string cpu, cpu_flags, gpu, driver, clocks;
  std::int64_t samples = 0, refused = 0;  // refused: too noisy to be fitted to
  std::vector<FamilyResiduals> residuals;
  std::vector<SizeRange> ranges;  // of what was fitted to; predictions beyond them are extrapolated
};

struct Profile {
  std::string name;
  std::string file;
  ProfileKind kind = ProfileKind::assumed;
  std::string machine;  // the machine it was fitted on; empty for assumptions
  std::string note;
  std::optional<FitRecord> fit;
  std::map<std::string, Coefficient, std::less<>> coefficients;
  std::optional<std::uint64_t> op_errors{};  // of a draw (uncertainty.h): seed of the errors of ops' times

  double value(std::string_view coefficient) const;  // CHECKs that it exists: the reader requires all of them
};

// A fitted profile on another machine: efficiencies move, ceilings come from the machine's file, intervals widen.
// Coefficients that were fitted on two kinds of machines are those of CPU attention (calibration/data/h200-16c,
// cpu-2c): there a share of what a ceiling gives moved by 13 %, one of arithmetic by 58 %, and times by factors
// of 1.9, 2.4, 3.6 and 6.4. With the widths below, the second machine's figures are inside or just outside of the first
// one's intervals, but for the last. Of low and high, outwards: of times a factor; of others a share, which takes no
// efficiency beyond 1.
inline constexpr double kTransferWidening = 0.2;
inline constexpr double kTransferTimes = 3.0;
Profile transferred(Profile profile);

}  // namespace outrider
