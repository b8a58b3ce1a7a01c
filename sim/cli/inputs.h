// From what the command line names to typed inputs: the only place of the program that calls the readers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hwmodels/profile.h"
#include "sim/cli/console.h"
#include "sim/cli/library.h"
#include "sim/cli/options.h"
#include "sim/io/input_files.h"
#include "sim/io/scenario_reader.h"
#include "sim/spec/params.h"
#include "sim/spec/scenario.h"

namespace outrider {

using InputErrors = std::vector<std::string>;  // "file:line:column: dotted.path: expected …, got …", one each

struct InputRequest {
  std::string scenario;  // path or shipped name
  std::vector<Assignment> assignments;
  std::optional<std::uint64_t> seed;
};

struct Inputs {
  Scenario scenario;
  Profile profile;
};

// The shipped files, seen from this process. There may be none; an error only where OUTRIDER_HOME names a folder
// without them.
struct FoundLibrary {
  std::optional<Library> library;
  InputErrors errors;
};
FoundLibrary open_library(const Console& console);

// Loads many scenarios that share files, each of which is read once. Claims are left aside. For one thread.
class InputLoader {
 public:
  // `scenario` as InputRequest has it.
  InputLoader(std::filesystem::path scenario, const std::optional<Library>& library);
  struct Loaded {
    Inputs inputs;
    Digest profile_digest;  // of its file
  };
  std::variant<Loaded, InputErrors> load(const std::vector<ScenarioOverride>& overrides);
  // Of all files that were read.
  Digest digest() const;

 private:
  struct ReadProfile {
    Profile profile;
    Digest digest;
  };
  std::filesystem::path scenario_, library_;
  std::vector<MethodInfo> catalog_;
  InputFiles files_{};
  std::map<std::string, ReadProfile> profiles_{};
};

// All errors of the scenario, or of its profile.
std::variant<Inputs, InputErrors> load_inputs(const InputRequest& request, const std::optional<Library>& library);

// One line about a shipped file, or what is wrong with it.
std::variant<std::string, InputErrors> describe_scenario(const ShippedFile& file);
std::variant<std::string, InputErrors> describe_model(const ShippedFile& file);
std::variant<std::string, InputErrors> describe_machine(const ShippedFile& file);
std::variant<std::string, InputErrors> describe_profile(const ShippedFile& file);
std::variant<std::string, InputErrors> describe_study(const ShippedFile& file);

// The JSON schema of "scenario", "machine" or "profile" files.
std::string schema_text(const std::string& what);

}  // namespace outrider
