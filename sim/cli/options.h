// The command line as typed requests; every flag is consumed or refused, and all mistakes are reported at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace outrider {

// --set PATH=VALUE. The value is YAML, read by the scenario reader in place of the file's.
struct Assignment {
  std::string path, value;
};

// --timeline LABEL[@CONTEXT[xBATCH]]; 0 where not given.
struct TimelinePoint {
  std::string label;
  std::int64_t context = 0;
  std::int64_t batch = 0;
};

struct RunRequest {
  std::vector<std::string> scenarios;
  std::vector<Assignment> assignments{};
  std::vector<std::string> methods{};  // empty: all
  std::optional<std::string> out{};
  std::optional<std::uint64_t> seed{};
  std::optional<TimelinePoint> timeline{};
  int threads = 0;  // 0: one per core
  int draws = 0;    // of the profile, for intervals
  bool json = false;
  bool no_colour = false;
};

struct ExplainRequest {
  std::string scenario, method;
  std::int64_t context = 0, batch = 0;  // 0: of the first point
  std::vector<Assignment> assignments;
  std::optional<std::uint64_t> seed;
  bool json = false;
  bool no_colour = false;
};

struct CalibrateRequest {
  std::optional<std::string> machine;  // name or file; none: what is known of this host
  std::string base = "assumed";        // profile, name or file
  std::string name;                    // of the machine that is written; empty: as `machine`, or "local"
  std::string out;
  std::vector<std::string> only;         // families; empty: all
  std::optional<std::string> import;     // nvbandwidth's JSON
  std::optional<int> import_buffer_mib;  // none: as the JSON lets one take
  int run = 1;
  bool quick = false, fit_only = false, list = false;
  bool no_colour = false;
};

struct ValidateRequest {
  std::string scenario;
  std::vector<Assignment> assignments;
  std::vector<std::string> methods;  // empty: all
  std::optional<std::string> out;
  std::optional<TimelinePoint> timeline;
  int repeats = 5;
  bool steps_only = false;
  bool no_colour = false;
};

struct CheckRequest {
  std::vector<std::string> scenarios{};  // empty: all shipped ones with recorded steps
  std::vector<Assignment> assignments{};
  std::optional<std::string> recorded{}, junit{};
  double tolerance = 0.005;  // relative
  int threads = 0;           // 0: one per core
  bool update_golden = false, json = false;
  bool no_colour = false;
};

struct SweepRequest {
  std::string study;
  std::optional<std::string> out{}, cache{};  // none: in their usual places
  int threads = 0;                            // 0: one per core
  std::size_t shard = 1, shards = 1;          // the shard-th of so many parts, from 1
  bool resume = false, no_cache = false, dry_run = false, mpi = false;
};

struct MergeRequest {
  std::string study;
  std::optional<std::string> out{};  // none: in its usual place
};

struct FidelityRequest {
  std::optional<std::string> study{};  // none: the shipped one
  std::vector<Assignment> assignments{};
  std::vector<std::string> methods{}, heads{};     // empty: all
  std::vector<std::string> contexts{}, budgets{};  // empty: the study's
  int seeds = 0;                                   // 0: the study's
  std::optional<std::string> speed{}, out{};       // speed: a scenario
  int threads = 0;                                 // 0: one per core
  bool no_colour = false;
};

struct ClaimsRequest {
  std::vector<std::string> scenarios{};  // empty: all shipped ones that state claims
  std::vector<Assignment> assignments{};
  std::optional<std::string> out{};
  std::optional<std::uint64_t> seed{};
  int draws = 40;   // of the profile, for intervals
  int threads = 0;  // 0: one per core
  bool json = false, no_colour = false;
};

struct ReportRequest {
  std::string folder;
  std::optional<std::string> out{};
  std::vector<std::string> figures{};  // empty: all
  int columns = 0;                     // 0: each figure's own
};

struct ListRequest {
  std::string what;
  bool verbose = false, json = false, names = false, no_colour = false;
};

struct SchemaRequest {
  std::string what;
};
struct CompletionRequest {
  std::string shell;
};
struct HelpRequest {
  std::string command;
};  // empty: the program; "results": the columns of its files
struct VersionRequest {};

using Request = std::variant<RunRequest, ExplainRequest, CalibrateRequest, ValidateRequest, CheckRequest, ClaimsRequest,
                             FidelityRequest, SweepRequest, MergeRequest, ReportRequest, ListRequest, SchemaRequest,
                             CompletionRequest, HelpRequest, VersionRequest>;

struct ParsedCommandLine {
  Request request{};                  // meaningful only without errors
  std::vector<std::string> errors{};  // "outrider run: unknown option '--treads', did you mean '--threads'?"
  std::string help_line{};            // which --help to try, where there are errors
};

// `arguments` without the program's name.
ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace outrider
