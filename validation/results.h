// Whether what the kernels compute is right, for attention as the points of a scenario deal it out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/backend/result_check.h"
#include "sim/graph/task_graph.h"

namespace outrider {

// Of one sequence and layer, means over the last step: blocks attended, and of these by the CPU. Nothing where a step
// attends nothing, or by attention that no kernel here does.
std::optional<ResultShape> result_shape(std::span<const TaskGraph> steps, std::int64_t context);

struct CheckedResult {
  std::string label;         // of the first point with this shape
  std::int64_t context = 0;  // and its context
  ResultShape shape;         // within_limit()
  ResultCheck check;
};

struct ResultRequest {
  std::string label;
  std::int64_t context = 0;
  ResultShape shape;
};
// Equal shapes are checked once. Throws std::runtime_error where the driver refuses.
std::vector<CheckedResult> check_all_results(const std::vector<ResultRequest>& requests);

}  // namespace outrider
