// Writing and strict reading of samples.csv.
#include "calibration/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "sim/base/check.h"

namespace outrider {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

std::optional<SampleShape> read_shape(std::string_view text) {
  std::vector<std::pair<std::string, double>> fields;
  for (const std::string_view part : split(text, ';')) {
    const std::size_t equals = part.find('=');
    double value = 0.0;
    if (equals == 0 || equals == std::string_view::npos || !read_number(part.substr(equals + 1), value)) return {};
    fields.emplace_back(part.substr(0, equals), value);
  }
  return SampleShape(std::move(fields));
}

bool positive(double value) { return value > 0.0 && value < 1e300; }

// The line's sample, or the column that is wrong.
struct ReadLine {
  Sample sample;
  std::string_view wrong;
};

ReadLine read_line(std::string_view line) {
  const std::vector<std::string_view> cells = split(line, ',');
  constexpr std::size_t kColumns = 10;
  if (cells.size() != kColumns) return {{}, "the number of columns"};
  ReadLine result;
  Sample& sample = result.sample;
  Measurement& time = sample.time;
  const std::optional<SampleShape> shape = read_shape(cells[2]);
  int settled = 0;
  if (!read_number(cells[0], sample.run) || sample.run < 1) return {{}, "run"};
  if (cells[1].empty()) return {{}, "family"};
  if (!shape) return {{}, "shape"};
  if (!read_number(cells[3], time.median) || !positive(time.median)) return {{}, "seconds"};
  if (!read_number(cells[4], time.low) || !positive(time.low) || time.low > time.median) return {{}, "low"};
  if (!read_number(cells[5], time.high) || !positive(time.high) || time.high < time.median) return {{}, "high"};
  if (!read_number(cells[6], time.spread) || time.spread < 0.0) return {{}, "spread"};
  if (!read_number(cells[7], time.trials) || time.trials < 1) return {{}, "trials"};
  if (!read_number(cells[8], time.discarded) || time.discarded < 0) return {{}, "discarded"};
  if (!read_number(cells[9], settled) || (settled != 0 && settled != 1)) return {{}, "settled"};
  sample.family = cells[1];
  sample.shape = *shape;
  time.settled = settled == 1;
  return result;
}

}  // namespace

double SampleShape::at(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const auto& each) { return each.first == name; });
  CHECK(found != fields_.end(), "a sample of {} has no {}", text(), name);
  return found->second;
}

bool SampleShape::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const auto& each) { return each.first == name; });
}

std::string SampleShape::text() const {
  std::string text;
  for (const auto& [name, value] : fields_) text += fmt::format("{}{}={}", text.empty() ? "" : ";", name, value);
  return text;
}

bool is_trusted(const Sample& sample) {
  const Measurement& time = sample.time;
  return time.settled || (time.spread <= kMostSpread && 2 * time.discarded <= time.trials);
}

std::string csv_line(const Sample& sample) {
  const Measurement& time = sample.time;
  return fmt::format("{},{},{},{:.9g},{:.9g},{:.9g},{:.4g},{},{},{}\n", sample.run, sample.family, sample.shape.text(),
                     time.median, time.low, time.high, time.spread, time.trials, time.discarded, time.settled ? 1 : 0);
}

namespace {

// Cuts a last line that an interruption left without its end.
void drop_partial_line(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream whole;
  whole << stream.rdbuf();
  const std::string text = whole.str();
  const std::size_t end = text.rfind('\n');
  const std::size_t complete = end == std::string::npos ? 0 : end + 1;
  if (complete != text.size()) std::filesystem::resize_file(file, complete);
}

}  // namespace

void append_samples(const std::filesystem::path& file, const std::vector<Sample>& samples) {
  if (std::filesystem::exists(file)) drop_partial_line(file);
  const bool fresh = !std::filesystem::exists(file) || std::filesystem::file_size(file) == 0;
  std::ofstream stream(file, std::ios::app);
  if (fresh) stream << kSamplesHeader << "\n";
  for (const Sample& sample : samples) stream << csv_line(sample);
  stream.flush();
  if (!stream) throw std::runtime_error(fmt::format("cannot write '{}'", file.string()));
}

std::optional<std::vector<Sample>> read_samples(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  std::ifstream stream(file);
  if (!stream) {
    errors.add({.file = file.string(), .expected = "a file of samples that can be read", .got = "none"});
    return std::nullopt;
  }
  std::stringstream whole;
  whole << stream.rdbuf();
  const std::string text = whole.str();
  std::vector<Sample> samples;
  int number = 0;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view line = std::string_view(text).substr(at, end - at);
    ++number;
    if (number == 1) {
      if (line == kSamplesHeader) continue;
      errors.add({file.string(), 1, 1, "", fmt::format("the header '{}'", kSamplesHeader), shortened(line)});
      return std::nullopt;
    }
    ReadLine read = read_line(line);
    if (read.wrong.empty()) {
      samples.push_back(std::move(read.sample));
    } else {
      errors.add({file.string(), number, 1, std::string(read.wrong), "a sample as the header says", shortened(line)});
    }
  }
  if (errors.size() != before) return std::nullopt;
  return samples;
}

}  // namespace outrider
