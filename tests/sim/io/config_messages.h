// The collected errors as the user reads them.
#pragma once

#include <string>
#include <vector>

#include "sim/io/errors.h"

namespace outrider {

inline std::vector<std::string> messages(const ConfigErrors& errors) {
  std::vector<std::string> lines;
  for (const ConfigError& error : errors.all()) lines.push_back(to_string(error));
  return lines;
}

}  // namespace outrider
