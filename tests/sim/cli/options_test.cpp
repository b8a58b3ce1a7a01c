// The command line: what is understood, and what every mistake says.
#include "sim/cli/options.h"

#include <gtest/gtest.h>

#include "sim/cli/command_table.h"

namespace outrider {
namespace {

using Lines = std::vector<std::string>;

template <class RequestType>
RequestType understood(const Lines& arguments) {
  const ParsedCommandLine parsed = parse_command_line(arguments);
  EXPECT_EQ(parsed.errors, Lines{});
  const auto* request = std::get_if<RequestType>(&parsed.request);
  EXPECT_NE(request, nullptr) << "read as request number " << parsed.request.index();
  return request == nullptr ? RequestType{} : *request;
}

TEST(Options, RunTakesAllItsFlags) {
  const auto run = understood<RunRequest>(
      {"run", "a.yaml", "--set", "seed=3", "--set=model.name=x=y", "--methods", "full_kv,scout", "--out", "dir",
       "--threads", "4", "--seed", "18446744073709551615", "--timeline", "scout@32kx40", "--no-color", "b.yaml"});
  EXPECT_EQ(run.scenarios, (Lines{"a.yaml", "b.yaml"}));
  ASSERT_EQ(run.assignments.size(), 2U);
  EXPECT_EQ(run.assignments[0].path, "seed");
  EXPECT_EQ(run.assignments[1].path, "model.name");
  EXPECT_EQ(run.assignments[1].value, "x=y");  // the first '=' ends the path
  EXPECT_EQ(run.methods, (Lines{"full_kv", "scout"}));
  EXPECT_EQ(run.out, "dir");
  EXPECT_EQ(run.threads, 4);
  EXPECT_EQ(run.seed, 18446744073709551615ULL);
  ASSERT_TRUE(run.timeline.has_value());
  EXPECT_EQ(run.timeline->label, "scout");
  EXPECT_EQ(run.timeline->context, 32768);
  EXPECT_EQ(run.timeline->batch, 40);
  EXPECT_TRUE(run.no_colour);
  EXPECT_FALSE(run.json);
}

TEST(Options, ATimelineMayNameTheMethodOnly) {
  const auto run = understood<RunRequest>({"run", "a", "--timeline", "scout"});
  EXPECT_EQ(run.timeline->label, "scout");
  EXPECT_EQ(run.timeline->context, 0);
  EXPECT_EQ(run.timeline->batch, 0);
}

TEST(Options, ALabelMayHoldAnAtSign) {
  const auto run = understood<RunRequest>({"run", "a", "--timeline", "scout@home@1000"});
  EXPECT_EQ(run.timeline->label, "scout@home");
  EXPECT_EQ(run.timeline->context, 1000);
}

TEST(Options, TheDoubleDashEndsTheFlags) {
  EXPECT_EQ(understood<RunRequest>({"run", "--", "--odd.yaml"}).scenarios, Lines{"--odd.yaml"});
}

TEST(Options, ExplainTakesAPoint) {
  const auto explain = understood<ExplainRequest>({"explain", "a", "--method", "scout", "--context", "64K", "--json"});
  EXPECT_EQ(explain.scenario, "a");
  EXPECT_EQ(explain.method, "scout");
  EXPECT_EQ(explain.context, 65536);
  EXPECT_EQ(explain.batch, 0);
  EXPECT_TRUE(explain.json);
}

TEST(Options, FidelityTakesListsInPlaceOfTheStudys) {
  EXPECT_FALSE(understood<FidelityRequest>({"fidelity"}).study);
  const auto fidelity = understood<FidelityRequest>(
      {"fidelity", "my.yaml", "--budgets", "5%,2048", "--contexts", "8k", "--heads", "diffuse", "--seeds", "2"});
  EXPECT_EQ(fidelity.study, "my.yaml");
  EXPECT_EQ(fidelity.budgets, (Lines{"5%", "2048"}));
  EXPECT_EQ(fidelity.contexts, (Lines{"8k"}));
  EXPECT_EQ(fidelity.heads, (Lines{"diffuse"}));
  EXPECT_EQ(fidelity.seeds, 2);
}

TEST(Options, ReportTakesAFolderAndItsFigures) {
  const auto report = understood<ReportRequest>({"report", "d", "--only", "claims,measured", "--columns", "1"});
  EXPECT_EQ(report.folder, "d");
  EXPECT_EQ(report.figures, (Lines{"claims", "measured"}));
  EXPECT_EQ(report.columns, 1);
  EXPECT_FALSE(report.out);
}

TEST(Options, CheckTakesAnyNumberOfScenarios) {
  EXPECT_TRUE(understood<CheckRequest>({"check"}).scenarios.empty());
  const auto check = understood<CheckRequest>({"check", "a", "b", "--tolerance", "2", "--junit", "x.xml"});
  EXPECT_EQ(check.scenarios, (Lines{"a", "b"}));
  EXPECT_DOUBLE_EQ(check.tolerance, 0.02);
  EXPECT_EQ(check.junit, "x.xml");
}

TEST(Options, ShortFlagsWork) {
  EXPECT_TRUE(understood<ListRequest>({"list", "methods", "-v"}).verbose);
  EXPECT_EQ(understood<HelpRequest>({"run", "-h"}).command, "run");
  EXPECT_EQ(understood<HelpRequest>({"-h"}).command, "");
}

TEST(Options, HelpIsGivenWhateverElseIsMissing) {
  EXPECT_EQ(understood<HelpRequest>({"explain", "--help"}).command, "explain");
  EXPECT_EQ(understood<HelpRequest>({"help", "list"}).command, "list");
  EXPECT_EQ(understood<HelpRequest>({"help"}).command, "");
}

TEST(Options, VersionSchemaAndCompletionAreUnderstood) {
  understood<VersionRequest>({"--version"});
  EXPECT_EQ(understood<SchemaRequest>({"schema", "machine"}).what, "machine");
  EXPECT_EQ(understood<CompletionRequest>({"completion", "fish"}).shell, "fish");
}

struct BadLine {
  Lines arguments;
  Lines errors;
};

std::ostream& operator<<(std::ostream& stream, const BadLine& line) {
  stream << "outrider";
  for (const std::string& argument : line.arguments) stream << " '" << argument << "'";
  return stream;
}

class BadLines : public testing::TestWithParam<BadLine> {};

TEST_P(BadLines, AreRefusedWithTheseWords) {
  const ParsedCommandLine parsed = parse_command_line(GetParam().arguments);
  EXPECT_EQ(parsed.errors, GetParam().errors);
  EXPECT_NE(parsed.help_line, "");
}

INSTANTIATE_TEST_SUITE_P(
    Options, BadLines,
    testing::Values(
        BadLine{{}, {"outrider: a command is missing"}}, BadLine{{""}, {"outrider: unknown command ''"}},
        BadLine{{"rum"}, {"outrider: unknown command 'rum', did you mean 'run'?"}},
        BadLine{{"simulate"}, {"outrider: unknown command 'simulate'"}},
        BadLine{{"--versoin"}, {"outrider: unknown option '--versoin', did you mean '--version'?"}},
        BadLine{{"--version", "run"}, {"outrider: unexpected argument 'run'"}},
        BadLine{{"run"}, {"outrider run: SCENARIO is missing"}},
        BadLine{{"run", "a", "--treads", "4"}, {"outrider run: unknown option '--treads', did you mean '--threads'?"}},
        BadLine{{"run", "a", "--thread=4"}, {"outrider run: unknown option '--thread', did you mean '--threads'?"}},
        BadLine{{"run", "a", "-x"}, {"outrider run: unknown option '-x'"}},
        BadLine{{"run", "a", "--threads"}, {"outrider run: --threads needs a value"}},
        BadLine{{"run", "a", "--threads="}, {"outrider run: --threads needs a value"}},
        BadLine{{"run", "a", "--threads", "--json"}, {"outrider run: --threads needs a value"}},
        BadLine{{"run", "a", "--out", "--json"}, {"outrider run: --out needs a value"}},
        BadLine{{"run", "a", "--json=yes"}, {"outrider run: --json takes no value"}},
        BadLine{{"run", "a", "--threads", "0"},
                {"outrider run: --threads: expected a whole number from 1 to 1024, got '0'"}},
        BadLine{{"run", "a", "--threads", "4x"},
                {"outrider run: --threads: expected a whole number from 1 to 1024, got '4x'"}},
        BadLine{{"run", "a", "--seed", "-1"},
                {"outrider run: --seed: expected a whole number from 0 to 2^64 - 1, got '-1'"}},
        BadLine{{"run", "a", "--seed", "18446744073709551616"},
                {"outrider run: --seed: expected a whole number from 0 to 2^64 - 1, got '18446744073709551616'"}},
        BadLine{{"run", "a", "--seed", "1", "--seed", "2"}, {"outrider run: --seed is given more than once"}},
        BadLine{{"run", "a", "--set", "seed"}, {"outrider run: --set: expected PATH=VALUE, got 'seed'"}},
        BadLine{{"run", "a", "--set", "=3"}, {"outrider run: --set: expected PATH=VALUE, got '=3'"}},
        BadLine{{"run", "a", "--methods", "a,,b"}, {"outrider run: --methods: empty label in 'a,,b'"}},
        BadLine{{"run", "a", "--methods", "a,a"}, {"outrider run: --methods: 'a' is named twice"}},
        BadLine{{"run", "a", "--timeline", "scout@much"},
                {"outrider run: --timeline: expected LABEL[@CONTEXT[xBATCH]], such as scout@32kx40, got 'scout@much'"}},
        BadLine{
            {"run", "a", "--timeline", "scout@32kx0"},
            {"outrider run: --timeline: expected LABEL[@CONTEXT[xBATCH]], such as scout@32kx40, got 'scout@32kx0'"}},
        BadLine{{"run", "a", "--json", "--timeline", "scout"},
                {"outrider run: --timeline needs --out where --json is given: no files are written otherwise"}},
        BadLine{{"explain", "a"}, {"outrider explain: --method LABEL is missing"}},
        BadLine{{"explain", "a", "b", "--method", "m"}, {"outrider explain: unexpected argument 'b'"}},
        BadLine{{"explain", "a", "--method", "m", "--batch", "1e3"},
                {"outrider explain: --batch: expected a whole number of at least 1, such as 40 or 32k, got '1e3'"}},
        BadLine{{"list"},
                {"outrider list: WHAT is missing (methods, knobs, models, machines, scenarios, profiles, studies)"}},
        BadLine{{"list", "machine"},
                {"outrider list: unknown WHAT 'machine', did you mean 'machines'? (valid: methods, knobs, models, "
                 "machines, "
                 "scenarios, profiles, studies)"}},
        BadLine{{"list", "models", "-v"}, {"outrider list: --verbose applies to 'methods' only"}},
        BadLine{{"list", "methods", "--json", "--names"}, {"outrider list: --json and --names exclude each other"}},
        BadLine{{"schema", "trace"}, {"outrider schema: unknown WHAT 'trace' (valid: scenario, machine, profile)"}},
        BadLine{{"completion", "bahs"},
                {"outrider completion: unknown SHELL 'bahs', did you mean 'bash'? (valid: bash, zsh, fish)"}},
        BadLine{{"calibrate", "this"}, {"outrider calibrate: unexpected argument 'this'"}},
        BadLine{{"calibrate", "--run", "0", "--fit-only", "--quick"},
                {"outrider calibrate: --run: expected a whole number of at least 1, got '0'",
                 "outrider calibrate: --fit-only measures nothing: --quick and --only exclude it"}},
        BadLine{{"calibrate", "--import", "a.json", "--quick", "--import-buffer", "63"},
                {"outrider calibrate: --import-buffer: expected a whole number of MiB from 64 to 1048576, got '63'",
                 "outrider calibrate: --import measures nothing: --quick, --only and --fit-only exclude it"}},
        BadLine{{"calibrate", "--import-buffer", "512"}, {"outrider calibrate: --import-buffer needs --import"}},
        BadLine{
            {"calibrate", "--only", "a,,a"},
            {"outrider calibrate: --only: empty family in 'a,,a'", "outrider calibrate: --only: 'a' is named twice"}},
        BadLine{{"check", "--tolerance", "0.5x", "--junit", "", "--set", "a=1", "--update-golden"},
                {"outrider check: --junit: expected a file, got ''",
                 "outrider check: --tolerance: expected percent from 0 to 100, such as 0.5, got '0.5x'",
                 "outrider check: --update-golden writes a scenario's own figures: --set excludes it"}},
        BadLine{{"fidelity", "--speed", "s", "--budgets", "1%", "--seeds", "0"},
                {"outrider fidelity: --seeds: expected a whole number of at least 1, got '0'",
                 "outrider fidelity: --speed takes contexts and budgets from its scenario: --contexts and --budgets "
                 "exclude it"}},
        BadLine{{"report", "d", "--columns", "3"}, {"outrider report: --columns: expected 1 or 2, got '3'"}},
        BadLine{{"help", "rnu"},
                {"outrider help: unknown COMMAND 'rnu', did you mean 'run'? (valid: run, explain, calibrate, validate, "
                 "check, claims, fidelity, sweep, merge, report, list, schema, completion, help, results)"}},
        BadLine{{"run", "a", "--\x1b[2J"}, {"outrider run: unknown option '--\\x1b[2J'"}},
        // All mistakes of a line, in the order in which they are read.
        BadLine{{"run", "--threads", "0", "--seed", "x"},
                {"outrider run: SCENARIO is missing",
                 "outrider run: --seed: expected a whole number from 0 to 2^64 - 1, got 'x'",
                 "outrider run: --threads: expected a whole number from 1 to 1024, got '0'"}}));

TEST(CommandTable, HelpNamesEveryCommand) {
  const CommandSpec* help = find_command("help");
  ASSERT_NE(help, nullptr);
  std::vector<std::string> topics = command_names();
  topics.push_back("results");
  EXPECT_EQ(help->operand.choices, topics);
}

TEST(CommandTable, EveryFlagOfEveryCommandIsRead) {
  // A flag that no request reads aborts by CHECK; so every flag of the table is given once, with a value that suits.
  const std::vector<std::pair<std::string, std::string>> values = {
      {"methods", "m"},  {"threads", "1"},        {"seed", "1"},     {"timeline", "m"},  {"set", "a=b"},
      {"method", "m"},   {"context", "1"},        {"batch", "1"},    {"out", "d"},       {"machine", "m"},
      {"base", "p"},     {"name", "n"},           {"only", "f"},     {"run", "2"},       {"repeats", "2"},
      {"import", "f"},   {"import-buffer", "64"}, {"recorded", "d"}, {"tolerance", "1"}, {"junit", "f"},
      {"budgets", "5%"}, {"contexts", "1k"},      {"heads", "h"},    {"seeds", "2"},     {"speed", "s"},
      {"cache", "c"},    {"uncertainty", "20"},   {"shard", "1/2"},  {"columns", "1"}};
  for (const CommandSpec& command : command_table()) {
    for (const FlagSpec& flag : command.flags) {
      Lines line = {command.name, "--" + flag.name};
      for (const auto& [name, value] : values) {
        if (name == flag.name) line.push_back(value);
      }
      EXPECT_EQ(line.size(), flag.value.empty() ? 2U : 3U) << command.name << " --" << flag.name;
      const OperandSpec& operand = command.operand;
      if (!operand.name.empty()) line.push_back(operand.choices.empty() ? "x" : operand.choices.front());
      if (command.name == "explain" && flag.name != "method") line.insert(line.end(), {"--method", "m"});
      if (flag.name == "import-buffer") line.insert(line.end(), {"--import", "f"});
      EXPECT_EQ(parse_command_line(line).errors, Lines{}) << command.name << " --" << flag.name;
    }
  }
}

}  // namespace
}  // namespace outrider
