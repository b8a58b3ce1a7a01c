// The commands of the program: each turns a request into text and files, and answers with an exit code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/cli/console.h"
#include "sim/cli/options.h"

namespace outrider {

// Everything the program does. `arguments` without the program's name. Reports all errors on the console.
int run_program(const std::vector<std::string>& arguments, const Console& console);

// The commands throw EnvironmentError where something cannot be written; wrong input is reported and answered.
int run_command(const RunRequest& request, const Console& console);
int explain_command(const ExplainRequest& request, const Console& console);
int calibrate_command(const CalibrateRequest& request, const Console& console);
int validate_command(const ValidateRequest& request, const Console& console);
int check_command(const CheckRequest& request, const Console& console);
int sweep_command(const SweepRequest& request, const Console& console);
int merge_command(const MergeRequest& request, const Console& console);
int fidelity_command(const FidelityRequest& request, const Console& console);
int claims_command(const ClaimsRequest& request, const Console& console);
int report_command(const ReportRequest& request, const Console& console);
int list_command(const ListRequest& request, const Console& console);
int schema_command(const SchemaRequest& request, const Console& console);
int completion_command(const CompletionRequest& request, const Console& console);
int help_command(const HelpRequest& request, const Console& console);
int version_command(const Console& console);

// "0.1.0"
std::string_view program_version();

// One line each; answers kWrongInput.
int report_wrong_input(const std::vector<std::string>& errors, const Console& console);

}  // namespace outrider
