// Dispatch of requests, and the commands that only print.
#include "sim/cli/commands.h"

#include <fmt/format.h>

#include <new>

#include "sim/base/check.h"
#include "sim/cli/command_table.h"
#include "sim/cli/completion.h"
#include "sim/cli/format.h"
#include "sim/cli/help_text.h"
#include "sim/cli/inputs.h"

namespace outrider {
namespace {

struct Dispatch {
  const Console& console;
  int operator()(const RunRequest& request) const { return run_command(request, console); }
  int operator()(const ExplainRequest& request) const { return explain_command(request, console); }
  int operator()(const CalibrateRequest& request) const { return calibrate_command(request, console); }
  int operator()(const ValidateRequest& request) const { return validate_command(request, console); }
  int operator()(const CheckRequest& request) const { return check_command(request, console); }
  int operator()(const SweepRequest& request) const { return sweep_command(request, console); }
  int operator()(const MergeRequest& request) const { return merge_command(request, console); }
  int operator()(const FidelityRequest& request) const { return fidelity_command(request, console); }
  int operator()(const ClaimsRequest& request) const { return claims_command(request, console); }
  int operator()(const ReportRequest& request) const { return report_command(request, console); }
  int operator()(const ListRequest& request) const { return list_command(request, console); }
  int operator()(const SchemaRequest& request) const { return schema_command(request, console); }
  int operator()(const CompletionRequest& request) const { return completion_command(request, console); }
  int operator()(const HelpRequest& request) const { return help_command(request, console); }
  int operator()(const VersionRequest&) const { return version_command(console); }
};

// What a failed CHECK prints, so that its run can be repeated.
std::string replay_command(const std::vector<std::string>& arguments) {
  std::string line = "outrider";
  for (const std::string& argument : arguments) line += " " + printable(shell_word(argument));
  return line;
}

}  // namespace

int run_program(const std::vector<std::string>& arguments, const Console& console) {
  check_context().replay_command = replay_command(arguments);
  const ParsedCommandLine parsed = parse_command_line(arguments);
  if (!parsed.errors.empty()) {
    report_wrong_input(parsed.errors, console);
    console.error(parsed.help_line + "\n");
    return kWrongInput;
  }
  try {
    return std::visit(Dispatch{console}, parsed.request);
  } catch (const EnvironmentError& problem) {
    console.error(fmt::format("outrider: {}\n", printable(problem.what())));
  } catch (const std::bad_alloc&) {
    console.error("outrider: out of memory\n");
  } catch (const std::system_error& problem) {
    console.error(fmt::format("outrider: {}\n", printable(problem.what())));
  }
  return kEnvironmentFailed;
}

int report_wrong_input(const std::vector<std::string>& errors, const Console& console) {
  for (const std::string& error : errors) console.error(printable(error) + "\n");
  return kWrongInput;
}

int schema_command(const SchemaRequest& request, const Console& console) {
  console.out(schema_text(request.what));
  return kDone;
}

int completion_command(const CompletionRequest& request, const Console& console) {
  console.out(completion_script(request.shell));
  return kDone;
}

int help_command(const HelpRequest& request, const Console& console) {
  const CommandSpec* command = find_command(request.command);
  if (request.command == "results") {
    console.out(results_help());
    return kDone;
  }
  CHECK(command != nullptr || request.command.empty(), "help on '{}', which is no command", request.command);
  console.out(command == nullptr ? program_help() : command_help(*command));
  return kDone;
}

int version_command(const Console& console) {
  console.out(fmt::format("outrider {}\n", program_version()));
  return kDone;
}

std::string_view program_version() { return OUTRIDER_VERSION; }

}  // namespace outrider
