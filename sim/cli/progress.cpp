// Progress: first after a second, then at most ten times a second.
#include "sim/cli/progress.h"

#include <fmt/format.h>

#include "sim/cli/format.h"

namespace outrider {

Progress::Progress(const Console& console, std::string done_words, std::size_t done_before)
    : console_(console),
      done_words_(std::move(done_words)),
      done_before_(done_before),
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
  const double rate = static_cast<double>(done - done_before_) / spent;
  const std::string speed = rate > 0.0 ? fmt::format(", {} a second, about {:.0f} s left", significant(rate, 3),
                                                     static_cast<double>(all - done) / rate)
                                       : "";
  constexpr std::size_t kWidth = 24;
  const std::size_t filled = all == 0 ? 0 : kWidth * done / all;
  console_.error(fmt::format("\r[{:=<{}}{:{}}] {} of {} {}{}\x1b[K", "", filled, "", kWidth - filled, done, all,
                             done_words_, speed));
}

}  // namespace outrider
