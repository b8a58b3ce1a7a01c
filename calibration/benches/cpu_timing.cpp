// Clock and involuntary context switches.
#include "calibration/benches/cpu_timing.h"

#include <sys/resource.h>

#include <chrono>

namespace outrider {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

long preemptions() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

}  // namespace

Trial timed(const std::function<void()>& work) {
  constexpr double kTolerated = 100.0;  // preemptions per second
  const long before = preemptions();
  const double seconds = seconds_of(work);
  return {seconds, static_cast<double>(preemptions() - before) > kTolerated * seconds};
}

}  // namespace outrider
