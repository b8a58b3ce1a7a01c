// Writing and strict reading of samples.csv.
#include "calibration/samples/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <tuple>

#include "calibration/samples/families.h"
#include "sim/base/check.h"
#include "sim/io/csv_table.h"

namespace outrider {
namespace {

std::optional<SampleShape> read_shape(std::string_view text) {
  std::vector<std::pair<std::string, double>> fields;
  for (const std::string& part : split_cells(text, ';')) {
    const std::size_t equals = part.find('=');
    double value = 0.0;
    if (equals == 0 || equals == std::string_view::npos || !read_cell(std::string_view(part).substr(equals + 1), value))
      return {};
    fields.emplace_back(part.substr(0, equals), value);
  }
  return SampleShape(std::move(fields));
}

// The family's numbers and no others, in its order: one shape is then one text.
std::optional<SampleShape> in_order_of(const FamilyInfo& family, const SampleShape& given) {
  std::vector<std::pair<std::string, double>> fields;
  for (const std::string& name : split_cells(family.shape, ' ')) {
    if (!given.has(name)) return std::nullopt;
    fields.emplace_back(name, given.at(name));
  }
  const auto possible = [](const auto& field) {
    const auto& [name, value] = field;
    const bool one_of_few = name == "scattered" || name == "branches";
    return one_of_few ? value == 0.0 || value == 1.0 || value == 2.0 : value > 0.0 && value < 1e300;
  };
  if (fields.size() != given.fields().size() || !std::all_of(fields.begin(), fields.end(), possible)) return {};
  return SampleShape(std::move(fields));
}

bool positive(double value) { return value > 0.0 && value < 1e300; }

// The line's sample, or the column that is wrong and what it should be, where that is more than a number.
struct ReadLine {
  Sample sample;
  std::string_view wrong;
  std::string expected = "a sample as the header says";
};

// Family and shape.
ReadLine read_what(std::string_view family, std::string_view shape, const std::vector<FamilyInfo>& known) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.name == family; });
  if (found == known.end()) return {{}, "family", "a family as in 'outrider calibrate --list'"};
  const std::optional<SampleShape> read = read_shape(shape);
  const std::optional<SampleShape> ordered = read ? in_order_of(*found, *read) : std::nullopt;
  if (!ordered)
    return {{}, "shape", fmt::format("{}, each once: a number", fmt::join(split_cells(found->shape, ' '), ", "))};
  return {{.run = 1, .family = found->name, .shape = *ordered, .time = {}}, {}, {}};
}

ReadLine read_line(std::string_view line, const std::vector<FamilyInfo>& known) {
  const std::vector<std::string> cells = split_cells(line, ',');
  constexpr std::size_t kColumns = 10;
  if (cells.size() != kColumns) return {{}, "the number of columns"};
  ReadLine result = read_what(cells[1], cells[2], known);
  Sample& sample = result.sample;
  Measurement& time = sample.time;
  int settled = 0;
  if (!read_cell(cells[0], sample.run) || sample.run < 1) return {{}, "run"};
  if (!result.wrong.empty()) return result;
  if (!read_cell(cells[3], time.median) || !positive(time.median)) return {{}, "seconds"};
  if (!read_cell(cells[4], time.low) || !positive(time.low) || time.low > time.median) return {{}, "low"};
  if (!read_cell(cells[5], time.high) || !positive(time.high) || time.high < time.median) return {{}, "high"};
  if (!read_cell(cells[6], time.spread) || time.spread < 0.0) return {{}, "spread"};
  if (!read_cell(cells[7], time.trials) || time.trials < 1) return {{}, "trials"};
  if (!read_cell(cells[8], time.discarded) || time.discarded < 0) return {{}, "discarded"};
  if (!read_cell(cells[9], settled) || (settled != 0 && settled != 1)) return {{}, "settled"};
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

// How much of the file's text is whole lines: an interruption may leave the last without its end.
std::size_t whole_lines(const std::string& text) {
  const std::size_t end = text.rfind('\n');
  return end == std::string::npos ? 0 : end + 1;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void drop_partial_line(const std::filesystem::path& file) {
  const std::string text = text_of(file);
  if (whole_lines(text) != text.size()) std::filesystem::resize_file(file, whole_lines(text));
}

}  // namespace

std::string partial_line(const std::filesystem::path& file) {
  const std::string text = text_of(file);
  return text.substr(whole_lines(text));
}

void append_samples(const std::filesystem::path& file, const std::vector<Sample>& samples) {
  if (std::filesystem::exists(file)) drop_partial_line(file);
  const bool fresh = !std::filesystem::exists(file) || std::filesystem::file_size(file) == 0;
  std::ofstream stream(file, std::ios::app);
  if (fresh) stream << kSamplesHeader << "\n";
  for (const Sample& sample : samples) stream << csv_line(sample);
  stream.flush();
  if (!stream) throw std::runtime_error(fmt::format("cannot write '{}': {}", file.string(), std::strerror(errno)));
}

namespace {

// Lines of samples.csv, one after the other.
class SampleLines {
 public:
  SampleLines(std::string file, ConfigErrors& errors) : file_(std::move(file)), errors_(errors) {}

  void read(int number, std::string_view line) {
    ReadLine read = read_line(line, known_);
    if (!read.wrong.empty()) {
      errors_.add({file_, number, 1, std::string(read.wrong), read.expected, shortened(line)});
      return;
    }
    const Sample& sample = read.sample;
    const auto [first, is_new] = lines_.try_emplace({sample.run, sample.family, sample.shape.text()}, number);
    if (is_new) {
      samples.push_back(std::move(read.sample));
    } else {
      errors_.add({file_, number, 1, "", "one sample of a run, family and shape",
                   fmt::format("that of line {} again", first->second)});
    }
  }

  std::vector<Sample> samples;

 private:
  std::string file_;
  ConfigErrors& errors_;
  const std::vector<FamilyInfo> known_ = families();
  std::map<std::tuple<int, std::string, std::string>, int> lines_;
};

}  // namespace

std::optional<std::vector<Sample>> read_samples(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  if (!std::ifstream(file)) {
    errors.add({.file = file.string(), .expected = "a file of samples that can be read", .got = "none"});
    return std::nullopt;
  }
  const std::string text = text_of(file);
  SampleLines lines(file.string(), errors);
  int number = 0;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (++number > 1) {
      lines.read(number, line);
    } else if (line != kSamplesHeader) {
      errors.add({file.string(), 1, 1, "", fmt::format("the header '{}'", kSamplesHeader), shortened(line)});
      return std::nullopt;
    }
  }
  if (errors.size() != before) return std::nullopt;
  return std::move(lines.samples);
}

}  // namespace outrider
