// The files that the gate compares with: golden predictions with their budgets of error, and steps that were measured.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/io/errors.h"
#include "validation/prediction.h"

namespace outrider {

// Of |predicted ÷ measured − 1| over the points that were measured.
struct ErrorFigures {
  double median = 0.0, p90 = 0.0, worst = 0.0;
};

struct Golden {
  std::vector<std::string> comments;  // the lines above the header, the budget's among them; kept when it is rewritten
  ErrorFigures budget;
  std::vector<Prediction> points;
};

// A line "# budget: median 6 %, P90 21 %, worst 22 %" and the columns label, workload, context, batch, tpot_s (empty:
// does not fit), order, families ("name=seconds;…"). Errors name file and line.
std::optional<Golden> read_golden(const std::filesystem::path& file, ConfigErrors& errors);
std::string golden_text(const Golden& golden);

// Comments and budget of a first golden file: today's errors, rounded up to half a percent.
Golden first_golden(const ErrorFigures& errors);

struct RecordedStep {
  PointKey point;
  double measured_s = 0.0;
  int line = 0;
  HostState host{};                     // that ran it, as far as the file states it
  std::optional<double> predicted_s{};  // for that host; none: as the machine's profile has it
};
// The rows of a steps.csv, as `outrider validate` writes it, that were executed, without a prediction. Errors name file
// and line.
std::optional<std::vector<RecordedStep>> read_recorded_steps(const std::filesystem::path& file, ConfigErrors& errors);

}  // namespace outrider
