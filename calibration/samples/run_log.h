// Which host each run was on: runs.csv beside samples.csv.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/host_facts.h"
#include "hwmodels/profile.h"
#include "sim/io/errors.h"

namespace outrider {

struct LoggedRun {
  int run = 1;
  std::string date;
  HostFacts host;  // texts are empty and numbers 0 where they are not recorded
  int line = 0;    // of the file; 0: about to be added
};

// Adds a line for the run, unless the file has one of the same run, date and host. Throws std::runtime_error where that
// fails.
void log_run(const std::filesystem::path& file, int run, const std::string& date, const HostFacts& facts);

// Files from before processors and memory were recorded are read too. A missing file has no runs; each malformed line
// is an error.
std::vector<LoggedRun> read_runs(const std::filesystem::path& file, ConfigErrors& errors);

// Hosts and dates of all runs into the record, each different one once, with '; ' between.
void record_runs(const std::vector<LoggedRun>& runs, FitRecord& record);

// Whether two runs may be of machines of one kind: CPU, processors and GPU are the same where both state them. A build
// without CUDA states no GPU, an import no CPU.
bool may_agree(const HostFacts& one, const HostFacts& other);

// "AMD EPYC, 2 processors, no GPU"
std::string text_of(const HostFacts& host);

// An error for each run that cannot have been on the machine of those before it: they make no machine together.
void check_one_machine(const std::filesystem::path& file, const std::vector<LoggedRun>& runs, ConfigErrors& errors);

// An error where this host cannot go on with the run of that number, or with the folder at all, and what it can do.
void check_resumable(const std::filesystem::path& file, const std::vector<LoggedRun>& runs, int run,
                     const HostFacts& here, ConfigErrors& errors);

// What the runs state of their machine: each fact from the first that has it.
HostFacts host_of(const std::vector<LoggedRun>& runs);

}  // namespace outrider
