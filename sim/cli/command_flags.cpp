// Flags that mean the same wherever they stand.
#include "sim/cli/command_flags.h"

namespace outrider {

FlagSpec help_flag() { return {.name = "help", .letter = 'h', .meaning = "Explain this command and stop."}; }

FlagSpec colour_flag() {
  return {.name = "no-color",
          .meaning = "Never colour the output (also off when NO_COLOR is set or not on a terminal)."};
}

FlagSpec set_flag() {
  return {.name = "set",
          .value = "PATH=VALUE",
          .repeatable = true,
          .meaning =
              "Replace one value of the scenario by its dotted path, as if it were written in the file; elements of "
              "lists by label, name, id or index (workloads.decode, workloads[0], claims.idle). Paths to files start "
              "at the current "
              "folder. May be repeated; the last one wins."};
}

FlagSpec seed_flag() {
  return {.name = "seed", .value = "N", .meaning = "Seed of all random streams, in place of the scenario's."};
}

FlagSpec uncertainty_flag(const std::string& fallback) {
  return {.name = "uncertainty",
          .value = "N",
          .meaning =
              "Simulate N times more, 20 to 10000, with coefficients and errors of operations drawn as the profile "
              "leaves them open: figures get P5 to P95 of that, and what these do not tell apart is a tie. " +
              fallback};
}

OperandSpec scenario_operand(bool repeatable) {
  return {.name = "SCENARIO", .repeatable = repeatable, .offer = Offer::scenario};
}

}  // namespace outrider
