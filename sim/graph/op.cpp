// Names and kinds of the primitive operations.
#include "sim/graph/op.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace outrider {
namespace {

struct FamilyRow {
  Family family;
  std::string_view name;
  OpKind kind;
};

constexpr std::array<FamilyRow, kFamilies> kFamilyTable = {{
    {Family::gemm, "gemm", OpKind::gpu_kernel},
    {Family::norm_rope, "norm_rope", OpKind::gpu_kernel},
    {Family::predict_q, "predict_q", OpKind::gpu_kernel},
    {Family::score_blocks, "score_blocks", OpKind::gpu_kernel},
    {Family::select_top_k, "select_top_k", OpKind::gpu_kernel},
    {Family::residency_diff, "residency_diff", OpKind::gpu_kernel},
    {Family::attend_dense, "attend_dense", OpKind::gpu_kernel},
    {Family::attend_sparse, "attend_sparse", OpKind::gpu_kernel},
    {Family::merge_lse, "merge_lse", OpKind::gpu_kernel},
    {Family::activation, "activation", OpKind::gpu_kernel},
    {Family::sample, "sample", OpKind::gpu_kernel},
    {Family::embed, "embed", OpKind::gpu_kernel},
    {Family::build_digest, "build_digest", OpKind::gpu_kernel},
    {Family::prefill_attend, "prefill_attend", OpKind::gpu_kernel},
    {Family::copy_h2d, "copy_h2d", OpKind::copy},
    {Family::copy_d2h, "copy_d2h", OpKind::copy},
    {Family::zero_copy_h2d, "zero_copy_h2d", OpKind::copy},
    {Family::cpu_attend, "cpu_attend", OpKind::cpu_kernel},
    {Family::cpu_gather, "cpu_gather", OpKind::cpu_kernel},
    {Family::launch_kernel, "launch_kernel", OpKind::host_step},
    {Family::launch_copy, "launch_copy", OpKind::host_step},
    {Family::launch_graph, "launch_graph", OpKind::host_step},
    {Family::synchronize, "synchronize", OpKind::host_step},
    {Family::dispatch_pool, "dispatch_pool", OpKind::host_step},
    {Family::schedule_step, "schedule_step", OpKind::host_step},
    {Family::barrier, "barrier", OpKind::barrier},
    {Family::reconstruct_k, "reconstruct_k", OpKind::gpu_kernel},
    {Family::compare_queries, "compare_queries", OpKind::gpu_kernel},
    {Family::estimate_attend, "estimate_attend", OpKind::gpu_kernel},
    {Family::cpu_lookup, "cpu_lookup", OpKind::cpu_kernel},
    {Family::gemm_dgrad, "gemm_dgrad", OpKind::gpu_kernel},
    {Family::gemm_wgrad, "gemm_wgrad", OpKind::gpu_kernel},
    {Family::attend_backward, "attend_backward", OpKind::gpu_kernel},
    {Family::quantise, "quantise", OpKind::gpu_kernel},
    {Family::loss, "loss", OpKind::gpu_kernel},
    {Family::adam, "adam", OpKind::gpu_kernel},
    {Family::cpu_adam, "cpu_adam", OpKind::cpu_kernel},
    {Family::cpu_hash_lookup, "cpu_hash_lookup", OpKind::cpu_kernel},
    {Family::attend_quantised, "attend_quantised", OpKind::gpu_kernel},
    {Family::quantise_kv, "quantise_kv", OpKind::gpu_kernel},
    {Family::look_up_keys, "look_up_keys", OpKind::gpu_kernel},
    {Family::update_lists, "update_lists", OpKind::gpu_kernel},
    {Family::map_features, "map_features", OpKind::gpu_kernel},
    {Family::summarise, "summarise", OpKind::gpu_kernel},
    {Family::complete, "complete", OpKind::gpu_kernel},
}};

constexpr bool rows_stand_at_their_family() {
  for (std::size_t i = 0; i < kFamilyTable.size(); ++i) {
    if (static_cast<std::size_t>(kFamilyTable[i].family) != i) return false;
  }
  return true;
}
static_assert(rows_stand_at_their_family());

constexpr std::array<std::string_view, kLanesPerDevice> kLaneNames = {
    "host thread", "compute stream", "side stream", "h2d stream", "d2h stream", "recall stream", "cpu queue", "none"};

}  // namespace

std::string_view to_string(Family family) { return kFamilyTable[static_cast<std::size_t>(family)].name; }
OpKind kind_of(Family family) { return kFamilyTable[static_cast<std::size_t>(family)].kind; }

double attended_pairs(const AttentionShape& shape) {
  const double sequences = static_cast<double>(std::max<std::int64_t>(shape.sequences, 1));
  const double queries = shape.tokens / sequences, keys = shape.longest, masked = std::min(queries, keys);
  return sequences * (queries * keys - (shape.causal ? 0.5 * masked * masked : 0.0));
}

std::string_view to_string(Lane lane) { return kLaneNames[static_cast<std::size_t>(lane)]; }

}  // namespace outrider
