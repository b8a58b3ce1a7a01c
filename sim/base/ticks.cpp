// The crossing from floating-point seconds to integer picoseconds.
#include "sim/base/ticks.h"

#include <cmath>

#include "sim/base/check.h"

namespace outrider {

Duration ceil_to_ticks(Seconds seconds) {
  const double value = seconds.value();
  CHECK(value >= 0.0 && value < 1e6, "duration of {} s is outside [0, 1e6) s", value);
  return Duration::from_ps(static_cast<std::int64_t>(std::ceil(value * 1e12)));
}

}  // namespace outrider
