// Where a command's text goes and what it may ask of its surroundings: the process's streams, or strings in a test.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sim/cli/table.h"

namespace outrider {

enum ExitCode : int { kDone = 0, kEnvironmentFailed = 1, kWrongInput = 2, kCheckFailed = 3 };

// The environment failed: a file or stream cannot be written. Exit 1.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Console {
  std::function<void(std::string_view)> out;    // throws EnvironmentError where the text cannot be written
  std::function<void(std::string_view)> error;  // best effort
  bool out_is_terminal = false;
  bool error_is_terminal = false;
  std::size_t width = 0;             // columns of the terminal; 0: unknown or none
  std::filesystem::path executable;  // of the program; empty if unknown
  std::function<std::optional<std::string>(const std::string&)> variable;  // of the environment
};

// The process's standard streams. SIGPIPE is ignored: when the reader of standard output has gone, what is left is
// dropped, since it asked for no more. A closed standard stream is replaced, so that no file opened later takes its
// number and receives its text; writing to a closed standard output fails.
Console process_console();

// Colour on a terminal unless refused by flag or NO_COLOR; wrapped to the terminal's width.
TableLook look_of(const Console& console, bool no_colour);

}  // namespace outrider
