// Rows of the table: the card of claims, the fidelity of attention, sweeps and their shards, reports.
#include "sim/cli/command_flags.h"

namespace outrider {
namespace {

std::vector<FlagSpec> fidelity_flags() {
  return {
      {.name = "methods", .value = "A,B", .meaning = "These only, by label. Default: all of the study."},
      {.name = "budgets",
       .value = "A,B",
       .meaning = "Tokens read, or percent of the context, such as 5%,2048. Default: the study's."},
      {.name = "contexts", .value = "A,B", .meaning = "Cached tokens ('32k' is 32768). Default: the study's."},
      {.name = "heads", .value = "A,B", .meaning = "Classes of heads. Default: all of the study."},
      {.name = "seeds", .value = "N", .meaning = "Heads of each class and context. Default: the study's."},
      {.name = "speed",
       .value = "SCENARIO",
       .meaning = "Lay the figures beside this scenario's tokens per second: its methods, contexts and budgets.",
       .offer = Offer::scenario},
      {.name = "out",
       .value = "DIR",
       .meaning = "Where fidelity.csv, heads.csv and, with --speed, speed.csv go. Default: results/fidelity/<name>.",
       .offer = Offer::directory},
      {.name = "set",
       .value = "PATH=VALUE",
       .repeatable = true,
       .meaning = "Replace one value of the study, as 'run' does of a scenario, such as generator.topic_share=0.2."},
      {.name = "threads",
       .value = "N",
       .meaning = "Heads judged at a time, 1 to 1024; results do not depend on it. Default: one per core."},
      colour_flag(),
      help_flag(),
  };
}

}  // namespace

CommandSpec fidelity_command() {
  return {
      .name = "fidelity",
      .summary = "Say what approximate attention loses on synthetic heads, and what it reads, beside exact attention.",
      .details =
          "No model is run: keys, values and queries are drawn with statistics of real heads, by the STUDY's\n"
          "generator (default: scenarios/fidelity/synthetic.yaml). Each approximation runs with the CPU's kernels\n"
          "where there are such; attention in double precision judges its output. FIDELITY.md has the findings;\n"
          "'outrider help results' the columns of the files.",
      .operand = {.name = "STUDY", .required = false, .offer = Offer::file},
      .flags = fidelity_flags(),
      .examples = {{"outrider fidelity", "every approximation, four budgets"},
                   {"outrider fidelity --methods top_k,scout --budgets 2048 --heads diffuse", "two of them"},
                   {"outrider fidelity --speed paper/scoutattention", "what a scenario's speed costs"}},
  };
}

CommandSpec sweep_command() {
  return {
      .name = "sweep",
      .summary = "Simulate the design points of a study, on all cores, into one table: CSV and SQLite.",
      .details =
          "STUDY is a YAML file (SWEEPS.md), or the name of a shipped one (studies/link-cores-channels). A finished\n"
          "design point is on disk at once: after a crash or kill, --resume does what is left. Points that any study\n"
          "simulated before come from the cache. 'outrider help results' has the columns.",
      .operand = {.name = "STUDY", .offer = Offer::file},
      .flags = {{.name = "out",
                 .value = "DIR",
                 .meaning = "Where results.csv, results.sqlite and points.journal go. Default: results/<study>.",
                 .offer = Offer::directory},
                {.name = "resume", .meaning = "Go on with the unfinished sweep in DIR; what it finished is kept."},
                {.name = "threads",
                 .value = "N",
                 .meaning = "Design points simulated at a time, 1 to 1024; the files do not depend on it. Default: "
                            "one per core."},
                {.name = "mpi",
                 .meaning =
                     "Deal the points out to the ranks of the MPI job, one per core. Needless under mpirun, which "
                     "is recognised."},
                {.name = "shard",
                 .value = "I/N",
                 .meaning = "Do the I-th of N parts of the study, for other machines or jobs to do the others: "
                            "points.I-of-N.journal in DIR, which 'outrider merge' joins."},
                {.name = "cache",
                 .value = "DIR",
                 .meaning = "Where figures of simulated points are kept for all studies. Default: "
                            "$XDG_CACHE_HOME/outrider or ~/.cache/outrider.",
                 .offer = Offer::directory},
                {.name = "no-cache", .meaning = "Neither take figures from the cache nor leave any there."},
                {.name = "dry-run", .meaning = "Check the study, say how many points it has, and stop."},
                help_flag()},
      .examples = {{"outrider sweep studies/link-cores-channels", "which upgrade buys most?"},
                   {"outrider sweep mine.yaml --resume", "go on after a crash"}},
  };
}

CommandSpec report_command() {
  return {
      .name = "report",
      .summary = "Draw the figures of a folder of results: PDF, SVG and PNG, each with its CSV.",
      .details =
          "DIR holds what run, sweep, validate, claims or fidelity wrote; nothing is simulated. Beside each figure "
          "lie\n"
          "the CSV that it is drawn from and the command that draws it. The same results give the same bytes. Drawn "
          "by\n"
          "Python 3 with Matplotlib ('scripts/install-dependencies report'); OUTRIDER_PYTHON names which Python.",
      .operand = {.name = "DIR", .offer = Offer::directory},
      .flags = {{.name = "out",
                 .value = "DIR",
                 .meaning = "Where the figures go. Default: the folder figures in DIR.",
                 .offer = Offer::directory},
                {.name = "only", .value = "A,B", .meaning = "These figures only, by name, such as throughput,claims."},
                {.name = "columns",
                 .value = "N",
                 .meaning = "Columns of a two-column paper that a figure spans: 1 or 2. Default: 2."},
                help_flag()},
      .examples = {{"outrider report results/scoutattention", "after 'outrider run paper/scoutattention'"},
                   {"outrider report recorded --only measured --columns 1", "of what validate wrote"}},
  };
}

CommandSpec merge_command() {
  return {
      .name = "merge",
      .summary = "Join what the shards of a sweep have finished into its tables: CSV and SQLite.",
      .details =
          "STUDY is the one that 'outrider sweep STUDY --shard I/N' swept, here or elsewhere; the journals of its\n"
          "shards are in DIR. The tables are those of one sweep, byte for byte. Where design points are missing, this\n"
          "says how many, and 'outrider sweep STUDY --resume' simulates them.",
      .operand = {.name = "STUDY", .offer = Offer::file},
      .flags = {{.name = "out",
                 .value = "DIR",
                 .meaning = "Where the shards' journals are and the tables go. Default: results/<study>.",
                 .offer = Offer::directory},
                help_flag()},
      .examples = {{"outrider merge studies/link-cores-channels", "after its shards have ended"}},
  };
}

CommandSpec claims_command() {
  OperandSpec operand = scenario_operand(true);
  operand.required = false;
  return {
      .name = "claims",
      .summary = "The reproduction card: published figures beside predicted ones, and what decides where they differ.",
      .details =
          "Without a SCENARIO, of all shipped ones that state claims. A claim that does not hold names the assumption\n"
          "that moves its prediction most towards it, found by simulating again: conditions that its source leaves\n"
          "open, as the claim's 'unknown' lists them, and parameters of its methods that are inferred or recalled,\n"
          "one at a time. A claim with unknown conditions has a range over them. 'outrider help results' documents\n"
          "the columns of card.csv and assumptions.csv.",
      .operand = std::move(operand),
      .flags = {set_flag(),
                {.name = "out",
                 .value = "DIR",
                 .meaning = "Where card.csv, assumptions.csv, card.json and card.md go. Default: results/claims.",
                 .offer = Offer::directory},
                {.name = "json",
                 .meaning = "Print card.json and nothing else; files are written only if --out is given."},
                {.name = "threads",
                 .value = "N",
                 .meaning =
                     "Points simulated at a time, 1 to 1024; results do not depend on it. Default: one per core."},
                seed_flag(),
                uncertainty_flag("Default: 40."),
                colour_flag(),
                help_flag()},
      .examples = {{"outrider claims", "the card of everything that is shipped"},
                   {"outrider claims paper/scoutattention --uncertainty 200", "one paper's, with finer intervals"}},
  };
}

}  // namespace outrider
