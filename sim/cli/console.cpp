// The streams and surroundings of a real process (POSIX).
#include "sim/cli/console.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace outrider {
namespace {

// Opened so that using it as what it was fails: 0 for writing only, 1 and 2 for reading only.
void fill_closed_streams() {
  for (int stream = 0; stream <= 2; ++stream) {
    if (fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    const int opened = open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
    if (opened == -1) return;
  }
}

// Whether all was written; errno says why not.
bool write_all(int stream, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(stream, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void write_out(std::string_view text) {
  if (write_all(STDOUT_FILENO, text) || errno == EPIPE) return;
  throw EnvironmentError(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return known ? size.ws_col : 0;
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

Console process_console() {
  fill_closed_streams();
  std::signal(SIGPIPE, SIG_IGN);
  std::error_code unknown;
  return {.out = write_out,
          .error = [](std::string_view text) { write_all(STDERR_FILENO, text); },
          .out_is_terminal = isatty(STDOUT_FILENO) == 1,
          .error_is_terminal = isatty(STDERR_FILENO) == 1,
          .width = terminal_width(),
          .executable = std::filesystem::read_symlink("/proc/self/exe", unknown),
          .variable = environment_variable};
}

TableLook look_of(const Console& console, bool no_colour) {
  const auto refused = console.variable("NO_COLOR");
  const bool colour = console.out_is_terminal && !no_colour && !(refused && !refused->empty());
  return {.colour = colour, .width = console.out_is_terminal ? console.width : 0, .indent = ""};
}

}  // namespace outrider
