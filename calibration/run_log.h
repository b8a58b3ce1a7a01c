// Which host each run was on: runs.csv beside samples.csv.
#pragma once

#include <filesystem>
#include <string>

#include "calibration/host_facts.h"
#include "hwmodels/profile.h"
#include "sim/io/errors.h"

namespace outrider {

// Appends a line for the run, unless the file has one of the same run and host. Throws std::runtime_error where that
// fails.
void log_run(const std::filesystem::path& file, int run, const std::string& date, const HostFacts& facts);

// Hosts and dates of all runs into the record, each different one once, with '; ' between. A missing file leaves it as
// it is; a malformed one is an error.
void read_run_log(const std::filesystem::path& file, FitRecord& record, ConfigErrors& errors);

}  // namespace outrider
