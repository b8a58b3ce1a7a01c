// A run as aligned tables for people: every workload's points, the claims, the caveats.
#pragma once

#include <string>

#include "sim/cli/table.h"
#include "sim/study/results.h"

namespace outrider {

// Scenario, model, machine, profile and its kind, seed, version.
std::string provenance_text(const RunReport& report, const TableLook& look);
// One line per caveat, wrapped to the look's width.
std::string caveats_text(const RunReport& report, const TableLook& look);

// The tables of the points, one per workload in the order of the rows, with headings.
std::string points_text(const RunReport& report, const TableLook& look);
// The claims beside the predictions; empty where the scenario makes none.
std::string claims_text(const RunReport& report, const TableLook& look);

// All of the above.
std::string report_text(const RunReport& report, const TableLook& look);

}  // namespace outrider
