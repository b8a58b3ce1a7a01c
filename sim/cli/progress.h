// A bar, a rate and the time left on a terminal, for runs that take longer than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "sim/cli/console.h"

namespace outrider {

// Silent where the error stream is no terminal. The line is wiped when this goes out of scope.
class Progress {
 public:
  // `done_words`: as in "12 of 40 points simulated"; `done_before`: how many of them before this began, which say
  // nothing of its rate.
  explicit Progress(const Console& console, std::string done_words = "points simulated", std::size_t done_before = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::size_t done, std::size_t all);

 private:
  const Console& console_;
  std::string done_words_;
  std::size_t done_before_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point next_;
  bool shown_ = false;
};

}  // namespace outrider
