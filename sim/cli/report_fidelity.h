// What `fidelity` found, as text and CSV. All of it is of synthetic heads, and says so.
#pragma once

#include <string>
#include <vector>

#include "fidelity/speed.h"
#include "fidelity/study.h"
#include "sim/cli/report_csv.h"
#include "sim/cli/table.h"

namespace outrider {

// What the heads show, then error and mass by method, budget and head class.
std::string fidelity_text(const FidelityReport& report, const TableLook& look);
// Tokens per second beside errors by head class.
std::string speed_text(const std::vector<SpeedRow>& rows, const FidelityReport& report, const TableLook& look);

std::string fidelity_csv(const FidelityReport& report);
std::string heads_csv(const FidelityReport& report);
std::string speed_csv(const std::vector<SpeedRow>& rows, const FidelityReport& report);
std::vector<CsvColumnInfo> fidelity_columns();
std::vector<CsvColumnInfo> heads_columns();
std::vector<CsvColumnInfo> speed_columns();

}  // namespace outrider
