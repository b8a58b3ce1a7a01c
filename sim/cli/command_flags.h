// What several commands' rows of the table share, and the rows of the commands that study more than a scenario.
#pragma once

#include <string>

#include "sim/cli/command_table.h"

namespace outrider {

FlagSpec help_flag();
FlagSpec colour_flag();
FlagSpec set_flag();
FlagSpec seed_flag();
FlagSpec uncertainty_flag(const std::string& fallback);
OperandSpec scenario_operand(bool repeatable);

CommandSpec claims_command();
CommandSpec fidelity_command();
CommandSpec sweep_command();
CommandSpec report_command();
CommandSpec merge_command();

}  // namespace outrider
