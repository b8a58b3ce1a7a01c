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

// One row per point. Fields of a point that does not fit are empty but for what it is and why, as is ttft_s where
// prefill is not charged. After the fixed columns, one column "use_<resource>" per resource of the run: its share of
// capacity, the mean over the GPUs of what each has of its own.
std::string results_csv(const RunReport& report);
// One row per claim; predicted and the differences are empty where a claim is not available.
std::string claims_csv(const RunReport& report);

// The columns that every run has, in order; `outrider help results` prints them.
struct CsvColumnInfo {
  std::string heading, meaning;
};
std::vector<CsvColumnInfo> results_columns();
std::vector<CsvColumnInfo> claims_columns();

}  // namespace outrider
