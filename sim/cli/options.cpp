// Parsing of the command line: Boost.Program_options splits it by the command table, the rest is typed and checked
// here.
#include "sim/cli/options.h"

#include <algorithm>
#include <boost/program_options.hpp>

#include "calibration/samples/nvbandwidth.h"
#include "sim/base/check.h"
#include "sim/cli/command_table.h"
#include "sim/cli/format.h"
#include "sim/cli/option_line.h"

namespace outrider {
namespace {

namespace po = boost::program_options;

const FlagSpec* find_flag(const CommandSpec& command, const std::string& name) {
  for (const FlagSpec& flag : command.flags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

std::vector<std::string> flag_spellings(const CommandSpec& command) {
  std::vector<std::string> spellings;
  for (const FlagSpec& flag : command.flags) spellings.push_back("--" + flag.name);
  return spellings;
}

po::options_description description_of(const CommandSpec& command) {
  po::options_description description;
  for (const FlagSpec& flag : command.flags) {
    const std::string spelling = flag.letter == 0 ? flag.name : fmt::format("{},{}", flag.name, flag.letter);
    if (flag.value.empty()) {
      description.add_options()(spelling.c_str(), "");
    } else {
      description.add_options()(spelling.c_str(), po::value<std::string>(), "");
    }
  }
  return description;
}

// Exact names only: Program_options' prefix guessing would let a later flag change what a script means.
constexpr int kStyle = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                       po::command_line_style::long_allow_next | po::command_line_style::allow_short |
                       po::command_line_style::short_allow_adjacent | po::command_line_style::short_allow_next |
                       po::command_line_style::allow_dash_for_short | po::command_line_style::allow_sticky;

void add_option(Line& line, const po::option& option) {
  const std::string spelling = option.original_tokens.empty() ? option.string_key : option.original_tokens.front();
  if (option.unregistered) {
    const std::string name = spelling.substr(0, spelling.find('='));
    return line.error("unknown option '{}'{}", printable(name), suggestion(name, flag_spellings(*line.command)));
  }
  if (option.position_key >= 0 || option.string_key.empty()) {
    line.operands.insert(line.operands.end(), option.value.begin(), option.value.end());
    return;
  }
  const FlagSpec* flag = find_flag(*line.command, option.string_key);
  CHECK(flag != nullptr, "parsed the flag '{}', which the table lacks", option.string_key);
  // Program_options takes whatever follows; "--out --json" is a forgotten value, and "--out=--json" says it on purpose.
  const bool separate = option.original_tokens.size() > 1;
  if (separate && option.value.front().compare(0, 2, "--") == 0) return line.error("--{} needs a value", flag->name);
  if (line.flags.has(flag->name) && !flag->repeatable) return line.error("--{} is given more than once", flag->name);
  line.flags.add(flag->name, option.value.empty() ? std::string() : option.value.front());
}

// Program_options stops at the first malformed option; its message is put in our words.
void add_syntax_error(Line& line, const po::invalid_syntax& problem) {
  const std::string name = problem.get_option_name();
  switch (problem.kind()) {
    case po::invalid_syntax::missing_parameter:
    case po::invalid_syntax::empty_adjacent_parameter:
      return line.error("{} needs a value", printable(name));
    case po::invalid_syntax::extra_parameter:
      return line.error("{} takes no value", printable(name));
    default:
      return line.error("cannot read '{}'", printable(name));
  }
}

Line split(const CommandSpec& command, const std::vector<std::string>& arguments) {
  Line line{.command = &command};
  const po::options_description description = description_of(command);
  try {
    const po::parsed_options parsed =
        po::command_line_parser(arguments).options(description).style(kStyle).allow_unregistered().run();
    for (const po::option& option : parsed.options) add_option(line, option);
  } catch (const po::invalid_syntax& problem) { add_syntax_error(line, problem); }
  return line;
}

void check_operands(Line& line) {
  const OperandSpec& operand = line.command->operand;
  if (operand.required && line.operands.empty()) {
    const std::string choices = operand.choices.empty() ? "" : fmt::format(" ({})", join(operand.choices, ", "));
    return line.error("{} is missing{}", operand.name, choices);
  }
  const std::size_t most = operand.name.empty() ? 0 : operand.repeatable ? line.operands.size() : 1;
  for (std::size_t i = most; i < line.operands.size(); ++i) {
    line.error("unexpected argument '{}'", printable(line.operands[i]));
  }
  if (operand.choices.empty()) return;
  for (std::size_t i = 0; i < std::min(most, line.operands.size()); ++i) {
    const std::string& given = line.operands[i];
    if (std::find(operand.choices.begin(), operand.choices.end(), given) != operand.choices.end()) continue;
    line.error("unknown {} '{}'{}{}", operand.name, printable(given), suggestion(given, operand.choices),
               fmt::format(" (valid: {})", join(operand.choices, ", ")));
  }
}

Request read_run(Line& line) {
  RunRequest request{.scenarios = line.operands};
  request.assignments = take_assignments(line);
  request.methods = take_names(line, "methods", "label");
  request.out = take_folder(line);
  request.seed = take_seed(line);
  request.timeline = take_timeline(line);
  request.threads = take_threads(line);
  request.draws = take_draws(line, 0);
  request.json = line.flags.take_switch("json");
  request.no_colour = line.flags.take_switch("no-color");
  if (request.json && request.timeline && !request.out) {
    line.error("--timeline needs --out where --json is given: no files are written otherwise");
  }
  return request;
}

Request read_explain(Line& line) {
  ExplainRequest request;
  if (!line.operands.empty()) request.scenario = line.operands.front();
  const auto method = line.flags.take_one("method");
  if (!method || method->empty()) line.error("--method LABEL is missing");
  request.method = method.value_or("");
  request.context = take_count(line, "context");
  request.batch = take_count(line, "batch");
  request.assignments = take_assignments(line);
  request.seed = take_seed(line);
  request.json = line.flags.take_switch("json");
  request.no_colour = line.flags.take_switch("no-color");
  return request;
}

void take_import(Line& line, CalibrateRequest& request) {
  request.import = line.flags.take_one("import");
  if (request.import && request.import->empty()) line.error("--import: expected a file, got ''");
  const auto buffer = line.flags.take_one("import-buffer");
  if (!buffer) return;
  request.import_buffer_mib = whole_number<int>(*buffer);
  const int mib = request.import_buffer_mib.value_or(0);
  if (mib < kLeastNvbandwidthMib || mib > kMostNvbandwidthMib) {
    line.error("--import-buffer: expected a whole number of MiB from {} to {}, got '{}'", kLeastNvbandwidthMib,
               kMostNvbandwidthMib, printable(*buffer));
  }
  if (!request.import) line.error("--import-buffer needs --import");
}

Request read_calibrate(Line& line) {
  CalibrateRequest request;
  request.machine = line.flags.take_one("machine");
  request.base = line.flags.take_one("base").value_or("assumed");
  request.name = line.flags.take_one("name").value_or("");
  request.out = take_folder(line).value_or("results/calibration");
  request.only = take_names(line, "only", "family");
  request.run = take_at_least_one(line, "run", 1);
  request.quick = line.flags.take_switch("quick");
  request.fit_only = line.flags.take_switch("fit-only");
  request.list = line.flags.take_switch("list");
  request.no_colour = line.flags.take_switch("no-color");
  take_import(line, request);
  if (request.fit_only && (request.quick || !request.only.empty()))
    line.error("--fit-only measures nothing: --quick and --only exclude it");
  if (request.import && (request.quick || request.fit_only || !request.only.empty()))
    line.error("--import measures nothing: --quick, --only and --fit-only exclude it");
  return request;
}

Request read_validate(Line& line) {
  ValidateRequest request;
  if (!line.operands.empty()) request.scenario = line.operands.front();
  request.assignments = take_assignments(line);
  request.methods = take_names(line, "methods", "label");
  request.out = take_folder(line);
  request.timeline = take_timeline(line);
  request.repeats = take_at_least_one(line, "repeats", 5);
  request.steps_only = line.flags.take_switch("steps-only");
  request.no_colour = line.flags.take_switch("no-color");
  return request;
}

Request read_check(Line& line) {
  CheckRequest request{.scenarios = line.operands};
  request.assignments = take_assignments(line);
  request.recorded = take_text(line, "recorded", "a folder");
  request.junit = take_text(line, "junit", "a file");
  request.tolerance = take_percent(line, "tolerance", request.tolerance);
  request.threads = take_threads(line);
  request.update_golden = line.flags.take_switch("update-golden");
  request.json = line.flags.take_switch("json");
  request.no_colour = line.flags.take_switch("no-color");
  if (request.update_golden && !request.assignments.empty())
    line.error("--update-golden writes a scenario's own figures: --set excludes it");
  return request;
}

// "2/8": the second of eight.
void take_shard(Line& line, SweepRequest& request) {
  const std::optional<std::string> text = line.flags.take_one("shard");
  if (!text) return;
  const std::size_t slash = std::min(text->find('/'), text->size());
  const auto shard = whole_number<std::size_t>(text->substr(0, slash));
  const auto shards = slash < text->size() ? whole_number<std::size_t>(text->substr(slash + 1)) : std::nullopt;
  if (!shard || !shards || *shard < 1 || *shard > *shards || *shards > 100'000)
    return line.error("--shard: expected one of several parts, such as 2/8, got '{}'", *text);
  request.shard = *shard;
  request.shards = *shards;
}

Request read_sweep(Line& line) {
  SweepRequest request;
  if (!line.operands.empty()) request.study = line.operands.front();
  request.out = take_folder(line);
  request.cache = take_text(line, "cache", "a folder");
  request.threads = take_threads(line);
  take_shard(line, request);
  request.mpi = line.flags.take_switch("mpi");
  if (request.mpi && request.threads > 0)
    line.error("each rank of --mpi simulates on one thread: it excludes --threads");
  request.resume = line.flags.take_switch("resume");
  request.no_cache = line.flags.take_switch("no-cache");
  request.dry_run = line.flags.take_switch("dry-run");
  if (request.no_cache && request.cache) line.error("--cache and --no-cache exclude each other");
  return request;
}

Request read_merge(Line& line) {
  MergeRequest request;
  if (!line.operands.empty()) request.study = line.operands.front();
  request.out = take_folder(line);
  return request;
}

Request read_fidelity(Line& line) {
  FidelityRequest request;
  if (!line.operands.empty()) request.study = line.operands.front();
  request.assignments = take_assignments(line);
  request.methods = take_names(line, "methods", "label");
  request.heads = take_names(line, "heads", "class");
  request.contexts = take_names(line, "contexts", "context");
  request.budgets = take_names(line, "budgets", "budget");
  if (line.flags.has("seeds")) request.seeds = take_at_least_one(line, "seeds", 1);
  request.speed = take_text(line, "speed", "a scenario");
  request.out = take_folder(line);
  request.threads = take_threads(line);
  request.no_colour = line.flags.take_switch("no-color");
  if (request.speed && (!request.contexts.empty() || !request.budgets.empty()))
    line.error("--speed takes contexts and budgets from its scenario: --contexts and --budgets exclude it");
  return request;
}

Request read_claims(Line& line) {
  ClaimsRequest request{.scenarios = line.operands};
  request.assignments = take_assignments(line);
  request.out = take_folder(line);
  request.seed = take_seed(line);
  request.draws = take_draws(line, request.draws);
  request.threads = take_threads(line);
  request.json = line.flags.take_switch("json");
  request.no_colour = line.flags.take_switch("no-color");
  return request;
}

Request read_report(Line& line) {
  ReportRequest request;
  if (!line.operands.empty()) request.folder = line.operands.front();
  request.out = take_folder(line);
  request.figures = take_names(line, "only", "figure");
  if (line.flags.has("columns")) request.columns = take_at_least_one(line, "columns", 1);
  if (request.columns > 2) line.error("--columns: expected 1 or 2, got '{}'", request.columns);
  return request;
}

Request read_list(Line& line) {
  ListRequest request;
  if (!line.operands.empty()) request.what = line.operands.front();
  request.verbose = line.flags.take_switch("verbose");
  request.json = line.flags.take_switch("json");
  request.names = line.flags.take_switch("names");
  request.no_colour = line.flags.take_switch("no-color");
  if (request.json && request.names) line.error("--json and --names exclude each other");
  if (request.names && request.verbose) line.error("--names and --verbose exclude each other");
  if (request.verbose && request.what != "methods") line.error("--verbose applies to 'methods' only");
  return request;
}

Request read_request(Line& line) {
  const std::string& name = line.command->name;
  const std::string operand = line.operands.empty() ? "" : line.operands.front();
  if (name == "run") return read_run(line);
  if (name == "explain") return read_explain(line);
  if (name == "calibrate") return read_calibrate(line);
  if (name == "validate") return read_validate(line);
  if (name == "check") return read_check(line);
  if (name == "sweep") return read_sweep(line);
  if (name == "merge") return read_merge(line);
  if (name == "fidelity") return read_fidelity(line);
  if (name == "claims") return read_claims(line);
  if (name == "report") return read_report(line);
  if (name == "list") return read_list(line);
  if (name == "schema") return SchemaRequest{operand};
  if (name == "completion") return CompletionRequest{operand};
  CHECK(name == "help", "command '{}' has no reader", name);
  return HelpRequest{operand};
}

ParsedCommandLine parse_command(const CommandSpec& command, const std::vector<std::string>& arguments) {
  Line line = split(command, arguments);
  const std::string help_line = fmt::format("Try 'outrider {} --help'.", command.name);
  if (!line.errors.empty()) return {.errors = line.errors, .help_line = help_line};
  if (line.flags.has("help")) return {.request = HelpRequest{command.name}};
  check_operands(line);
  Request request = read_request(line);
  CHECK(line.flags.empty() || !line.errors.empty(), "nothing reads --{} of '{}'", line.flags.first(), command.name);
  return {.request = std::move(request), .errors = line.errors, .help_line = help_line};
}

ParsedCommandLine program_error(const std::string& message) {
  return {.errors = {"outrider: " + message}, .help_line = "Try 'outrider --help'."};
}

ParsedCommandLine parse_program_flag(const std::vector<std::string>& arguments) {
  const std::string& flag = arguments.front();
  const bool help = flag == "--help" || flag == "-h";
  if (!help && flag != "--version") {
    std::vector<std::string> spellings;
    for (const FlagSpec& known : program_flags()) spellings.push_back("--" + known.name);
    return program_error(fmt::format("unknown option '{}'{}", printable(flag), suggestion(flag, spellings)));
  }
  if (arguments.size() > 1) return program_error(fmt::format("unexpected argument '{}'", printable(arguments[1])));
  return {.request = help ? Request(HelpRequest{}) : Request(VersionRequest{})};
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return program_error("a command is missing");
  const std::string& first = arguments.front();
  if (!first.empty() && first.front() == '-') return parse_program_flag(arguments);
  const CommandSpec* command = find_command(first);
  if (command == nullptr) {
    return program_error(fmt::format("unknown command '{}'{}", printable(first), suggestion(first, command_names())));
  }
  return parse_command(*command, {arguments.begin() + 1, arguments.end()});
}

}  // namespace outrider
