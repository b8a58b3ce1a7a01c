// Mixed-radix numbering of combinations.
#include "sim/study/sweep_space.h"

#include <fmt/format.h>

#include "sim/study/conditions.h"

namespace outrider {
namespace {

std::optional<std::uint64_t> product_of(const std::vector<StudyBlock>& blocks) {
  std::uint64_t product = 1;
  for (const StudyBlock& block : blocks) {
    product *= block.rows();
    if (product > kMostCombinations) return std::nullopt;
  }
  return product;
}

}  // namespace

std::optional<SweepSpace> SweepSpace::of(const StudyFile& study, ConfigErrors& errors) {
  SweepSpace space(study);
  const std::optional<std::uint64_t> combinations = product_of(study.blocks);
  if (!combinations) {
    errors.add({.file = study.file.string(),
                .expected = fmt::format("at most {} combinations", kMostCombinations),
                .got = "more"});
    return std::nullopt;
  }
  space.combinations_ = *combinations;
  if (study.conditions.empty()) return space;
  std::optional<Conditions> conditions = Conditions::of(study, space.values_of(0), errors);
  if (!conditions) return std::nullopt;
  std::vector<std::uint32_t> chosen;
  for (std::uint64_t i = 0; i < *combinations; ++i) {
    const std::optional<bool> holds = conditions->hold(space.values_of(i), errors);
    if (!holds) return std::nullopt;
    if (*holds) chosen.push_back(static_cast<std::uint32_t>(i));
  }
  if (chosen.empty()) {
    errors.add({.file = study.file.string(),
                .line = study.conditions.front().line,
                .path = "where",
                .expected = "conditions that some point fulfils",
                .got = "none that does"});
    return std::nullopt;
  }
  space.chosen_ = std::move(chosen);
  return space;
}

std::vector<std::string> SweepSpace::axes() const {
  std::vector<std::string> names;
  for (const StudyBlock& block : study_->blocks) {
    for (const StudyAxis& axis : block.axes) names.push_back(axis.name);
  }
  return names;
}

std::vector<std::size_t> SweepSpace::rows(std::uint64_t combination) const {
  std::vector<std::size_t> rows(study_->blocks.size());
  for (std::size_t block = rows.size(); block-- > 0;) {
    const std::size_t radix = study_->blocks[block].rows();
    rows[block] = static_cast<std::size_t>(combination % radix);
    combination /= radix;
  }
  return rows;
}

std::vector<std::string> SweepSpace::values_of(std::uint64_t combination) const {
  const std::vector<std::size_t> row = rows(combination);
  std::vector<std::string> values;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const StudyBlock& block = study_->blocks[i];
    const auto first = block.cells.begin() + static_cast<std::ptrdiff_t>(row[i] * block.axes.size());
    values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(block.axes.size()));
  }
  return values;
}

std::vector<std::string> SweepSpace::values(std::size_t index) const {
  return values_of(chosen_ ? (*chosen_)[index] : index);
}

std::vector<ScenarioOverride> SweepSpace::settings(std::size_t index) const {
  const std::vector<std::size_t> row = rows(chosen_ ? (*chosen_)[index] : index);
  std::vector<ScenarioOverride> settings = study_->settings;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::vector<ScenarioOverride> more = settings_of(*study_, study_->blocks[i], row[i]);
    settings.insert(settings.end(), more.begin(), more.end());
  }
  return settings;
}

std::vector<std::size_t> SweepSpace::representatives() const {
  constexpr std::size_t kMostRows = 256;
  std::vector<std::vector<bool>> wanted;
  for (const StudyBlock& block : study_->blocks) {
    std::vector<bool>& rows = wanted.emplace_back(block.rows(), false);
    const std::size_t stride = (rows.size() + kMostRows - 1) / kMostRows;
    for (std::size_t row = 0; row < rows.size(); row += stride) rows[row] = true;
  }
  std::vector<std::size_t> points;
  for (std::size_t i = 0; i < size(); ++i) {
    const std::vector<std::size_t> row = rows(chosen_ ? (*chosen_)[i] : i);
    bool any = false;
    for (std::size_t block = 0; block < row.size(); ++block) {
      any = any || wanted[block][row[block]];
      wanted[block][row[block]] = false;
    }
    if (any) points.push_back(i);
  }
  return points;
}

}  // namespace outrider
