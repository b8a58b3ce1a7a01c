// Draws of coefficients and of ops' errors, each from a stream of its own.
#include "hwmodels/uncertainty.h"

#include <algorithm>
#include <cmath>

#include "hwmodels/coefficients.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr double kP95 = 1.6448536269514722;  // of the standard normal; of its magnitude, P90

double drawn(std::string_view name, const Coefficient& coefficient, double normal) {
  const double end = normal < 0.0 ? coefficient.low : coefficient.high, distance = std::abs(normal) / kP95;
  const double value = coefficient.low > 0.0 ? coefficient.value * std::pow(end / coefficient.value, distance)
                                             : coefficient.value + (end - coefficient.value) * distance;
  if (value <= 0.0) return 0.0;
  const bool share = name.ends_with("_efficiency") && coefficient.high <= 1.0;
  return share ? std::min(value, 1.0) : value;
}

// Times, efficiencies or other costs of one part of the machine: "gpu times".
std::string kind_of(const std::string& name) {
  const char* kind = is_time(name) ? " times" : name.ends_with("_efficiency") ? " efficiencies" : " costs";
  return name.substr(0, name.find('.')) + kind;
}

// Which power of two, with a place of its own for zero.
std::uint64_t octave(double size) {
  constexpr int kZero = -4096;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(size > 0.0 ? std::ilogb(size) : kZero));
}

double doublings(double value, const SampledRanges::Range& sampled) {
  if (value > sampled.high) return std::log2(value / sampled.high);
  return value > 0.0 && value < sampled.low ? std::log2(sampled.low / value) : 0.0;
}

}  // namespace

// Products and decode attention of calibration/data/h200-16c, fitted to those up to some size and predicted beyond it
// by one to eight doublings: the error that came on top was 0 to 2.4 % a doubling, by what was cut where; the largest
// is taken. That is within one regime. Fitted to products of up to 64 rows, none of which arithmetic bounds, larger
// ones are off by 20 % from the first doubling: no interval tells of a limit that no sample met.
const double kBeyondPerDoubling = 0.024;

Profile drawn_profile(const Profile& profile, std::uint64_t seed, std::uint64_t number) {
  const RandomStream stream = RandomStream(seed).fork("uncertainty").fork(number);
  const RandomStream own = stream.fork("coefficient"), common = stream.fork("machine");
  Profile draw = profile;
  for (auto& [name, coefficient] : draw.coefficients) {
    double normal = own.fork(name).normal();
    if (profile.kind != ProfileKind::fitted) normal = std::sqrt(0.5) * (normal + common.fork(kind_of(name)).normal());
    coefficient.value = drawn(name, coefficient, normal);
  }
  draw.op_errors = stream.fork("operations").next();
  return draw;
}

OpErrors::OpErrors(const Profile& profile) : seed_(profile.op_errors.value_or(0)), ranges_(profile) {
  if (!profile.op_errors || !profile.fit) return;
  deviations_.assign(sized_families().size(), 0.0);
  for (const FamilyResiduals& each : profile.fit->residuals) {
    const std::optional<std::size_t> family = sized_family_named(each.family);
    if (family) deviations_[*family] = std::log1p(std::max(each.held_out_p90, each.p90)) / kP95;
  }
}

double OpErrors::beyond(const OpSizes& sizes) const {
  double farthest = 0.0;
  for (std::size_t size = 0; size < kMostSizes; ++size)
    farthest = std::max(farthest, doublings(sizes.values[size], ranges_.range(sizes.family, size)));
  return farthest;
}

double OpErrors::factor(const OpSizes& sizes) const {
  if (empty()) return 1.0;
  const std::string_view family = sized_families()[sizes.family].name;
  RandomStream stream = RandomStream(seed_).fork(family);
  if (!family.starts_with("cpu_")) {
    for (const double size : sizes.values) stream = stream.fork(octave(size));
  }
  const double deviation = std::hypot(deviations_[sizes.family], kBeyondPerDoubling * beyond(sizes));
  return std::exp(deviation * stream.normal());
}

}  // namespace outrider
