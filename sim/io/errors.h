// A user's mistakes in input files, all of them collected before anything is refused.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace outrider {

// One mistake. `expected` and `got` complete the sentence "expected …, got …".
struct ConfigError {
  std::string file;
  int line = 0;  // from 1; 0 where the mistake has no place in the text
  int column = 0;
  std::string path{};  // dotted: "machine.gpu.sms", "workloads[2].batches"; empty for the whole file
  std::string expected{};
  std::string got{};
  std::string suggestion{};  // the nearest valid name, or empty

  bool operator==(const ConfigError&) const = default;
};

// "file:line:column: dotted.path: expected …, got …, did you mean …?", without the parts that are empty.
std::string to_string(const ConfigError& error);

inline constexpr std::size_t kMaxErrorsKept = 200;

class ConfigErrors {
 public:
  // Keeps the first kMaxErrorsKept and counts the rest, so that a file of nonsense cannot fill memory or a terminal.
  void add(ConfigError error);
  bool empty() const { return found_ == 0; }
  std::size_t size() const { return found_; }
  // By file, line and column, then as found; at last how many more were found, if any.
  std::vector<ConfigError> all() const;

 private:
  std::vector<ConfigError> kept_;
  std::size_t found_ = 0;
};

// The candidate nearest to `name` in edits (insert, delete, replace, swap neighbours), if at most a third of the name's
// length; the first of equals; empty where there is none.
std::string nearest_of(std::string_view name, std::span<const std::string> candidates);

// Cut to what a message can hold, at a character's boundary, with "…" where something was cut.
std::string shortened(std::string_view text);

}  // namespace outrider
