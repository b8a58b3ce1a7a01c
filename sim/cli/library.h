// The files that are shipped with Outrider: scenarios, models, machines and profiles, found by name.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace outrider {

// Where a library may be.
struct LibraryPlaces {
  std::optional<std::string> home;   // OUTRIDER_HOME
  std::filesystem::path executable;  // may be empty
  std::filesystem::path current;
};

struct ShippedFile {
  std::string name;  // "paper/scoutattention"
  std::filesystem::path file;
};

// A folder that holds scenarios/. Below it: scenarios/models, scenarios/machines, scenarios/profiles, and
// calibration/data/<machine>/profile.yaml; scenarios/studies; all other YAML files below scenarios/ are scenarios.
class Library {
 public:
  explicit Library(std::filesystem::path root) : root_(std::move(root)) {}
  const std::filesystem::path& root() const { return root_; }

  // Sorted by name. A profile measured on a machine is named "data/<machine>".
  std::vector<ShippedFile> scenarios() const;
  std::vector<ShippedFile> models() const;
  std::vector<ShippedFile> machines() const;
  std::vector<ShippedFile> profiles() const;
  std::vector<ShippedFile> studies() const;  // named "studies/…"

 private:
  std::filesystem::path root_;
};

// OUTRIDER_HOME if it is set, and then only there; else the nearest folder upwards from the executable, then from the
// current folder. Nothing if there is none.
std::optional<Library> find_library(const LibraryPlaces& places);

// The file that the command line calls `name`: an existing file, else a shipped scenario. Otherwise a message.
std::variant<std::filesystem::path, std::string> find_scenario(const std::string& name,
                                                               const std::optional<Library>& library);

// Likewise of a study.
std::variant<std::filesystem::path, std::string> find_study(const std::string& name,
                                                            const std::optional<Library>& library);

}  // namespace outrider
