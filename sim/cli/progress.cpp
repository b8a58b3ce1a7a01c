// Progress: first after a second, then at most ten times a second.
#include "sim/cli/progress.h"

#include <fmt/format.h>

namespace outrider {

Progress::Progress(const Console& console, std::string done_words)
    : console_(console),
      done_words_(std::move(done_words)),
      begin_(std::chrono::steady_clock::now()),
      next_(begin_ + std::chrono::seconds(1)) {}

Progress::~Progress() {
  if (shown_) console_.error("\r\x1b[K");
}

void Progress::show(std::size_t done, std::size_t all) {
  const auto now = std::chrono::steady_clock::now();
  if (!console_.error_is_terminal || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  shown_ = true;
  const double spent = std::chrono::duration<double>(now - begin_).count();
  const std::string left = done == 0 ? ""
                                     : fmt::format(", about {:.0f} s left",
                                                   spent / static_cast<double>(done) * static_cast<double>(all - done));
  console_.error(fmt::format("\r{} of {} {}{}\x1b[K", done, all, done_words_, left));
}

}  // namespace outrider
