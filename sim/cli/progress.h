// A line of progress on a terminal, for runs that take longer than a second.
#pragma once

#include <chrono>
#include <cstddef>

#include "sim/cli/console.h"

namespace outrider {

// Silent where the error stream is no terminal. The line is wiped when this goes out of scope.
class Progress {
 public:
  explicit Progress(const Console& console);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::size_t done, std::size_t all);

 private:
  const Console& console_;
  std::chrono::steady_clock::time_point next_;
  bool shown_ = false;
};

}  // namespace outrider
