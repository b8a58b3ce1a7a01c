// Search of shipped files; a directory's order is the file system's, so every list is sorted.
#include "sim/cli/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "sim/cli/format.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kNotScenarios = {"models", "machines", "profiles", "localities",
                                                           "claims", "fidelity", "studies"};

bool holds_scenarios(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "scenarios", ignored);
}

std::optional<Library> search_upwards(fs::path folder) {
  while (!folder.empty()) {
    if (holds_scenarios(folder)) return Library(folder);
    if (folder == folder.root_path()) break;
    folder = folder.parent_path();
  }
  return std::nullopt;
}

bool is_scenario(const fs::path& relative) {
  const std::string first = relative.begin()->string();
  return std::find(kNotScenarios.begin(), kNotScenarios.end(), first) == kNotScenarios.end();
}

void sort_by_name(std::vector<ShippedFile>& files) {
  std::sort(files.begin(), files.end(), [](const ShippedFile& a, const ShippedFile& b) { return a.name < b.name; });
}

// Files with the extension below `folder`, named by their path without it. What cannot be read is left out.
std::vector<ShippedFile> files_below(const fs::path& folder, const std::string& extension) {
  std::vector<ShippedFile> files;
  std::error_code problem;
  for (fs::recursive_directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code ignored;
    if (!at->is_regular_file(ignored) || at->path().extension() != extension) continue;
    files.push_back(
        {.name = at->path().lexically_relative(folder).replace_extension().generic_string(), .file = at->path()});
  }
  sort_by_name(files);
  return files;
}

// `kind`: what was looked for among `shipped`.
std::string not_found(const std::string& name, const char* kind, const std::vector<ShippedFile>& shipped) {
  const std::string start = fmt::format("no file and no shipped {} is called '{}'", kind, printable(name));
  std::vector<std::string> names;
  for (const ShippedFile& file : shipped) {
    names.push_back(file.name);
    if (fs::path(file.name).filename() == name) return fmt::format("{}, did you mean '{}'?", start, file.name);
  }
  return start + suggestion(name, names);
}

std::variant<fs::path, std::string> find_shipped(const std::string& name, const char* kind,
                                                 const std::optional<std::vector<ShippedFile>>& shipped) {
  std::error_code ignored;
  if (fs::is_regular_file(name, ignored)) return fs::path(name);
  for (const ShippedFile& file : shipped.value_or(std::vector<ShippedFile>())) {
    if (file.name == name) return file.file;
  }
  if (fs::is_directory(name, ignored)) return fmt::format("'{}': expected a file, got a folder", printable(name));
  if (fs::exists(name, ignored)) return fs::path(name);  // a pipe or device: the reader decides
  if (shipped) return not_found(name, kind, *shipped);
  return not_found(name, kind, {}) + " (no folder scenarios/ found; set OUTRIDER_HOME)";
}

}  // namespace

std::vector<ShippedFile> Library::scenarios() const {
  std::vector<ShippedFile> files = files_below(root_ / "scenarios", ".yaml");
  files.erase(std::remove_if(files.begin(), files.end(), [](const ShippedFile& f) { return !is_scenario(f.name); }),
              files.end());
  return files;
}

std::vector<ShippedFile> Library::models() const { return files_below(root_ / "scenarios" / "models", ".json"); }

std::vector<ShippedFile> Library::machines() const { return files_below(root_ / "scenarios" / "machines", ".yaml"); }

std::vector<ShippedFile> Library::studies() const {
  std::vector<ShippedFile> files = files_below(root_ / "scenarios" / "studies", ".yaml");
  for (ShippedFile& file : files) file.name = "studies/" + file.name;
  return files;
}

std::vector<ShippedFile> Library::profiles() const {
  std::vector<ShippedFile> files = files_below(root_ / "scenarios" / "profiles", ".yaml");
  for (const ShippedFile& measured : files_below(root_ / "calibration" / "data", ".yaml")) {
    const fs::path path(measured.name);
    if (path.filename() == "profile")
      files.push_back({.name = "data/" + path.parent_path().generic_string(), .file = measured.file});
  }
  sort_by_name(files);
  return files;
}

std::optional<Library> find_library(const LibraryPlaces& places) {
  if (places.home && !places.home->empty()) {
    return holds_scenarios(*places.home) ? std::optional(Library(*places.home)) : std::nullopt;
  }
  const auto beside_program = search_upwards(places.executable.parent_path());
  return beside_program ? beside_program : search_upwards(places.current);
}

std::variant<fs::path, std::string> find_scenario(const std::string& name, const std::optional<Library>& library) {
  return find_shipped(name, "scenario", library ? std::optional(library->scenarios()) : std::nullopt);
}

std::variant<fs::path, std::string> find_study(const std::string& name, const std::optional<Library>& library) {
  return find_shipped(name, "study", library ? std::optional(library->studies()) : std::nullopt);
}

}  // namespace outrider
