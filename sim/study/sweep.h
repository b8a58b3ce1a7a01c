// Simulates the design points of a study on all cores: finished ones go to a journal at once, and what was simulated
// before, by whichever study, is taken from a cache.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sim/study/point_cache.h"
#include "sim/study/point_key.h"
#include "sim/study/sweep_journal.h"

namespace outrider {

// A design point: a scenario with all of its points, each of which makes a row.
struct DesignPoint {
  Scenario scenario;
  Profile profile;
  Digest profile_digest{};  // of its file
};
using DesignErrors = std::vector<std::string>;
using DesignReader = std::function<std::variant<DesignPoint, DesignErrors>(std::size_t index)>;

// Every `of`-th design point from the `number`-th on, counted from 1: what one of several programs does of a study.
struct Shard {
  std::size_t number = 1, of = 1;

  bool has(std::size_t point) const { return point % of + 1 == number; }
  std::size_t size(std::size_t points) const { return points / of + (number <= points % of ? 1 : 0); }
};

struct SweepTask {
  std::size_t points = 0;  // of the design
  Shard shard{};
  std::string program;  // which figures are from, as point_key takes it
  int threads = 0;      // 0: all cores; neither journal records nor figures depend on it
  // One for each thread, which alone calls it.
  std::function<DesignReader()> make_reader;
  // What the journal has of a row: what the point is, and its figures, which are the cache's too. On one line, without
  // control characters other than kFieldEnd.
  std::function<std::string(const DesignPoint&, const PlannedPoint&)> identity;
  std::function<std::string(const PointResult&)> figures;
  // After each design point, from one thread at a time; may be empty.
  std::function<void(std::size_t done, std::size_t all)> progress{};
};

inline constexpr char kFieldEnd = '\x1f';  // between the fields of a row
inline constexpr char kRowEnd = '\x1e';    // between the rows of a record: identity, kFieldEnd, figures

struct SweepCounts {
  std::size_t resumed = 0;    // design points that the journal had
  std::size_t cached = 0;     // rows whose figures were known, from the cache or from another row
  std::size_t simulated = 0;  // rows
};

// Does what the journal lacks. Where a design point cannot be read, the errors of the first such one, once what ran
// has ended; what was finished is in the journal. Throws what journal and known figures throw.
std::variant<SweepCounts, DesignErrors> run_sweep(const SweepTask& task, SweepJournal& journal, KnownFigures& known);

}  // namespace outrider
