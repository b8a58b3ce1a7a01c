// The cheapest number of splits, by what rounds and merging cost.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/split_plan.h"

namespace outrider {
namespace {

// So many slots at once take `crowded` times as long as one, fewer the 4-norm of both limits.
double cost_of(int splits, int pairs, int tiles, int slots, const SplitCosts& costs) {
  const auto round = [&](double share_of_slots) {
    const double crowded = costs.crowded * share_of_slots;
    return std::sqrt(std::sqrt(1.0 + crowded * crowded * crowded * crowded));
  };
  const int per_split = (tiles + splits - 1) / splits;
  const double rounds = (per_split + kSplitWarps - 1) / kSplitWarps;
  const double waves = static_cast<double>(pairs) * splits / slots, last = waves - std::floor(waves);
  const double all = std::floor(waves) * costs.crowded + (last > 0.0 ? round(last) : 0.0);
  return rounds * all + (splits > 1 ? costs.merge + costs.merge_split * splits : 0.0);
}

int choose_splits(int pairs, int tiles, int slots, const SplitCosts& costs) {
  const int most = std::clamp(tiles / kSplitWarps, 1, kMostSplits);  // each of at least a tile a warp
  double least = cost_of(1, pairs, tiles, slots, costs);
  for (int splits = 2; splits <= most; ++splits) least = std::min(least, cost_of(splits, pairs, tiles, slots, costs));
  int splits = 1;
  while (cost_of(splits, pairs, tiles, slots, costs) > 1.05 * least) ++splits;
  return splits;
}

}  // namespace

cudaError_t plan_splits(const void* kernel, std::size_t shared_bytes, int pairs, int tiles, const SplitCosts& costs,
                        SplitPlan& plan) {
  int device = 0, sms = 0, per_sm = 0;
  if (const cudaError_t e = cudaGetDevice(&device); e != cudaSuccess) return e;
  if (const cudaError_t e = cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device); e != cudaSuccess)
    return e;
  if (const cudaError_t e =
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
      e != cudaSuccess)
    return e;
  if (const cudaError_t e =
          cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, kernel, 32 * kSplitWarps, shared_bytes);
      e != cudaSuccess)
    return e;
  if (per_sm < 1) return cudaErrorInvalidConfiguration;
  const int planned = choose_splits(pairs, tiles, sms * per_sm, costs);
  plan.tiles_per_split = std::max((tiles + planned - 1) / planned, 1);
  plan.splits = std::max((tiles + plan.tiles_per_split - 1) / plan.tiles_per_split, 1);
  return cudaSuccess;
}

}  // namespace outrider
