// The texts of --help, generated from the command table.
#pragma once

#include <string>

#include "sim/cli/command_table.h"

namespace outrider {

std::string program_help();
std::string command_help(const CommandSpec& command);
std::string results_help();                          // RESULTS.md
std::string usage_line(const CommandSpec& command);  // "outrider run SCENARIO... [options]"
std::string flag_spelling(const FlagSpec& flag);     // "-h, --help" or "--set PATH=VALUE"

}  // namespace outrider
