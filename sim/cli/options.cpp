// Parsing of the command line: Boost.Program_options splits it by the command table, the rest is typed and checked
// here.
#include "sim/cli/options.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <map>

#include "calibration/nvbandwidth.h"
#include "sim/base/check.h"
#include "sim/cli/command_table.h"
#include "sim/cli/format.h"

namespace outrider {
namespace {

namespace po = boost::program_options;

// What was given, by flag name; switches have an empty value. `take` removes what it reads, so that a flag of the table
// that no request reads is found out.
class GivenFlags {
 public:
  void add(const std::string& name, const std::string& value) { values_[name].push_back(value); }
  bool has(const std::string& name) const { return values_.count(name) != 0; }
  std::size_t count(const std::string& name) const { return has(name) ? values_.at(name).size() : 0; }
  bool empty() const { return values_.empty(); }
  std::string first() const { return values_.begin()->first; }

  std::vector<std::string> take(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end()) return {};
    std::vector<std::string> values = std::move(found->second);
    values_.erase(found);
    return values;
  }
  bool take_switch(const std::string& name) { return !take(name).empty(); }
  std::optional<std::string> take_one(const std::string& name) {
    const std::vector<std::string> values = take(name);
    return values.empty() ? std::nullopt : std::optional(values.back());
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

struct Line {
  const CommandSpec* command = nullptr;
  std::vector<std::string> operands{};
  GivenFlags flags{};
  std::vector<std::string> errors{};

  template <class... Arguments>
  void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    errors.push_back(
        fmt::format("outrider {}: {}", command->name, fmt::format(format, std::forward<Arguments>(arguments)...)));
  }
};

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

template <class Integer>
std::optional<Integer> whole_number(std::string_view text) {
  Integer value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(value) : std::nullopt;
}

// "32768" or "32k" (1024 each); at least 1.
std::optional<std::int64_t> positive_count(std::string_view text) {
  const bool kilo = !text.empty() && (text.back() == 'k' || text.back() == 'K');
  const auto number = whole_number<std::int64_t>(kilo ? text.substr(0, text.size() - 1) : text);
  constexpr std::int64_t kLargest = std::int64_t{1} << 40;
  if (!number || *number < 1 || *number > kLargest) return std::nullopt;
  return kilo ? *number * 1024 : *number;
}

std::optional<std::uint64_t> take_seed(Line& line) {
  const auto text = line.flags.take_one("seed");
  if (!text) return std::nullopt;
  const auto seed = whole_number<std::uint64_t>(*text);
  if (!seed) line.error("--seed: expected a whole number from 0 to 2^64 - 1, got '{}'", printable(*text));
  return seed;
}

int take_threads(Line& line) {
  const auto text = line.flags.take_one("threads");
  if (!text) return 0;
  const auto threads = whole_number<int>(*text);
  if (threads && *threads >= 1 && *threads <= 1024) return *threads;
  line.error("--threads: expected a whole number from 1 to 1024, got '{}'", printable(*text));
  return 0;
}

std::int64_t take_count(Line& line, const std::string& name) {
  const auto text = line.flags.take_one(name);
  if (!text) return 0;
  const auto count = positive_count(*text);
  if (!count)
    line.error("--{}: expected a whole number of at least 1, such as 40 or 32k, got '{}'", name, printable(*text));
  return count.value_or(0);
}

std::vector<Assignment> take_assignments(Line& line) {
  std::vector<Assignment> assignments;
  for (const std::string& text : line.flags.take("set")) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      line.error("--set: expected PATH=VALUE, got '{}'", printable(text));
    } else {
      assignments.push_back({.path = text.substr(0, equals), .value = text.substr(equals + 1)});
    }
  }
  return assignments;
}

// Names between commas; `what` is one of them.
std::vector<std::string> take_names(Line& line, const std::string& flag, const char* what) {
  const auto text = line.flags.take_one(flag);
  if (!text) return {};
  std::vector<std::string> labels;
  std::size_t at = 0;
  while (at <= text->size()) {
    const std::size_t comma = std::min(text->find(',', at), text->size());
    const std::string label = text->substr(at, comma - at);
    at = comma + 1;
    const bool again = std::find(labels.begin(), labels.end(), label) != labels.end();
    if (label.empty()) {
      line.error("--{}: empty {} in '{}'", flag, what, printable(*text));
    } else if (again) {
      line.error("--{}: '{}' is named twice", flag, printable(label));
    } else {
      labels.push_back(label);
    }
  }
  return labels;
}

std::optional<TimelinePoint> take_timeline(Line& line) {
  const auto text = line.flags.take_one("timeline");
  if (!text) return std::nullopt;
  const std::size_t at = std::min(text->rfind('@'), text->size());
  TimelinePoint point{.label = text->substr(0, at)};
  bool valid = !point.label.empty();
  if (valid && at < text->size()) {
    const std::string numbers = text->substr(at + 1);
    const std::size_t x = std::min(numbers.find('x'), numbers.size());
    const auto context = positive_count(numbers.substr(0, x));
    const auto batch = x < numbers.size() ? positive_count(numbers.substr(x + 1)) : std::optional<std::int64_t>(0);
    valid = context && batch;
    point.context = context.value_or(0);
    point.batch = batch.value_or(0);
  }
  if (!valid)
    line.error("--timeline: expected LABEL[@CONTEXT[xBATCH]], such as scout@32kx40, got '{}'", printable(*text));
  return point;
}

Request read_run(Line& line) {
  RunRequest request{.scenarios = line.operands};
  request.assignments = take_assignments(line);
  request.methods = take_names(line, "methods", "label");
  request.out = line.flags.take_one("out");
  request.seed = take_seed(line);
  request.timeline = take_timeline(line);
  request.threads = take_threads(line);
  request.json = line.flags.take_switch("json");
  request.no_colour = line.flags.take_switch("no-color");
  if (request.out && request.out->empty()) line.error("--out: expected a folder, got ''");
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
  request.out = line.flags.take_one("out").value_or("results/calibration");
  request.only = take_names(line, "only", "family");
  const auto run = line.flags.take_one("run");
  const auto number = run ? whole_number<int>(*run) : std::optional<int>(1);
  if (!number || *number < 1) line.error("--run: expected a whole number of at least 1, got '{}'", printable(*run));
  request.run = number.value_or(1);
  request.quick = line.flags.take_switch("quick");
  request.fit_only = line.flags.take_switch("fit-only");
  request.list = line.flags.take_switch("list");
  request.no_colour = line.flags.take_switch("no-color");
  if (request.out.empty()) line.error("--out: expected a folder, got ''");
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
  request.out = line.flags.take_one("out");
  const auto repeats = line.flags.take_one("repeats");
  const auto number = repeats ? whole_number<int>(*repeats) : std::optional<int>(5);
  if (!number || *number < 1)
    line.error("--repeats: expected a whole number of at least 1, got '{}'", printable(*repeats));
  request.repeats = number.value_or(1);
  request.steps_only = line.flags.take_switch("steps-only");
  request.no_colour = line.flags.take_switch("no-color");
  if (request.out && request.out->empty()) line.error("--out: expected a folder, got ''");
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
