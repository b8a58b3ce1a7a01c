// The wording of configuration errors.
#include "sim/io/errors.h"

#include <fmt/format.h>

namespace outrider {

std::string to_string(const ConfigError& error) {
  std::string text = error.file;
  if (error.line > 0) text += fmt::format(":{}:{}", error.line, error.column);
  if (!error.path.empty()) text += ": " + error.path;
  text += fmt::format(": expected {}", error.expected);
  if (!error.got.empty()) text += ", got " + error.got;
  if (!error.suggestion.empty()) text += fmt::format(", did you mean {}?", error.suggestion);
  return text;
}

}  // namespace outrider
