// The files of a run, each written whole or not at all: results.csv, results.json, claims.csv, timeline.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/cli/options.h"
#include "sim/study/run.h"

namespace outrider {

// The scenario's name as a relative path that stays below the folder it is joined to: every part keeps letters, digits,
// '.', '_' and '-', others become '-'; parts of dots only are dropped. "scenario" where nothing is left.
std::string results_folder_name(const std::string& scenario);

// Named "scout…".
bool is_scout_like(const PointResult& point);

// The first point that fits of the first Scout-like method, else the first point that fits.
std::optional<TimelinePoint> default_timeline(const RunReport& report);

struct WrittenFiles {
  std::filesystem::path folder;
  std::vector<std::string> files;  // names in the folder
  std::string note;                // why there is no timeline.json, or what it shows
};

// Whole or not at all. Throws EnvironmentError.
void write_file(const std::filesystem::path& file, const std::string& text);

// With its parents, if it is not there. Throws EnvironmentError.
void make_results_folder(const std::filesystem::path& folder);

// Makes the folder and writes the files. claims.csv only where the scenario makes claims, timeline.json only where
// there is a timeline of a point that fits; an older one is removed, since it would belong to another run. Throws
// EnvironmentError.
WrittenFiles write_result_files(const RunReport& report, const std::optional<PointDetail>& timeline,
                                const std::filesystem::path& folder);

}  // namespace outrider
