// The program `outrider`.
#include <string>
#include <vector>

#include "sim/cli/commands.h"

int main(int count, char** arguments) {
  const outrider::Console console = outrider::process_console();
  return outrider::run_program(std::vector<std::string>(arguments + (count > 0 ? 1 : 0), arguments + count), console);
}
