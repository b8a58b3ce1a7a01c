// The GPU's attention with digests, selection and merging, bound to a problem whose KV lies on the device.
#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/backend/result_check.h"
#include "kernels/backend/work.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/digest.h"
#include "kernels/cuda/merge.h"
#include "kernels/cuda/timing.h"
#include "kernels/cuda/topk.h"
#include "kernels/cuda/trials.h"

namespace outrider {
namespace {

static_assert(sizeof(Bf16) == sizeof(__nv_bfloat16) && kPageTokens == kAttentionPageTokens);

template <class T>
class OnDevice {
 public:
  explicit OnDevice(std::size_t count)
      : count_(count), memory_(CudaMemory::Where::device, std::max<std::size_t>(count, 1) * sizeof(T)) {}
  explicit OnDevice(const std::vector<T>& values) : OnDevice(values.size()) {
    check_cuda(cudaMemcpy(data(), values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }

  T* data() const { return memory_.as<T>(); }
  std::vector<T> host() const {
    std::vector<T> values(count_);
    check_cuda(cudaDeviceSynchronize());
    check_cuda(cudaMemcpy(values.data(), data(), count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  std::size_t count_;
  CudaMemory memory_;
};

__nv_bfloat16* bf16(const OnDevice<Bf16>& values) { return reinterpret_cast<__nv_bfloat16*>(values.data()); }

std::int32_t narrow(std::int64_t count) { return static_cast<std::int32_t>(count); }

std::vector<float> floats(const std::vector<Bf16>& values) {
  std::vector<float> result;
  for (const Bf16 value : values) result.push_back(to_float(value));
  return result;
}

// Exact: what attend() and merge() give is bf16.
std::vector<Bf16> rounded(const std::vector<float>& values) {
  std::vector<Bf16> result;
  for (const float value : values) result.push_back(to_bf16(value));
  return result;
}

std::vector<std::int32_t> ascending(std::int64_t count) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

class GpuKernels final : public AttentionKernels {
 public:
  explicit GpuKernels(const AttentionProblem& problem)
      : problem_(problem), queries_(problem.queries), cache_(problem.cache) {}

  std::string name() const override { return "GPU"; }
  double attend_bound() const override { return 1e-2; }        // kernels/cuda/attention.h
  double merge_bound() const override { return 1.0 / 256.0; }  // kernels/cuda/merge.h

  BlockLists select(std::int64_t k) override {
    const auto heads = static_cast<std::size_t>(problem_.kv_heads), all = static_cast<std::size_t>(problem_.blocks);
    const OnDevice<Bf16> digests(heads * all * 2 * static_cast<std::size_t>(problem_.head_dim));
    const OnDevice<std::int32_t> places(problem_.place), blocks(ascending(problem_.blocks));
    const OnDevice<std::int32_t> counts(std::vector<std::int32_t>{narrow(problem_.blocks)});
    const OnDevice<float> scores(heads * all);
    const OnDevice<std::int32_t> selected(heads * static_cast<std::size_t>(k));
    check_cuda(launch_digest_build({.keys = bf16(cache_),
                                    .key_stride = 2 * kPageTokens * problem_.head_dim,
                                    .blocks = places.data(),
                                    .targets = blocks.data(),
                                    .count = narrow(problem_.blocks),
                                    .block_tokens = narrow(kPageTokens),
                                    .kv_heads = narrow(problem_.kv_heads),
                                    .head_dim = narrow(problem_.head_dim),
                                    .digests = bf16(digests)},
                                   nullptr));
    check_cuda(launch_digest_score({.queries = bf16(queries_),
                                    .digests = bf16(digests),
                                    .blocks = blocks.data(),
                                    .block_stride = problem_.blocks,
                                    .counts = counts.data(),
                                    .most_blocks = narrow(problem_.blocks),
                                    .sequences = 1,
                                    .kv_heads = narrow(problem_.kv_heads),
                                    .group = narrow(problem_.group),
                                    .head_dim = narrow(problem_.head_dim),
                                    .scores = scores.data(),
                                    .score_stride = problem_.blocks},
                                   nullptr));
    check_cuda(launch_top_k({.scores = scores.data(),
                             .score_stride = problem_.blocks,
                             .counts = counts.data(),
                             .rows = narrow(problem_.kv_heads),
                             .rows_per_count = narrow(problem_.kv_heads),
                             .k = narrow(k),
                             .selected = selected.data(),
                             .selected_stride = k},
                            nullptr));
    const std::vector<std::int32_t> found = selected.host();
    BlockLists lists;
    for (std::size_t head = 0; head < heads; ++head) {
      const auto first = found.begin() + static_cast<std::ptrdiff_t>(head) * k;
      lists.emplace_back(first, first + k);
    }
    return lists;
  }

  PartialResult attend(const BlockLists& lists) override {
    const auto rows = static_cast<std::size_t>(problem_.rows());
    const std::size_t count = lists.front().size();
    PartialResult none{std::vector<float>(problem_.queries.size(), 0.0f),
                       std::vector<float>(rows, -std::numeric_limits<float>::infinity())};
    if (count == 0) return none;
    std::vector<std::int32_t> pages;
    for (const auto& list : lists) {
      for (const std::int32_t block : list) pages.push_back(problem_.place[static_cast<std::size_t>(block)]);
    }
    const std::int32_t tokens = narrow(static_cast<std::int64_t>(count) * kPageTokens);
    const OnDevice<std::int32_t> pages_there(pages), tokens_there(std::vector<std::int32_t>{tokens});
    const OnDevice<Bf16> output(problem_.queries.size());
    const OnDevice<float> lse(rows);
    const std::size_t bytes = attention_workspace(1, narrow(problem_.kv_heads), narrow(problem_.group));
    const OnDevice<std::byte> workspace(std::vector<std::byte>(bytes, std::byte{}));
    check_cuda(launch_decode_attention({.queries = bf16(queries_),
                                        .cache = bf16(cache_),
                                        .pages = pages_there.data(),
                                        .sequence_stride = static_cast<std::int64_t>(pages.size()),
                                        .head_stride = static_cast<std::int64_t>(count),
                                        .tokens = tokens_there.data(),
                                        .most_tokens = tokens,
                                        .sequences = 1,
                                        .kv_heads = narrow(problem_.kv_heads),
                                        .group = narrow(problem_.group),
                                        .scale = problem_.scale,
                                        .output = bf16(output),
                                        .lse = lse.data(),
                                        .workspace = workspace.data()},
                                       nullptr));
    return {floats(output.host()), lse.host()};
  }

  // Of what this attended, and what the CPU did, in fp32.
  PartialResult merge(const PartialResult& first, const PartialResult& second) override {
    const OnDevice<Bf16> resident(rounded(first.output)), merged(first.output.size());
    const OnDevice<float> offloaded(second.output), first_lse(first.lse), second_lse(second.lse), lse(first.lse.size());
    check_cuda(launch_merge(MergePartials<float>{.first = bf16(resident),
                                                 .first_lse = first_lse.data(),
                                                 .second = offloaded.data(),
                                                 .second_lse = second_lse.data(),
                                                 .rows = narrow(problem_.rows()),
                                                 .head_dim = narrow(problem_.head_dim),
                                                 .output = bf16(merged),
                                                 .lse = lse.data()},
                            nullptr));
    return {floats(merged.host()), lse.host()};
  }

 private:
  const AttentionProblem& problem_;
  OnDevice<Bf16> queries_, cache_;
};

}  // namespace

bool has_gpu_kernels(const ResultShape& shape) {
  return shape.head_dim == kAttentionHeadDim && shape.q_heads / shape.kv_heads <= kAttentionMostGroup &&
         device_info().missing.empty();
}

std::unique_ptr<AttentionKernels> make_gpu_kernels(const AttentionProblem& problem) {
  return std::make_unique<GpuKernels>(problem);
}

}  // namespace outrider
