// Trials of the kernels that find and merge blocks: digests, selection, residency, partial results.
#include <algorithm>
#include <vector>

#include "kernels/cuda/digest.h"
#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/merge.h"
#include "kernels/cuda/prepared.h"
#include "kernels/cuda/residency.h"
#include "kernels/cuda/topk.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::int32_t kDim = 128, kBlockTokens = 32;

std::vector<std::int32_t> counted(std::size_t count, std::int32_t first = 0) {
  std::vector<std::int32_t> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = first + static_cast<std::int32_t>(i);
  return numbers;
}

std::vector<float> random_scores(std::size_t count) {
  RandomStream random(3);
  std::vector<float> scores(count);
  for (float& each : scores) each = static_cast<float>(random.normal());
  return scores;
}

// `selected` ascending ids of each row, of which every eighth is not resident, others where slots allow it.
void fill_residency(Prepared& kernels, Residency& at) {
  const auto rows = static_cast<std::size_t>(at.rows), slots = static_cast<std::size_t>(at.slots);
  const auto selected = static_cast<std::size_t>(at.selected_stride);
  std::vector<std::int32_t> wanted(rows * selected), resident(rows * slots, kNoBlock);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < selected; ++i) {
      wanted[row * selected + i] = static_cast<std::int32_t>(3 * i);
      if (i % 8 != 0 && i < slots) resident[row * slots + (i * 7 + row) % slots] = static_cast<std::int32_t>(3 * i);
    }
  }
  at.selected = kernels.copy_of(wanted);
  at.selected_counts = kernels.copy_of(std::vector<std::int32_t>(rows, static_cast<std::int32_t>(selected)));
  at.blocks = kernels.copy_of(resident);
  at.slots_of = kernels.room<std::int32_t>(rows * selected);
  at.hits = kernels.room<std::int32_t>(rows * selected);
  at.hit_counts = kernels.room<std::int32_t>(rows);
  at.misses = kernels.room<std::int32_t>(rows * selected);
  at.miss_counts = kernels.room<std::int32_t>(rows);
  at.evictable = kernels.room<std::int32_t>(rows * slots);
  at.evictable_counts = kernels.room<std::int32_t>(rows);
}

}  // namespace

DeviceTrialPtr digest_score_trial(const DigestTrial& shape) {
  Prepared kernels;
  const auto sequences = static_cast<std::size_t>(shape.sequences), blocks = static_cast<std::size_t>(shape.blocks);
  const std::size_t heads = static_cast<std::size_t>(shape.kv_heads), one = sequences * blocks;
  const std::size_t bytes = one * heads * 2 * kDim * 2;
  kernels.sets = sets_beyond_l2(bytes);
  DigestScore score;
  score.queries = kernels.random(sequences * heads * static_cast<std::size_t>(shape.group) * kDim);
  score.digests = kernels.random(kernels.sets * one * heads * 2 * kDim);
  score.block_stride = shape.blocks;
  score.counts = kernels.copy_of(std::vector<std::int32_t>(sequences, shape.blocks));
  score.most_blocks = shape.blocks;
  score.sequences = shape.sequences;
  score.kv_heads = shape.kv_heads;
  score.group = shape.group;
  score.scores = kernels.room<float>(sequences * heads * blocks);
  score.score_stride = shape.blocks;
  const std::int32_t* const all = kernels.copy_of(counted(kernels.sets * one));
  kernels.launch = [=](std::size_t set, cudaStream_t stream) {
    DigestScore of_set = score;
    of_set.blocks = all + set * one;
    return launch_digest_score(of_set, stream);
  };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr digest_build_trial(std::int32_t count, std::int32_t kv_heads) {
  Prepared kernels;
  const std::size_t blocks = static_cast<std::size_t>(count), heads = static_cast<std::size_t>(kv_heads);
  const std::size_t keys = blocks * heads * 2 * kBlockTokens * kDim;
  kernels.sets = sets_beyond_l2(keys);  // K, which is half of it
  DigestBuild build;
  build.keys = kernels.random(kernels.sets * keys);
  build.key_stride = 2 * kBlockTokens * kDim;
  build.count = count;
  build.block_tokens = kBlockTokens;
  build.kv_heads = kv_heads;
  build.digests = kernels.room<__nv_bfloat16>(kernels.sets * blocks * heads * 2 * kDim);
  const std::int32_t* const all = kernels.copy_of(counted(kernels.sets * blocks));
  kernels.launch = [=](std::size_t set, cudaStream_t stream) {
    DigestBuild of_set = build;
    of_set.blocks = all + set * blocks;
    return launch_digest_build(of_set, stream);
  };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr top_k_trial(std::int32_t rows, std::int32_t scores, std::int32_t k) {
  Prepared kernels;
  const auto count = static_cast<std::size_t>(rows);
  TopK top;
  top.scores = kernels.copy_of(random_scores(count * static_cast<std::size_t>(scores)));
  top.score_stride = scores;
  top.counts = kernels.copy_of(std::vector<std::int32_t>(count, scores));
  top.rows = rows;
  top.k = k;
  top.selected = kernels.room<std::int32_t>(count * static_cast<std::size_t>(k));
  top.selected_stride = k;
  kernels.launch = [=](std::size_t, cudaStream_t stream) { return launch_top_k(top, stream); };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr residency_trial(std::int32_t rows, std::int32_t selected, std::int32_t slots) {
  Prepared kernels;
  Residency residency;
  residency.rows = rows;
  residency.slots = slots;
  residency.selected_stride = selected;
  fill_residency(kernels, residency);
  kernels.launch = [=](std::size_t, cudaStream_t stream) { return launch_residency_diff(residency, stream); };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr merge_trial(std::int32_t rows) {
  Prepared kernels;
  const auto count = static_cast<std::size_t>(rows);
  MergePartials<float> merge;
  merge.first = kernels.random(count * kDim);
  merge.first_lse = kernels.copy_of(random_scores(count));
  merge.second = kernels.copy_of(random_scores(count * kDim));
  merge.second_lse = kernels.copy_of(random_scores(count));
  merge.rows = rows;
  merge.output = kernels.room<__nv_bfloat16>(count * kDim);
  kernels.launch = [=](std::size_t, cudaStream_t stream) { return launch_merge(merge, stream); };
  return prepared_trial(std::move(kernels));
}

}  // namespace outrider
