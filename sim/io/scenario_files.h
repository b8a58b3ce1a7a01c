// Where the names in a scenario lead: shipped models, machines and profiles, or paths.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace outrider {

enum class Shelf { models, machines, profiles, claims };

class ScenarioFiles {
 public:
  // `library` is the scenarios folder with the shipped files; where it is empty, the nearest folder at or above the
  // scenario that holds models/ and machines/, or has a scenarios/ that does.
  ScenarioFiles(const std::filesystem::path& scenario, const std::filesystem::path& library);

  // A shipped name, a path relative to `folder`, or one relative to the library, in this order. A profile may also be
  // data/<machine>, as measured there.
  std::optional<std::filesystem::path> find(Shelf shelf, const std::string& name,
                                            const std::filesystem::path& folder) const;
  std::optional<std::filesystem::path> find(Shelf shelf, const std::string& name) const {
    return find(shelf, name, folder_);
  }
  // The absolute path that `name` stands for in `folder`, where it is written as a path; else nothing.
  static std::optional<std::filesystem::path> path_meant(Shelf shelf, const std::string& name,
                                                         const std::filesystem::path& folder);
  std::vector<std::string> names(Shelf shelf) const;               // shipped ones, sorted
  const std::filesystem::path& folder() const { return folder_; }  // of the scenario
  const std::filesystem::path& library() const { return library_; }

 private:
  std::filesystem::path folder_, library_;
};

}  // namespace outrider
