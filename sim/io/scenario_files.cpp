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

// Profiles that were measured on a machine have names of this kind.
constexpr std::string_view kMeasured = "data/";
fs::path measured_in(const fs::path& library) { return library.parent_path() / "calibration" / "data"; }

}  // namespace

ScenarioFiles::ScenarioFiles(const fs::path& scenario, const fs::path& library) {
  std::error_code ignored;
  folder_ = scenario.parent_path();
  library_ = library.empty() ? nearest_library(fs::absolute(scenario, ignored).parent_path()) : library;
}

std::optional<fs::path> ScenarioFiles::find(Shelf shelf, const std::string& name, const fs::path& folder) const {
  std::vector<fs::path> places;
  if (name.find('/') == std::string::npos) places.push_back(library_ / folder_of(shelf) / (name + extension_of(shelf)));
  places.push_back(folder / name);
  places.push_back(library_ / name);
  if (shelf == Shelf::profiles && name.starts_with(kMeasured))
    places.push_back(measured_in(library_) / name.substr(kMeasured.size()) / "profile.yaml");
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
  if (shelf == Shelf::profiles) {
    for (fs::directory_iterator at(measured_in(library_), problem), end; !problem && at != end; at.increment(problem)) {
      std::error_code ignored;
      if (!fs::exists(at->path() / "profile.yaml", ignored)) continue;
      names.push_back(std::string(kMeasured) + at->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<fs::path> ScenarioFiles::path_meant(Shelf shelf, const std::string& name, const fs::path& folder) {
  const bool measured = shelf == Shelf::profiles && name.starts_with(kMeasured);
  const bool is_path = name.ends_with(extension_of(shelf)) || (name.find('/') != std::string::npos && !measured);
  std::error_code ignored;
  return is_path ? std::optional(fs::absolute(folder / name, ignored).lexically_normal()) : std::nullopt;
}

}  // namespace outrider
