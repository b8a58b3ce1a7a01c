// Names and contents of a run's files.
#include "sim/cli/result_files.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "sim/cli/console.h"
#include "sim/cli/format.h"
#include "sim/cli/report_csv.h"
#include "sim/cli/report_json.h"
#include "sim/cli/timeline_file.h"
#include "sim/io/atomic_file.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

bool is_plain(char letter) {
  const bool digit = letter >= '0' && letter <= '9';
  const bool alphabetic = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
  return digit || alphabetic || letter == '.' || letter == '_' || letter == '-';
}

void remove_stale(const fs::path& file) {
  std::error_code problem;
  fs::remove(file, problem);
  if (problem) {
    throw EnvironmentError(fmt::format("cannot remove '{}': {}", printable(file.string()), problem.message()));
  }
}

// Of the files of one run.
class FileSet {
 public:
  explicit FileSet(const fs::path& folder) { written_.folder = folder; }

  void write(const std::string& name, const std::string& text) {
    write_file(written_.folder / name, text);
    written_.files.push_back(name);
  }
  void leave_out(const std::string& name) { remove_stale(written_.folder / name); }
  void note(std::string text) { written_.note = std::move(text); }
  WrittenFiles finish() { return std::move(written_); }

 private:
  WrittenFiles written_;
};

void write_timeline(FileSet& files, const RunReport& report, const std::optional<PointDetail>& timeline) {
  const bool there = timeline && timeline->result.fits;
  if (there) {
    files.write("timeline.json", timeline_text(report, *timeline));
    const PointResult& point = timeline->result;
    return files.note(fmt::format("timeline.json shows {} at context {}, batch {}; open it in https://ui.perfetto.dev",
                                  printable(point.label), token_count(point.context), point.batch));
  }
  files.leave_out("timeline.json");
  files.note(timeline ? fmt::format("No timeline: {} does not fit ({}).", printable(timeline->result.label),
                                    printable(timeline->result.limit))
                      : "No timeline: no point fits.");
}

}  // namespace

void write_file(const fs::path& file, const std::string& text) {
  try {
    write_atomically(file, text);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

std::string results_folder_name(const std::string& scenario) {
  std::string result, part;
  const auto finish_part = [&] {
    if (part.find_first_not_of('.') != std::string::npos) result += (result.empty() ? "" : "/") + part;
    part.clear();
  };
  for (const char letter : scenario) {
    if (letter == '/') {
      finish_part();
    } else {
      part += is_plain(letter) ? letter : '-';
    }
  }
  finish_part();
  return result.empty() ? "scenario" : result;
}

bool is_scout_like(const PointResult& point) { return point.method.starts_with("scout"); }

std::optional<TimelinePoint> default_timeline(const RunReport& report) {
  const PointResult* first = nullptr;
  for (const PointResult& point : report.points) {
    if (!point.fits) continue;
    if (is_scout_like(point) || first == nullptr) first = &point;
    if (is_scout_like(point)) break;
  }
  if (first == nullptr) return std::nullopt;
  return TimelinePoint{.label = first->label, .context = first->context, .batch = first->batch};
}

void make_results_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) {
    throw EnvironmentError(
        fmt::format("cannot make the folder '{}': {}", printable(folder.string()), problem.message()));
  }
}

WrittenFiles write_result_files(const RunReport& report, const std::optional<PointDetail>& timeline,
                                const fs::path& folder) {
  make_results_folder(folder);
  FileSet files(folder);
  files.write("results.csv", results_csv(report));
  files.write("results.json", json_text(report_json(report)));
  if (report.claims.empty()) {
    files.leave_out("claims.csv");
  } else {
    files.write("claims.csv", claims_csv(report));
  }
  write_timeline(files, report, timeline);
  return files.finish();
}

}  // namespace outrider
