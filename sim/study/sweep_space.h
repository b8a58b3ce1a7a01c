// The design points of a study: combinations of its axes' values that fulfil its conditions, made one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/io/study_file.h"

namespace outrider {

class SweepSpace {
 public:
  // Nothing where a condition cannot be evaluated or no point fulfils all, with the reason among the errors. The study
  // must outlive this.
  static std::optional<SweepSpace> of(const StudyFile& study, ConfigErrors& errors);

  std::size_t size() const { return chosen_ ? chosen_->size() : static_cast<std::size_t>(combinations_); }
  std::vector<std::string> axes() const;  // names, in the order of the file
  // Of design point `index` < size(): each axis's value as the study writes it, and what to set in the scenario, the
  // study's common settings first.
  std::vector<std::string> values(std::size_t index) const;
  std::vector<ScenarioOverride> settings(std::size_t index) const;
  // Points that together hold every row of every block that some point holds; of blocks with many rows, some hundred
  // of them. What is wrong with a value is found by reading these.
  std::vector<std::size_t> representatives() const;

 private:
  explicit SweepSpace(const StudyFile& study) : study_(&study) {}
  std::vector<std::size_t> rows(std::uint64_t combination) const;  // by block
  std::vector<std::string> values_of(std::uint64_t combination) const;

  const StudyFile* study_;
  std::uint64_t combinations_ = 1;
  std::optional<std::vector<std::uint32_t>> chosen_{};  // combinations that fulfil the conditions; none: all do
};

inline constexpr std::uint64_t kMostCombinations = 100'000'000;

}  // namespace outrider
