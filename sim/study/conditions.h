// A study's conditions, evaluated by muParser over the values of its axes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/io/study_file.h"

namespace outrider {

// An axis is known by its name, and by the last word of its path where no other axis ends in it; letters other than
// those of identifiers and dots are written as '_'. A quantity counts in bytes, seconds, FLOPs and their rates, a flag
// as 0 or 1, "8K" as 8192. Operators and functions are muParser's: + - * / ^, comparisons, && || ?:, min, max, log2, ….
class Conditions {
 public:
  // Nothing where one cannot be read, or uses an axis whose value is no number; the reason is among the errors.
  static std::optional<Conditions> of(const StudyFile& study, const std::vector<std::string>& first_values,
                                      ConfigErrors& errors);
  ~Conditions();
  Conditions(Conditions&&) noexcept;
  Conditions& operator=(Conditions&&) = delete;

  // Whether all hold, of values in the order of the study's axes; nothing where one cannot be told.
  std::optional<bool> hold(const std::vector<std::string>& values, ConfigErrors& errors);

 private:
  struct State;
  explicit Conditions(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace outrider
