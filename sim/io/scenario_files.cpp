// Search of the files that a scenario names.
#include "sim/io/scenario_files.h"

#include <algorithm>

namespace outrider {
namespace {

namespace fs = std::filesystem;

bool is_library(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "models", ignored) && fs::is_directory(folder / "machines", ignored);
}

fs::path nearest_library(const fs::path& start) {
  for (fs::path folder = start;; folder = folder.parent_path()) {
    if (is_library(folder)) return folder;
    if (is_library(folder / "scenarios")) return folder / "scenarios";
    if (folder == folder.parent_path()) return start;
  }
}

const char* folder_of(Shelf shelf) {
  switch (shelf) {
    case Shelf::models:
      return "models";
    case Shelf::machines:
      return "machines";
    case Shelf::profiles:
      return "profiles";
    case Shelf::claims:
      return "claims";
  }
  return "";
}

const char* extension_of(Shelf shelf) { return shelf == Shelf::models ? ".json" : ".yaml"; }

}  // namespace

ScenarioFiles::ScenarioFiles(const fs::path& scenario, const fs::path& library) {
  std::error_code ignored;
  folder_ = scenario.parent_path();
  library_ = library.empty() ? nearest_library(fs::absolute(scenario, ignored).parent_path()) : library;
}

std::optional<fs::path> ScenarioFiles::find(Shelf shelf, const std::string& name) const {
  std::vector<fs::path> places;
  if (name.find('/') == std::string::npos) places.push_back(library_ / folder_of(shelf) / (name + extension_of(shelf)));
  places.push_back(folder_ / name);
  places.push_back(library_ / name);
  constexpr std::string_view kMeasured = "data/";
  if (shelf == Shelf::profiles && name.starts_with(kMeasured)) {
    const fs::path data = library_.parent_path() / "calibration" / "data";
    places.push_back(data / name.substr(kMeasured.size()) / "profile.yaml");
  }
  std::error_code ignored;
  const auto there = [&](const fs::path& place) { return fs::exists(place, ignored); };
  const auto found = std::find_if(places.begin(), places.end(), there);
  return found == places.end() ? std::nullopt : std::optional(*found);
}

std::vector<std::string> ScenarioFiles::names(Shelf shelf) const {
  std::vector<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator at(library_ / folder_of(shelf), problem), end; !problem && at != end;
       at.increment(problem)) {
    if (at->path().extension() == extension_of(shelf)) names.push_back(at->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace outrider
