// Layout of --help: usage, what it does, arguments, flags and examples, at most 100 columns wide.
#include "sim/cli/help_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/cli/format.h"
#include "sim/cli/report_claims.h"
#include "sim/cli/report_csv.h"
#include "sim/cli/report_fidelity.h"
#include "sim/cli/report_sweep.h"
#include "sim/cli/report_validate.h"
#include "sim/cli/table.h"

namespace outrider {
namespace {

constexpr std::size_t kHelpWidth = 100;

struct Entry {
  std::string name, meaning;
};

// Names in one column, meanings wrapped in the next.
std::string entries(const std::vector<Entry>& rows) {
  std::size_t widest = 0;
  for (const Entry& row : rows) widest = std::max(widest, display_width(row.name));
  const std::size_t column = 2 + std::min<std::size_t>(widest, 30) + 2;
  std::string result;
  for (const Entry& row : rows) {
    std::string line = "  " + row.name;
    if (display_width(line) + 2 > column) {
      result += line + "\n";
      line.clear();
    }
    for (const std::string& part : wrapped(row.meaning, kHelpWidth - column)) {
      result += line + std::string(column - display_width(line), ' ') + part + "\n";
      line.clear();
    }
  }
  return result;
}

std::string flag_list(std::span<const FlagSpec> flags) {
  std::vector<Entry> rows;
  for (const FlagSpec& flag : flags) rows.push_back({flag_spelling(flag), flag.meaning});
  return entries(rows);
}

std::string examples(const std::vector<Example>& list) {
  std::string result;
  for (const Example& example : list) result += fmt::format("  {}\n      {}\n", example.line, example.meaning);
  return result;
}

}  // namespace

std::string flag_spelling(const FlagSpec& flag) {
  const std::string letter = flag.letter == 0 ? "" : fmt::format("-{}, ", flag.letter);
  return fmt::format("{}--{}{}{}", letter, flag.name, flag.value.empty() ? "" : " ", flag.value);
}

std::string usage_line(const CommandSpec& command) {
  const OperandSpec& operand = command.operand;
  if (operand.name.empty()) return fmt::format("outrider {} [options]", command.name);
  const std::string name = operand.name + (operand.repeatable ? "..." : "");
  return fmt::format("outrider {} {} [options]", command.name, operand.required ? name : "[" + name + "]");
}

std::string command_help(const CommandSpec& command) {
  std::string result = fmt::format("Usage: {}\n\n{}\n", usage_line(command), command.summary);
  if (!command.operand.choices.empty()) {
    result += fmt::format("\n{} is one of: {}\n", command.operand.name, join(command.operand.choices, ", "));
  }
  result += "\nOptions:\n" + flag_list(command.flags);
  if (!command.details.empty()) result += fmt::format("\n{}\n", command.details);
  return result + "\nExamples:\n" + examples(command.examples);
}

std::string program_help() {
  std::string result =
      "Usage: outrider COMMAND [arguments] [options]\n\n"
      "Outrider simulates GPU-CPU offload systems for LLM inference: how fast a method is on a machine,\n"
      "what limits it, and what would help.\n\nCommands:\n";
  std::vector<Entry> commands;
  for (const CommandSpec& command : command_table()) commands.push_back({command.name, command.summary});
  result += entries(commands) + "\nOptions:\n" + flag_list(program_flags());
  result +=
      "\nExit status: 0 done, 1 the environment failed (cannot write, …), 2 the command line or a file is wrong,\n"
      "3 check or validate found what may not pass.\n";
  result += "Environment: OUTRIDER_HOME (folder with scenarios/), NO_COLOR.\n";
  return result + "\nExamples:\n" +
         examples({{"outrider list scenarios", "what is shipped"},
                   {"outrider run paper/scoutattention", "a comparison, as a table and files"},
                   {"outrider explain paper/scoutattention --method scout", "where a step's time goes"},
                   {"outrider help run", "the options of a command"},
                   {"outrider help results", "the columns of the CSV files"}});
}

std::string results_help() {
  const auto table = [](const std::vector<CsvColumnInfo>& columns) {
    std::string rows = "| column | meaning |\n|---|---|\n";
    for (const CsvColumnInfo& column : columns) rows += fmt::format("| `{}` | {} |\n", column.heading, column.meaning);
    return rows;
  };
  return "# The columns of the CSV files\n\n"
         "`outrider help results` prints this page. Numbers are SI (seconds, bytes) unless the name says otherwise, "
         "and\n"
         "shares are fractions of 1. An empty cell is a figure that does not exist: a point that does not fit has "
         "none.\n\n"
         "## results.csv, one row per point\n\n" +
         table(results_columns()) +
         "| `use_<resource>` | one column for each resource of the machine, such as `use_hbm` or `use_link_h2d`: its "
         "share of what it achieves, over all steps, warm-up included; of what each GPU has of its own, the mean |\n"
         "| `<figure>_low`, `<figure>_high` | with --uncertainty, behind all others: P5 and P95 of a figure, such as "
         "`step_s_low`, over draws of what the profile leaves open |\n"
         "| `rank_best`, `rank_worst` | with --uncertainty: the places that the row may take in tokens_per_s among "
         "those "
         "with its baseline; where they differ, it ties |\n\n"
         "## claims.csv, one row per published figure\n\n" +
         table(claims_columns()) + "\n## card.csv of `claims`, one row per published figure\n\n" +
         table(card_columns()) +
         "\n## assumptions.csv of `claims`, one row per published figure and assumption that was tried\n\n" +
         table(assumptions_columns()) +
         "\ncard.json has the same figures; its fields are documented in\n"
         "[sim/cli/report_claims.h](sim/cli/report_claims.h).\n"
         "\nresults.json has the same figures and more; its fields are documented in\n"
         "[sim/cli/report_json.h](sim/cli/report_json.h).\n\n"
         "## results.csv of `sweep`, and the table `rows` of its results.sqlite, one row per point\n\n"
         "Behind `point` stand the study's axes, each under its name: numbers in base units where all of its values "
         "are "
         "numbers or\n"
         "quantities, else as the study writes them. In results.sqlite the table `columns` says what each means.\n\n" +
         table(sweep_columns()) +
         "| `use_<resource>` | as in `run`, of every resource of any point |\n\n"
         "## steps.csv of `validate`, one row per point\n\n" +
         table(steps_columns()) +
         "\n## shares.csv of `validate`, one row per point that was executed and activity\n\n"
         "Both traces are read by one definition, [validation/activity.h](validation/activity.h): an operation runs "
         "from its start to its\n"
         "end, a share is of the time from the begin of the first measured step to the end of the last, operations of "
         "the host\n"
         "thread are of no activity. Timing costs some µs an operation of the GPU or copy, which count as the "
         "operation's. Where the\n"
         "step waits for the GPU, it grows as much (timed_s ÷ measured_s of steps.csv); where the GPU idles, the cost "
         "fills idle time.\n"
         "So these shares may be too large by as much as ops times that cost ÷ the step's time, or, of a longer step, "
         "too small.\n\n" +
         table(shares_columns()) +
         "\n## operations.csv of `validate`, one row per point that was executed and family of operations\n\n" +
         table(operations_columns()) +
         "\nvalidation.json has the same figures and more; its fields are documented in\n"
         "[sim/cli/report_validate.h](sim/cli/report_validate.h).\n\n"
         "## fidelity.csv of `fidelity`, one row per method, budget, context and class of synthetic heads\n\n" +
         table(fidelity_columns()) + "\n## heads.csv of `fidelity`, one row per context and class\n\n" +
         table(heads_columns()) + "\n## speed.csv of `fidelity --speed`, one row per point and class\n\n" +
         table(speed_columns());
}

}  // namespace outrider
