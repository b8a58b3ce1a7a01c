// Progress: first after a second, then at most ten times a second.
#include "sim/cli/progress.h"

#include <fmt/format.h>

namespace outrider {

Progress::Progress(const Console& console)
    : console_(console), next_(std::chrono::steady_clock::now() + std::chrono::seconds(1)) {}

Progress::~Progress() {
  if (shown_) console_.error("\r\x1b[K");
}

void Progress::show(std::size_t done, std::size_t all) {
  const auto now = std::chrono::steady_clock::now();
  if (!console_.error_is_terminal || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  shown_ = true;
  console_.error(fmt::format("\r{} of {} points simulated\x1b[K", done, all));
}

}  // namespace outrider
