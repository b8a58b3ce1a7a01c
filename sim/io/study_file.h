// Study files: a scenario, and what is varied in it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/io/errors.h"
#include "sim/io/scenario_reader.h"

namespace outrider {

// What is varied. Its name is the dotted path that its values go to, or, of named levels, any name.
struct StudyAxis {
  std::string name;
  int line = 0;
  // By level: what it sets. Empty where the axis has plain values.
  std::map<std::string, std::vector<ScenarioOverride>> levels{};
};

// Axes that vary together: `rows` × axes cells, row by row, each a value in YAML's flow syntax or the name of a level.
struct StudyBlock {
  std::vector<StudyAxis> axes;
  std::vector<std::string> cells;
  std::size_t rows() const { return cells.size() / axes.size(); }
};

// A comparison over the axes' values that every design point must fulfil.
struct StudyCondition {
  std::string text;
  int line = 0, column = 0;
};

// The design is every combination of the blocks' rows, the last block's changing fastest, that fulfils the conditions.
struct StudyFile {
  std::string name, description;
  std::filesystem::path file;
  std::string scenario;                    // a path that exists, or a shipped name
  std::vector<ScenarioOverride> settings;  // of every point
  std::vector<StudyBlock> blocks;          // each axis of a grid is a block of its own
  std::vector<StudyCondition> conditions;
};

inline constexpr std::int64_t kMostSamples = 1'000'000;

// Keys: name, description, scenario, set {path: value}, and any of these, of which it has one at least:
//   grid             {path: values}: every combination
//   zip              {path: values}: lists of equal lengths, taken side by side
//   list             [{path: value}]: these points
//   random           {points, seed, over: {path: range}}: independent and uniform
//   latin_hypercube  likewise, one point in each of as many equal parts of every range
//   where            conditions such as "cores <= 16 * channels" over axes' names or the last words of their paths
// Values are a list, "8..128 step 8" with units if any ("16 GB/s..64 GB/s step 16 GB/s"), or named levels {name: {path:
// value}}. A range to sample from is "8..128", of whole numbers where both ends are whole and without unit, or
// "1 GB/s..64 GB/s log" for equal chances by ratio. Paths to files start at the study's folder. What is sampled depends
// on the seed, which each block names (1 where it does not), and on the path only.
std::optional<StudyFile> read_study(const std::filesystem::path& file, ConfigErrors& errors);

// What to set for row `row` of a block, in the order of its axes.
std::vector<ScenarioOverride> settings_of(const StudyFile& study, const StudyBlock& block, std::size_t row);

}  // namespace outrider
