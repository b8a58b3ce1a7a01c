// The CPU lane's attention with digests, selection and merging beside it, bound to a problem.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/backend/result_check.h"
#include "kernels/backend/work.h"
#include "kernels/cpu/attention_batch.h"
#include "kernels/cpu/digest.h"
#include "kernels/cpu/topk.h"

namespace outrider {
namespace {

class CpuKernels final : public AttentionKernels {
 public:
  CpuKernels(const AttentionProblem& problem, ThreadPool& pool, CpuPath path)
      : problem_(problem), attender_(pool), path_(path) {
    for (const Bf16 query : problem.queries) queries_.push_back(to_float(query));
  }

  std::string name() const override { return std::string("CPU ") + to_string(path_); }
  double attend_bound() const override { return outrider::attend_bound(path_, problem_.head_dim); }
  double merge_bound() const override { return 1e-6; }  // some roundings of fp32

  BlockLists select(std::int64_t k) override {
    const std::vector<Bf16> digests = build();
    const auto all = static_cast<std::size_t>(problem_.blocks), group = static_cast<std::size_t>(problem_.group);
    std::vector<std::int32_t> blocks(all), scratch(top_k_scratch(all));
    std::iota(blocks.begin(), blocks.end(), 0);
    std::vector<float> scores(all);
    BlockLists lists;
    for (std::int64_t head = 0; head < problem_.kv_heads; ++head) {
      const std::size_t first = static_cast<std::size_t>(head) * group * static_cast<std::size_t>(problem_.head_dim);
      score_digests(path_, {.queries = problem_.queries.data() + first,
                            .digests = digests.data(),
                            .blocks = blocks,
                            .kv_heads = problem_.kv_heads,
                            .head = head,
                            .group = problem_.group,
                            .head_dim = problem_.head_dim,
                            .scores = scores.data()});
      std::vector<std::int32_t>& list = lists.emplace_back(std::min(all, static_cast<std::size_t>(k)));
      select_top_k(path_, {.scores = scores, .k = k, .selected = list.data(), .scratch = scratch});
    }
    return lists;
  }

  PartialResult attend(const BlockLists& lists) override {
    const auto rows = static_cast<std::size_t>(problem_.rows());
    PartialResult result{std::vector<float>(queries_.size(), 0.0f),
                         std::vector<float>(rows, -std::numeric_limits<float>::infinity())};
    if (lists.front().empty()) return result;
    std::vector<std::vector<std::int32_t>> pages;
    std::vector<AttentionHead> heads;
    for (std::size_t head = 0; head < lists.size(); ++head) {
      auto& own = pages.emplace_back();
      for (const std::int32_t block : lists[head])
        own.push_back(problem_.place[static_cast<std::size_t>(block)] * static_cast<std::int32_t>(lists.size()) +
                      static_cast<std::int32_t>(head));
    }
    for (const auto& own : pages) heads.push_back({own, static_cast<std::int64_t>(own.size()) * kPageTokens});
    attender_.attend(path_, AttentionBatch<Bf16>{.kv = {.data = problem_.cache.data(),
                                                        .stride = 2 * kPageTokens * problem_.head_dim,
                                                        .block_tokens = kPageTokens,
                                                        .head_dim = problem_.head_dim},
                                                 .heads = heads,
                                                 .group = problem_.group,
                                                 .queries = queries_.data(),
                                                 .scale = problem_.scale,
                                                 .output = result.output.data(),
                                                 .lse = result.lse.data()});
    return result;
  }

  PartialResult merge(const PartialResult& first, const PartialResult& second) override {
    PartialResult merged{std::vector<float>(first.output.size()), std::vector<float>(first.lse.size())};
    const PartialOutput parts[] = {{first.output.data(), first.lse.data()}, {second.output.data(), second.lse.data()}};
    merge_partials(parts, problem_.rows(), problem_.head_dim, merged.output.data(), merged.lse.data());
    return merged;
  }

 private:
  std::vector<Bf16> build() const {
    std::vector<Bf16> digests(static_cast<std::size_t>(problem_.blocks * problem_.kv_heads * 2 * problem_.head_dim));
    std::vector<std::int32_t> targets(problem_.place.size());
    std::iota(targets.begin(), targets.end(), 0);
    build_digests(path_, {.keys = problem_.cache.data(),
                          .key_stride = 2 * kPageTokens * problem_.head_dim,
                          .blocks = problem_.place,
                          .targets = targets,
                          .tokens = {},
                          .block_tokens = kPageTokens,
                          .kv_heads = problem_.kv_heads,
                          .head_dim = problem_.head_dim,
                          .digests = digests.data()});
    return digests;
  }

  const AttentionProblem& problem_;
  BatchAttender attender_;
  CpuPath path_;
  std::vector<float> queries_;
};

}  // namespace

std::unique_ptr<AttentionKernels> make_cpu_kernels(const AttentionProblem& problem, ThreadPool& pool, CpuPath path) {
  return std::make_unique<CpuKernels>(problem, pool, path);
}

}  // namespace outrider
