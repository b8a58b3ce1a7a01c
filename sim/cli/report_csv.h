// A run's rows and claims as CSV: RFC 4180 quoting, LF line ends, exact decimals, provenance and caveats in every row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/study/results.h"

namespace outrider {

// `text` in quotes if it holds a comma, quote, CR or LF, or starts or ends with a blank; quotes are doubled.
std::string csv_field(std::string_view text);
std::string csv_line(const std::vector<std::string>& fields);  // with its line end

// One row per point. Fields of a point that does not fit are empty, as is ttft_s where prefill is not charged.
// After the fixed columns, one column "use of <resource>" per resource of the run: its share of capacity.
std::string results_csv(const RunReport& report);
// One row per claim; predicted and difference are empty where a claim is not available.
std::string claims_csv(const RunReport& report);

}  // namespace outrider
