// A sweep's rows: what of them is kept while it runs, and the CSV file and SQLite database at its end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/cli/report_csv.h"
#include "sim/study/sweep.h"
#include "sim/study/sweep_space.h"

namespace outrider {

// The parts of a row, as SweepTask asks for them.
std::string sweep_identity(const DesignPoint& point, const PlannedPoint& plan);
std::string sweep_figures(const PointResult& result);

struct SweepTables {
  const StudyFile& study;
  const SweepSpace& space;
  const SweepJournal& journal;  // of all points
  std::string version;          // of the program
};

// Both row by row, in the order of the design, and under their names only once they are whole. An axis of numbers or
// quantities is written as numbers in base units, any other as the study writes it. Throw std::runtime_error.
void write_sweep_csv(const SweepTables& tables, const std::filesystem::path& file);
// Tables `rows`, as the CSV file has them; `columns`, what each means; and `study`, one row about the whole.
void write_sweep_sqlite(const SweepTables& tables, const std::filesystem::path& file);

// The columns that every sweep has behind its axes; `outrider help results` prints them.
std::vector<CsvColumnInfo> sweep_columns();

}  // namespace outrider
