// What microbenchmarks measured: one line of samples.csv each.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/samples/measurement.h"
#include "sim/io/errors.h"

namespace outrider {

// Named numbers that say what was measured: threads, bytes, rows, fragment, count, … in base units.
class SampleShape {
 public:
  SampleShape() = default;
  SampleShape(std::initializer_list<std::pair<std::string, double>> fields) : fields_(fields) {}
  explicit SampleShape(std::vector<std::pair<std::string, double>> fields) : fields_(std::move(fields)) {}
  double at(std::string_view name) const;  // CHECKs that it is there
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, double>>& fields() const { return fields_; }
  std::string text() const;  // "threads=2;bytes=1e+09"
  bool operator==(const SampleShape&) const = default;

 private:
  std::vector<std::pair<std::string, double>> fields_;
};

struct Sample {
  int run = 1;  // runs are on machines of one kind, at different times
  std::string family;
  SampleShape shape;
  Measurement time;  // seconds of the whole shape
};

// Samples that did not settle are not relied on if they spread by more than this, or most of their trials were
// disturbed, so that their figures are of disturbed ones.
inline constexpr double kMostSpread = 0.3;
bool is_trusted(const Sample& sample);

inline constexpr std::string_view kSamplesHeader = "run,family,shape,seconds,low,high,spread,trials,discarded,settled";
std::string csv_line(const Sample& sample);  // with its line end

// Appends lines as they come, so that an interrupted run keeps what it measured; the header where the file is new.
// Throws std::runtime_error where that fails.
void append_samples(const std::filesystem::path& file, const std::vector<Sample>& samples);
// Strict: each malformed line is an error with its place, as is one of a family that is not known, of another shape
// than its family's, or a second one of a run, family and shape. A last line without its end, as an interruption leaves
// it, is passed over.
std::optional<std::vector<Sample>> read_samples(const std::filesystem::path& file, ConfigErrors& errors);
// That last line; empty where there is none.
std::string partial_line(const std::filesystem::path& file);

}  // namespace outrider
