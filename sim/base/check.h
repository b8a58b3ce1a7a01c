// Always-on checks of our own invariants; a failure names the simulated time, op, seed and replay command.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "sim/base/ticks.h"

namespace outrider {

// What a failing check prints besides its message. One per thread; set by whoever drives a simulation.
struct CheckContext {
  Instant now;
  std::string op;
  std::string replay_command;
  unsigned long long seed = 0;
};
CheckContext& check_context();

// Prints "file:line: condition: message" with the context to stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace outrider

// CHECK(condition, fmt, args...): a broken invariant of Outrider itself, never a user's mistake.
#define CHECK(condition, ...)                                                               \
  do {                                                                                      \
    if (!(condition)) [[unlikely]] {                                                        \
      ::outrider::check_failed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
    }                                                                                       \
  } while (false)
