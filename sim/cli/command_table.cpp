// The commands of the program, their flags, arguments and examples.
#include "sim/cli/command_table.h"

#include <algorithm>

#include "sim/cli/command_flags.h"

namespace outrider {
namespace {

std::vector<FlagSpec> run_flags() {
  return {
      set_flag(),
      {.name = "methods",
       .value = "A,B",
       .meaning = "Run these methods (by label) only. Default: all of the scenario."},
      {.name = "out",
       .value = "DIR",
       .meaning = "Where results.csv, results.json, claims.csv and timeline.json go. Default: results/<scenario>; "
                  "with several scenarios, each gets a folder of its name below DIR.",
       .offer = Offer::directory},
      {.name = "json", .meaning = "Print results.json and nothing else; files are written only if --out is given."},
      {.name = "threads",
       .value = "N",
       .meaning = "Points simulated at a time, 1 to 1024; results do not depend on it. "
                  "Default: one per core."},
      seed_flag(),
      uncertainty_flag("Default: none, and no intervals."),
      {.name = "timeline",
       .value = "LABEL[@CONTEXT[xBATCH]]",
       .meaning = "The point whose timeline is written. Default: the first Scout-like method at its first point."},
      colour_flag(),
      help_flag(),
  };
}

CommandSpec run_command() {
  return {
      .name = "run",
      .summary = "Simulate scenarios: a table of every point, the claims beside it, and files to look closer.",
      .details =
          "SCENARIO is a path or the name of a shipped scenario (see 'outrider list scenarios').\n"
          "'outrider help results' documents the columns of results.csv and claims.csv, and so does RESULTS.md; the\n"
          "fields of results.json are documented in sim/cli/report_json.h; timeline.json opens in ui.perfetto.dev.",
      .operand = scenario_operand(true),
      .flags = run_flags(),
      .examples = {{"outrider run paper/scoutattention", "the paper's comparison"},
                   {"outrider run my.yaml --set 'workloads[0].contexts=[32768]' --methods full_kv,scout",
                    "one context, two methods"},
                   {"outrider run paper/scoutattention --timeline scout@32kx40 --out out",
                    "the timeline of Scout at 32k tokens, batch 40"},
                   {"outrider run my.yaml --json | jq '.points[] | {label, tokens_per_s}'", "figures for a script"}},
  };
}

CommandSpec explain_command() {
  return {
      .name = "explain",
      .summary = "Say where the time of one method's step goes and what would help most.",
      .details =
          "Prints the time ledger by operation and lane, the critical path by cause, the use of every resource,\n"
          "the memory ledger, and the gain from doubling each capacity, each found by simulating it.",
      .operand = scenario_operand(false),
      .flags = {{.name = "method", .value = "LABEL", .meaning = "The method, by its label in the scenario. Required."},
                {.name = "context",
                 .value = "N",
                 .meaning = "Cached tokens ('32k' is 32768). Default: its first point."},
                {.name = "batch", .value = "N", .meaning = "Sequences. Default: its first point."},
                set_flag(),
                seed_flag(),
                {.name = "json", .meaning = "Print the figures as JSON and nothing else."},
                colour_flag(),
                help_flag()},
      .examples = {{"outrider explain paper/scoutattention --method scout", "its first point"},
                   {"outrider explain my.yaml --method hgca --context 32k --batch 40", "one chosen point"}},
  };
}

std::vector<FlagSpec> calibrate_flags() {
  return {
      {.name = "machine",
       .value = "MACHINE",
       .meaning =
           "The machine file (path or shipped name) that states this host's datasheet figures. Without it, DRAM's "
           "peak is what all cores read, and a GPU is looked for among the shipped machines."},
      {.name = "base",
       .value = "PROFILE",
       .meaning = "Where coefficients come from that nothing here measures. Default: assumed."},
      {.name = "name",
       .value = "NAME",
       .meaning = "Name of the machine and profile that are written. Default: MACHINE's, or local."},
      {.name = "out",
       .value = "DIR",
       .meaning = "Where samples.csv, runs.csv, machine.yaml and profile.yaml go. Default: results/calibration.",
       .offer = Offer::directory},
      {.name = "quick", .meaning = "Fewer shapes and trials: under a minute."},
      {.name = "only", .value = "A,B", .meaning = "Measure these families only, and fit to all samples in DIR."},
      {.name = "run",
       .value = "N",
       .meaning = "Number of this run in samples.csv. What it has of the run is not measured again. Default: 1."},
      {.name = "fit-only", .meaning = "Measure nothing; fit to the samples in DIR."},
      {.name = "import",
       .value = "FILE",
       .meaning =
           "Measure nothing; append what 'nvbandwidth -j' printed to the samples in DIR, and fit to all of them.",
       .offer = Offer::file},
      {.name = "import-buffer",
       .value = "MIB",
       .meaning = "What nvbandwidth's -b was, which its JSON does not say: at least 64. Default: 512, as there."},
      {.name = "list", .meaning = "List the families and why some cannot run here, and stop."},
      colour_flag(),
      help_flag(),
  };
}

CommandSpec calibrate_command() {
  return {
      .name = "calibrate",
      .summary = "Measure this host with microbenchmarks and fit the profile that the hardware models read.",
      .details =
          "Samples are appended to DIR/samples.csv as they come; an interrupted run goes on where it was when the "
          "same\n"
          "command is given again. A scenario uses the result with 'machine: DIR/machine.yaml' and\n"
          "'profile: DIR/profile.yaml'. Leave the host to itself meanwhile.",
      .operand = {.name = "", .required = false},
      .flags = calibrate_flags(),
      .examples = {{"outrider calibrate --quick", "this host in a minute"},
                   {"outrider calibrate --machine h200-16c --out calibration/data/h200-16c --run 2",
                    "a second run on a machine whose datasheet is known"},
                   {"outrider calibrate --only dram_read,cpu_attend", "two families"},
                   {"outrider calibrate --import nvbandwidth.json --run 2", "copies that nvbandwidth measured"}},
  };
}

CommandSpec validate_command() {
  return {
      .name = "validate",
      .summary = "Execute a scenario's steps on this machine and lay them beside their simulation.",
      .details =
          "Weights and caches are random; layers share weights where memory is short, beyond what caches hold. Steps\n"
          "are timed in runs of their own, since timing operations takes time itself. A point with work for the\n"
          "CPU is simulated with what DRAM gave to reads just before. Needs a build with CUDA and a GPU for all that\n"
          "runs on one. Leave the machine to itself meanwhile. What attention computes is checked too, by the CPU's\n"
          "kernels and, where there is one, the GPU's: selecting all blocks against dense attention, and parts by GPU\n"
          "and CPU, merged, against one piece. A wrong result ends with exit status 3.",
      .operand = scenario_operand(false),
      .flags = {{.name = "methods", .value = "A,B", .meaning = "Run these methods only, by label."},
                {.name = "repeats", .value = "N", .meaning = "Runs whose median counts. Default: 5."},
                {.name = "steps-only", .meaning = "Do not time operations."},
                {.name = "out",
                 .value = "DIR",
                 .meaning = "Folder for steps.csv, shares.csv, operations.csv, validation.json and timeline.json. "
                            "Default: results/<scenario>/validation.",
                 .offer = Offer::directory},
                {.name = "timeline",
                 .value = "LABEL[@CONTEXT[xBATCH]]",
                 .meaning = "The point whose timeline is written, executed above simulated. Default: the first "
                            "Scout-like one that was executed, else the first."},
                set_flag(),
                colour_flag(),
                help_flag()},
      .examples = {{"outrider validate validation/h200-qwen3-14b", "the recorded points, on a machine like that"},
                   {"outrider validate validation/cpu-2c", "the CPU's side alone: no GPU needed"}},
  };
}

std::vector<FlagSpec> check_flags() {
  return {
      {.name = "recorded",
       .value = "DIR",
       .meaning =
           "Measured steps: DIR/<name>/steps.csv, or DIR/steps.csv as 'validate --out DIR' writes it; of other "
           "machines of the kind, steps-<anything>.csv beside it. Default: calibration/data/<machine>/validation.",
       .offer = Offer::directory},
      {.name = "tolerance", .value = "PERCENT", .meaning = "How far a time may move. Default: 0.5."},
      {.name = "update-golden", .meaning = "Rewrite the golden files, and say what moved."},
      {.name = "junit", .value = "FILE", .meaning = "Also write the verdicts as JUnit XML.", .offer = Offer::file},
      {.name = "json", .meaning = "Print every point and finding as JSON and nothing else."},
      set_flag(),
      {.name = "threads", .value = "N", .meaning = "Points simulated at a time, 1 to 1024. Default: one per core."},
      colour_flag(),
      help_flag(),
  };
}

CommandSpec check_command() {
  return {
      .name = "check",
      .summary = "Fail when a prediction moved, or errs by more than its budget: a gate for CI.",
      .details =
          "Simulates the points of each SCENARIO and compares them with golden/<name>.csv beside its file, and\n"
          "with measured steps. <name> is the file's name without .yaml; for measured steps, also without the\n"
          "words that it has in common with the start of the machine's name (h200-qwen3-14b on h200-16c:\n"
          "qwen3-14b). Without SCENARIO: every shipped validation/… that has measured steps. Budgets of error\n"
          "stand in the golden file. Exit status 3 where a step time or a family of operations moved beyond the\n"
          "tolerance, the order of operations changed, a point came or went, or an error exceeds its budget.",
      .operand = {.name = "SCENARIO", .required = false, .repeatable = true, .offer = Offer::scenario},
      .flags = check_flags(),
      .examples = {{"outrider check --junit check.xml", "in CI"},
                   {"outrider check --update-golden", "after an intended change; its text is for the commit message"},
                   {"outrider check mine.yaml --recorded results/mine/validation", "one's own measured steps"}},
  };
}

CommandSpec list_command() {
  return {
      .name = "list",
      .summary =
          "List the methods, the knobs of own ones, or the shipped models, machines, scenarios, profiles or studies.",
      .details =
          "Shipped files are looked for in $OUTRIDER_HOME, else upwards from the program, else upwards from the\n"
          "current folder.",
      .operand = {.name = "WHAT",
                  .offer = Offer::choices,
                  .choices = {"methods", "knobs", "models", "machines", "scenarios", "profiles", "studies"}},
      .flags = {{.name = "verbose",
                 .letter = 'v',
                 .meaning = "Methods with their parameters: default, range, meaning, "
                            "and how sure the default is."},
                {.name = "json", .meaning = "Print as JSON."},
                {.name = "names", .meaning = "Print the names only, one per line."},
                colour_flag(),
                help_flag()},
      .examples = {{"outrider list scenarios", "what can be run at once"},
                   {"outrider list methods -v", "every method with its parameters"},
                   {"outrider list knobs", "what a method of one's own is composed of"}},
  };
}

CommandSpec schema_command() {
  return {
      .name = "schema",
      .summary = "Print the JSON schema of a file format, for editors and checkers.",
      .details = "",
      .operand = {.name = "WHAT", .offer = Offer::choices, .choices = {"scenario", "machine", "profile"}},
      .flags = {help_flag()},
      .examples = {{"outrider schema scenario > scenario.schema.json", "for an editor's YAML completion"}},
  };
}

CommandSpec completion_command() {
  return {
      .name = "completion",
      .summary = "Print a completion script for a shell.",
      .details = "",
      .operand = {.name = "SHELL", .offer = Offer::choices, .choices = {"bash", "zsh", "fish"}},
      .flags = {help_flag()},
      .examples = {{"source <(outrider completion bash)", "in ~/.bashrc"},
                   {"outrider completion zsh > ~/.zfunc/_outrider", "in a folder of $fpath"},
                   {"outrider completion fish > ~/.config/fish/completions/outrider.fish", "for fish"}},
  };
}

CommandSpec help_command() {
  return {
      .name = "help",
      .summary = "Explain the program, one command, or the columns of the results.",
      .details = "",
      .operand = {.name = "COMMAND",
                  .required = false,
                  .offer = Offer::choices,
                  .choices = {"run", "explain", "calibrate", "validate", "check", "claims", "fidelity", "sweep",
                              "merge", "report", "list", "schema", "completion", "help", "results"}},
      .flags = {help_flag()},
      .examples = {{"outrider help run", "the flags of run"},
                   {"outrider help results", "the columns of results.csv and claims.csv"}},
  };
}

}  // namespace

std::span<const CommandSpec> command_table() {
  static const std::vector<CommandSpec> table = {
      run_command(),    explain_command(),  calibrate_command(),  validate_command(), check_command(),
      claims_command(), fidelity_command(), sweep_command(),      merge_command(),    report_command(),
      list_command(),   schema_command(),   completion_command(), help_command()};
  return table;
}

const CommandSpec* find_command(std::string_view name) {
  const auto table = command_table();
  const auto found = std::find_if(table.begin(), table.end(), [name](const CommandSpec& c) { return c.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandSpec& command : command_table()) names.push_back(command.name);
  return names;
}

std::span<const FlagSpec> program_flags() {
  static const std::vector<FlagSpec> flags = {
      {.name = "help", .letter = 'h', .meaning = "Explain the program and stop."},
      {.name = "version", .meaning = "Print the version and stop."},
  };
  return flags;
}

}  // namespace outrider
