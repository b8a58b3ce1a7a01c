// Speed against fidelity: a scenario's predicted tokens per second beside what the same methods, with the same
// parameters and budgets, lose on synthetic heads of the same context.
#pragma once

#include <optional>
#include <vector>

#include "fidelity/study.h"
#include "sim/study/results.h"

namespace outrider {

// The tokens that a method of sim/methods attends or reads in their place, by its parameters: budget_tokens,
// budget_share, top_pages, what it always attends, and what it estimates. Nothing where its parameters tell no budget.
std::optional<TokenBudget> budget_of(const MethodRequest& method);

// The study with the scenario's locality, decoding contexts and those of its methods that approximations stand for,
// each with the scenario's parameters where names agree, and its budget.
FidelityStudy study_of_scenario(const FidelityStudy& study, const Scenario& scenario);

// A decoding point and its figures by head class, in the order of the report; none where the method has no
// approximation or the point does not fit.
struct SpeedRow {
  PointResult point;
  std::vector<FidelityRow> fidelity;
};
std::vector<SpeedRow> join_speed(const RunReport& speed, const FidelityReport& fidelity);

}  // namespace outrider
