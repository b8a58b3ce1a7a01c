// Shapes read off graphs, and their checks.
#include "validation/results.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/backend/work.h"

namespace outrider {
namespace {

bool attends(const Op& op) {
  return op.family == Family::attend_dense || op.family == Family::attend_sparse || op.family == Family::cpu_attend;
}

struct Attended {
  double gpu_ops = 0.0, cpu_ops = 0.0, gpu_tokens = 0.0, cpu_tokens = 0.0;
};

std::int64_t blocks_of(double tokens) { return std::llround(tokens / static_cast<double>(kPageTokens)); }

}  // namespace

std::optional<ResultShape> result_shape(std::span<const TaskGraph> steps, std::int64_t context) {
  if (steps.empty()) return std::nullopt;
  const AttentionShape* first = nullptr;
  Attended sum;
  for (const Op& op : steps.back().ops()) {
    const auto* shape = std::get_if<AttentionShape>(&op.shape);
    if (!attends(op) || shape == nullptr || !unsupported(op).empty()) continue;
    if (first == nullptr) first = shape;
    const bool on_cpu = op.family == Family::cpu_attend;
    const bool of_each = on_cpu && shape->kv_heads == shape->q_heads;  // query heads have tokens of their own
    const bool same_heads = shape->q_heads == first->q_heads && (of_each || shape->kv_heads == first->kv_heads) &&
                            shape->head_dim == first->head_dim && shape->sequences > 0;
    if (!same_heads) continue;
    (on_cpu ? sum.cpu_ops : sum.gpu_ops) += 1.0;
    (on_cpu ? sum.cpu_tokens : sum.gpu_tokens) += shape->tokens / static_cast<double>(shape->sequences);
  }
  if (first == nullptr) return std::nullopt;
  const double layers = std::max(sum.gpu_ops, sum.cpu_ops);
  ResultShape shape{.q_heads = first->q_heads, .kv_heads = first->kv_heads, .head_dim = first->head_dim};
  shape.blocks = std::max<std::int64_t>(context / kPageTokens, 1);
  shape.selected = std::clamp<std::int64_t>(blocks_of((sum.gpu_tokens + sum.cpu_tokens) / layers), 1, shape.blocks);
  if (sum.cpu_tokens <= 0.0) return shape;
  const double share = sum.cpu_tokens / (sum.gpu_tokens + sum.cpu_tokens);
  shape.offloaded =
      std::clamp<std::int64_t>(std::llround(share * static_cast<double>(shape.selected)), 1, shape.selected);
  return shape;
}

std::vector<CheckedResult> check_all_results(const std::vector<ResultRequest>& requests) {
  ThreadPool pool;
  std::set<ResultShape> known;
  std::vector<CheckedResult> results;
  for (const ResultRequest& request : requests) {
    const ResultShape shape = within_limit(request.shape);
    if (!known.insert(shape).second) continue;
    for (const ResultCheck& check : check_results(shape, pool))
      results.push_back({.label = request.label, .context = request.context, .shape = shape, .check = check});
  }
  return results;
}

}  // namespace outrider
