// Trials of the kernels that compress KV, look keys up, complete attention or step an optimiser.
#include <algorithm>
#include <vector>

#include "kernels/cuda/adam.h"
#include "kernels/cuda/feature_map.h"
#include "kernels/cuda/kv_quant.h"
#include "kernels/cuda/lut.h"
#include "kernels/cuda/prepared.h"
#include "kernels/cuda/quantised_attention.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::int32_t kDim = 128, kPageTokens = 32, kChannels = 64;

// Rows of codes and scales; `scale` keeps dequantised values small.
QuantisedRows quantised_room(Prepared& kernels, std::size_t rows, std::int32_t bits) {
  QuantisedRows to;
  to.codes = kernels.room<std::uint8_t>(rows * kDim * static_cast<std::size_t>(bits) / 8);
  to.scales = kernels.room<__nv_bfloat162>(rows * kDim / kChannels);
  to.head_dim = kDim;
  to.channels = kChannels;
  to.bits = bits;
  return to;
}

QuantisedRows shifted(QuantisedRows rows, std::size_t first) {
  rows.codes += first * kDim * static_cast<std::size_t>(rows.bits) / 8;
  rows.scales += first * kDim / kChannels;
  return rows;
}

}  // namespace

DeviceTrialPtr quantise_trial(std::int64_t rows, std::int32_t bits, bool back) {
  Prepared kernels;
  const auto count = static_cast<std::size_t>(rows);
  kernels.sets = sets_beyond_l2(count * kDim * 2);
  __nv_bfloat16* const values = kernels.random(kernels.sets * count * kDim);
  const QuantisedRows codes = quantised_room(kernels, kernels.sets * count, bits);
  check_cuda(launch_quantise(values, static_cast<std::int64_t>(kernels.sets) * rows, codes, nullptr));
  check_cuda(cudaDeviceSynchronize());
  kernels.launch = [=](std::size_t set, cudaStream_t stream) {
    __nv_bfloat16* const of_set = values + set * count * kDim;
    return back ? launch_dequantise(shifted(codes, set * count), rows, of_set, stream)
                : launch_quantise(of_set, rows, shifted(codes, set * count), stream);
  };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr quantised_attention_trial(const AttentionTrial& shape, std::int32_t bits) {
  Prepared kernels;
  const auto sequences = static_cast<std::size_t>(shape.sequences), heads = static_cast<std::size_t>(shape.kv_heads);
  const std::size_t pages_each = static_cast<std::size_t>(shape.tokens / kPageTokens), pages = sequences * pages_each;
  const std::size_t rows = pages * heads * 2 * kPageTokens, group = static_cast<std::size_t>(shape.group);
  kernels.sets = sets_beyond_l2(rows * kDim * static_cast<std::size_t>(bits) / 8);
  QuantisedAttention problem;
  problem.queries = kernels.random(sequences * heads * group * kDim);
  problem.cache = quantised_room(kernels, kernels.sets * rows, bits);
  const __nv_bfloat16* const values = kernels.random(rows * kDim);
  for (std::size_t set = 0; set < kernels.sets; ++set)
    check_cuda(launch_quantise(values, static_cast<std::int64_t>(rows), shifted(problem.cache, set * rows), nullptr));
  check_cuda(cudaDeviceSynchronize());
  std::vector<std::int32_t> list(kernels.sets * pages);
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = static_cast<std::int32_t>(i);
  const std::int32_t* const listed = kernels.copy_of(list);
  problem.sequence_stride = static_cast<std::int64_t>(pages_each);
  problem.tokens = kernels.copy_of(std::vector<std::int32_t>(sequences, shape.tokens));
  problem.most_tokens = shape.tokens;
  problem.sequences = shape.sequences;
  problem.kv_heads = shape.kv_heads;
  problem.group = shape.group;
  problem.scale = 0.0884f;
  problem.output = kernels.room<__nv_bfloat16>(sequences * heads * group * kDim);
  const std::size_t workspace = quantised_attention_workspace(shape.sequences, shape.kv_heads, shape.group, kDim);
  problem.workspace = kernels.room<char>(workspace);
  check_cuda(cudaMemset(problem.workspace, 0, workspace));
  kernels.launch = [=](std::size_t set, cudaStream_t stream) {
    QuantisedAttention of_set = problem;
    of_set.pages = listed + set * pages;
    return launch_quantised_attention(of_set, stream);
  };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr lookup_trial(std::int32_t rows, std::int32_t keys, std::int32_t list_length) {
  Prepared kernels;
  const auto count = static_cast<std::size_t>(rows);
  Lookup lookup;
  const std::size_t lists = count * static_cast<std::size_t>(lookup.index.subspaces * lookup.index.clusters);
  const std::size_t entries = lists * static_cast<std::size_t>(list_length);
  lookup.index.centroids = kernels.random(count * static_cast<std::size_t>(lookup.index.clusters) * kDim);
  std::vector<std::int32_t> listed(entries);
  RandomStream random(4);
  const auto step = static_cast<std::size_t>(keys / list_length);  // distinct in a list
  for (std::size_t i = 0; i < entries; ++i)
    listed[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(list_length) * step + random.below(step));
  lookup.index.keys = kernels.copy_of(listed);
  lookup.index.partials = kernels.random(entries);
  lookup.index.list_length = list_length;
  lookup.group = 4;
  lookup.queries = kernels.random(count * static_cast<std::size_t>(lookup.group) * kDim);
  lookup.rows = rows;
  lookup.counts = kernels.copy_of(std::vector<std::int32_t>(count, keys));
  lookup.most_keys = keys;
  lookup.scores = kernels.room<float>(count * static_cast<std::size_t>(keys));
  lookup.score_stride = keys;
  kernels.launch = [=](std::size_t, cudaStream_t stream) { return launch_lookup(lookup, stream); };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr features_trial(std::int64_t rows) {
  Prepared kernels;
  FeatureMap map;
  map.matrix = kernels.random(static_cast<std::size_t>(map.features) * kDim);
  map.scale = 0.0884f;
  const auto count = static_cast<std::size_t>(rows);
  const __nv_bfloat16* const vectors = kernels.random(count * kDim);
  float* const features = kernels.room<float>(count * static_cast<std::size_t>(map.features));
  kernels.launch = [=](std::size_t, cudaStream_t stream) {
    return launch_features(map, vectors, rows, features, stream);
  };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr completion_trial(std::int32_t pairs, std::int32_t retrieved) {
  Prepared kernels;
  Completion completion;
  completion.pairs = pairs;
  completion.group = 4;
  completion.retrieved_stride = retrieved;
  const auto count = static_cast<std::size_t>(pairs), heads = count * static_cast<std::size_t>(completion.group);
  const auto features = static_cast<std::size_t>(completion.features),
             tokens = count * static_cast<std::size_t>(retrieved);
  const std::size_t state = count * features * (kDim + 1), bytes = (state + tokens * features) * 4 + tokens * kDim * 2;
  kernels.sets = sets_beyond_l2(bytes);
  const auto zeroed = [&kernels](std::size_t values) {
    float* const room = kernels.room<float>(values);
    check_cuda(cudaMemset(room, 0, values * sizeof(float)));
    return room;
  };
  completion.query_features = zeroed(heads * features);
  completion.exact = kernels.random(heads * kDim);
  completion.lse = zeroed(heads);
  float* const states = zeroed(kernels.sets * state);
  float* const key_features = zeroed(kernels.sets * tokens * features);
  const __nv_bfloat16* const values = kernels.random(kernels.sets * tokens * kDim);
  completion.retrieved = kernels.copy_of(std::vector<std::int32_t>(count, retrieved));
  completion.output = kernels.room<__nv_bfloat16>(heads * kDim);
  kernels.launch = [=](std::size_t set, cudaStream_t stream) {
    Completion of_set = completion;
    of_set.sums = states + set * state;
    of_set.weights = of_set.sums + count * features * kDim;
    of_set.key_features = key_features + set * tokens * features;
    of_set.values = values + set * tokens * kDim;
    return launch_completion(of_set, stream);
  };
  return prepared_trial(std::move(kernels));
}

DeviceTrialPtr adam_trial(std::int64_t count) {
  Prepared kernels;
  const auto values = static_cast<std::size_t>(count);
  kernels.sets = sets_beyond_l2(values * 16);
  AdamStep step;
  const std::size_t all = kernels.sets * values;
  for (float** const each : {&step.weights, &step.first, &step.second}) {
    *each = kernels.room<float>(all);
    check_cuda(cudaMemset(*each, 0, all * sizeof(float)));
  }
  step.gradients = kernels.random(all);
  step.copy = kernels.room<__nv_bfloat16>(all);
  step.count = count;
  kernels.launch = [=](std::size_t set, cudaStream_t stream) {
    AdamStep of_set = step;
    of_set.weights += set * values;
    of_set.first += set * values;
    of_set.second += set * values;
    of_set.gradients += set * values;
    of_set.copy += set * values;
    return launch_adam(of_set, stream);
  };
  return prepared_trial(std::move(kernels));
}

}  // namespace outrider
