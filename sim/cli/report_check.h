// What `check` found, as a table, JSON, JUnit XML and text for a commit message.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sim/cli/table.h"
#include "validation/check.h"

namespace outrider {

using CheckedScenarios = std::vector<CheckedScenario>;

// One row a scenario, then every finding.
std::string check_text(const CheckedScenarios& checked, const TableLook& look);

// schema_version, passes, scenarios[]: name, passes, points[], errors and budget (median, p90, worst), findings[].
nlohmann::ordered_json check_json(const CheckedScenarios& checked);

// A test suite for each scenario: a test case for each point and for each figure of its budget.
std::string check_junit(const CheckedScenarios& checked);

// What rewritten golden files changed, ready for a commit message; budget findings are left out.
std::string moved_text(const CheckedScenarios& checked);

}  // namespace outrider
