// The columns of a point's row, which `run` and `sweep` share: what it is, its figures, and what each column means.
#pragma once

#include <string>
#include <vector>

#include "sim/cli/csv_columns.h"
#include "sim/study/results.h"

namespace outrider {

using PointColumns = std::vector<CsvColumn<PointResult>>;

// What the point is and whether it fits: filled by the plan already.
void add_identity(PointColumns& columns);
// What it took. Fields of a point that does not fit are empty.
void add_throughput(PointColumns& columns);
void add_times(PointColumns& columns);
void add_facts(PointColumns& columns);
void add_training(PointColumns& columns);
void add_ledger(PointColumns& columns);
void add_memory(PointColumns& columns);
void add_remarks(PointColumns& columns);

// "use_pcie_h2d" of "PCIe h2d".
std::string use_heading(const std::string& resource);

}  // namespace outrider
