// A command's line as it was given, and the typed reading of its flags.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/cli/command_table.h"
#include "sim/cli/options.h"

namespace outrider {

// What was given, by flag name; switches have an empty value. `take` removes what it reads, so that a flag of the table
// that no request reads is found out.
class GivenFlags {
 public:
  void add(const std::string& name, const std::string& value) { values_[name].push_back(value); }
  bool has(const std::string& name) const { return values_.count(name) != 0; }
  std::size_t count(const std::string& name) const { return has(name) ? values_.at(name).size() : 0; }
  bool empty() const { return values_.empty(); }
  std::string first() const { return values_.begin()->first; }

  std::vector<std::string> take(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end()) return {};
    std::vector<std::string> values = std::move(found->second);
    values_.erase(found);
    return values;
  }
  bool take_switch(const std::string& name) { return !take(name).empty(); }
  std::optional<std::string> take_one(const std::string& name) {
    const std::vector<std::string> values = take(name);
    return values.empty() ? std::nullopt : std::optional(values.back());
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

struct Line {
  const CommandSpec* command = nullptr;
  std::vector<std::string> operands{};
  GivenFlags flags{};
  std::vector<std::string> errors{};

  template <class... Arguments>
  void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    errors.push_back(
        fmt::format("outrider {}: {}", command->name, fmt::format(format, std::forward<Arguments>(arguments)...)));
  }
};

// Nothing where the text is not a whole number of that type.
template <class Integer>
std::optional<Integer> whole_number(std::string_view text) {
  Integer value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(value) : std::nullopt;
}

// Each takes its flag from the line; what it cannot read is an error of the line, and its answer then without meaning.
std::optional<std::uint64_t> take_seed(Line& line);
int take_threads(Line& line);
// Draws of the profile: fewer than 20 have no P5 of their own.
inline constexpr int kFewestDraws = 20, kMostDraws = 10000;
int take_draws(Line& line, int fallback);
std::int64_t take_count(Line& line, const std::string& name);  // "32k" is 32768; 0: not given
std::vector<Assignment> take_assignments(Line& line);
std::vector<std::string> take_names(Line& line, const std::string& flag, const char* what);
std::optional<TimelinePoint> take_timeline(Line& line);
std::optional<std::string> take_folder(Line& line);                                           // --out
std::optional<std::string> take_text(Line& line, const std::string& flag, const char* what);  // not empty
double take_percent(Line& line, const std::string& flag, double fallback);                    // "0.5" is 0.005
int take_at_least_one(Line& line, const std::string& flag, int fallback);

}  // namespace outrider
