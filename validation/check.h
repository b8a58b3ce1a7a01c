// The gate of calibrated models: predictions beside their golden values and beside what was measured.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "validation/golden.h"

namespace outrider {

enum class FindingKind {
  moved,       // a step time differs from its golden value by more than the tolerance
  operations,  // the step time does not, but the time of a family of operations does
  order,       // no time does, but the order of operations changed
  points,      // a point came, went, or now does (not) fit
  budget,      // the error against measured steps exceeds its budget
};
const char* to_string(FindingKind kind);

struct FamilyChange {
  std::string name;
  double was_s = 0.0, is_s = 0.0;  // 0: not there
};

struct Finding {
  FindingKind kind = FindingKind::moved;
  std::optional<PointKey> point;         // of a budget: the worst point, where one can be named
  std::string figure;                    // "tpot", "time of gemm", "worst error", …
  std::string was, is;                   // golden and now; of a budget: what is allowed, and what is
  std::vector<FamilyChange> families{};  // largest change first
};
// "scout, sparse, 8192 x 64: tpot 10.08 ms → 10.9 ms (+8.1 %); gemm 4.1 ms → 4.9 ms (+19.5 %), …"
std::string to_string(const Finding& finding);

// A point as one machine ran it, and as it is predicted with what that machine's DRAM gave.
struct Recording {
  double measured_s = 0.0, predicted_s = 0.0;
  double error() const { return predicted_s / measured_s - 1.0; }  // signed: positive is too slow a prediction
};

struct CheckedPoint {
  Prediction now;
  std::optional<Prediction> golden;
  std::vector<Recording> recordings;

  // The median of the recordings', nothing where there are none.
  std::optional<double> error() const;
  std::optional<double> change() const;
};

struct CheckedScenario {
  std::string name;
  ErrorFigures errors, budget;
  std::size_t measured = 0;  // points with an error
  std::vector<CheckedPoint> points;
  std::vector<Finding> findings;
  bool passes() const { return findings.empty(); }
};

// Over all recordings of all points; 0 where there are none.
ErrorFigures error_figures(const std::vector<CheckedPoint>& points);

struct CheckInput {
  std::string name;
  std::vector<Prediction> predictions;
  std::vector<RecordedStep> recorded;  // of all machines, each of a point that is predicted: see refuse_unknown_steps()
  std::optional<Golden> golden;        // none: nothing can have moved, and there is no budget
  double tolerance = 0.005;            // of step times and of families' times, relative
};
CheckedScenario check_predictions(const CheckInput& input);

// Recorded steps of points that are not predicted, as errors of their file.
void refuse_unknown_steps(const CheckInput& input, std::span<const RecordedStep> recorded, const std::string& file,
                          ConfigErrors& errors);

// The rows of `golden`, or of a first file, replaced by today's.
Golden updated_golden(const CheckedScenario& checked, const std::optional<Golden>& golden);

}  // namespace outrider
