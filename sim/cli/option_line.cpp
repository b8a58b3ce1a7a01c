// Typed reading of flags, with the words for what is wrong.
#include "sim/cli/option_line.h"

#include <algorithm>

#include "sim/cli/format.h"

namespace outrider {
namespace {

std::optional<std::int64_t> positive_count(std::string_view text) {
  const bool kilo = !text.empty() && (text.back() == 'k' || text.back() == 'K');
  const auto number = whole_number<std::int64_t>(kilo ? text.substr(0, text.size() - 1) : text);
  constexpr std::int64_t kLargest = std::int64_t{1} << 40;
  if (!number || *number < 1 || *number > kLargest) return std::nullopt;
  return kilo ? *number * 1024 : *number;
}

}  // namespace

// "32768" or "32k" (1024 each); at least 1.

std::optional<std::uint64_t> take_seed(Line& line) {
  const auto text = line.flags.take_one("seed");
  if (!text) return std::nullopt;
  const auto seed = whole_number<std::uint64_t>(*text);
  if (!seed) line.error("--seed: expected a whole number from 0 to 2^64 - 1, got '{}'", printable(*text));
  return seed;
}

int take_threads(Line& line) {
  const auto text = line.flags.take_one("threads");
  if (!text) return 0;
  const auto threads = whole_number<int>(*text);
  if (threads && *threads >= 1 && *threads <= 1024) return *threads;
  line.error("--threads: expected a whole number from 1 to 1024, got '{}'", printable(*text));
  return 0;
}

int take_draws(Line& line, int fallback) {
  const auto text = line.flags.take_one("uncertainty");
  if (!text) return fallback;
  const auto draws = whole_number<int>(*text);
  if (draws && *draws >= kFewestDraws && *draws <= kMostDraws) return *draws;
  line.error("--uncertainty: expected a whole number of draws from {} to {}, got '{}'", kFewestDraws, kMostDraws,
             printable(*text));
  return fallback;
}

std::int64_t take_count(Line& line, const std::string& name) {
  const auto text = line.flags.take_one(name);
  if (!text) return 0;
  const auto count = positive_count(*text);
  if (!count)
    line.error("--{}: expected a whole number of at least 1, such as 40 or 32k, got '{}'", name, printable(*text));
  return count.value_or(0);
}

std::vector<Assignment> take_assignments(Line& line) {
  std::vector<Assignment> assignments;
  for (const std::string& text : line.flags.take("set")) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      line.error("--set: expected PATH=VALUE, got '{}'", printable(text));
    } else {
      assignments.push_back({.path = text.substr(0, equals), .value = text.substr(equals + 1)});
    }
  }
  return assignments;
}

// Names between commas; `what` is one of them.
std::vector<std::string> take_names(Line& line, const std::string& flag, const char* what) {
  const auto text = line.flags.take_one(flag);
  if (!text) return {};
  std::vector<std::string> labels;
  std::size_t at = 0;
  while (at <= text->size()) {
    const std::size_t comma = std::min(text->find(',', at), text->size());
    const std::string label = text->substr(at, comma - at);
    at = comma + 1;
    const bool again = std::find(labels.begin(), labels.end(), label) != labels.end();
    if (label.empty()) {
      line.error("--{}: empty {} in '{}'", flag, what, printable(*text));
    } else if (again) {
      line.error("--{}: '{}' is named twice", flag, printable(label));
    } else {
      labels.push_back(label);
    }
  }
  return labels;
}

std::optional<TimelinePoint> take_timeline(Line& line) {
  const auto text = line.flags.take_one("timeline");
  if (!text) return std::nullopt;
  const std::size_t at = std::min(text->rfind('@'), text->size());
  TimelinePoint point{.label = text->substr(0, at)};
  bool valid = !point.label.empty();
  if (valid && at < text->size()) {
    const std::string numbers = text->substr(at + 1);
    const std::size_t x = std::min(numbers.find('x'), numbers.size());
    const auto context = positive_count(numbers.substr(0, x));
    const auto batch = x < numbers.size() ? positive_count(numbers.substr(x + 1)) : std::optional<std::int64_t>(0);
    valid = context && batch;
    point.context = context.value_or(0);
    point.batch = batch.value_or(0);
  }
  if (!valid)
    line.error("--timeline: expected LABEL[@CONTEXT[xBATCH]], such as scout@32kx40, got '{}'", printable(*text));
  return point;
}

std::optional<std::string> take_folder(Line& line) {
  auto folder = line.flags.take_one("out");
  if (folder && folder->empty()) line.error("--out: expected a folder, got ''");
  return folder;
}

std::optional<std::string> take_text(Line& line, const std::string& flag, const char* what) {
  auto text = line.flags.take_one(flag);
  if (text && text->empty()) line.error("--{}: expected {}, got ''", flag, what);
  return text;
}

double take_percent(Line& line, const std::string& flag, double fallback) {
  const auto text = line.flags.take_one(flag);
  if (!text) return fallback;
  double percent = -1.0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), percent);
  const bool whole = problem == std::errc() && end == text->data() + text->size();
  if (!whole || !(percent >= 0.0 && percent <= 100.0))
    line.error("--{}: expected percent from 0 to 100, such as 0.5, got '{}'", flag, printable(*text));
  return percent / 100.0;
}

int take_at_least_one(Line& line, const std::string& flag, int fallback) {
  const auto text = line.flags.take_one(flag);
  if (!text) return fallback;
  const auto number = whole_number<int>(*text);
  if (!number || *number < 1)
    line.error("--{}: expected a whole number of at least 1, got '{}'", flag, printable(*text));
  return number.value_or(fallback);
}

}  // namespace outrider
