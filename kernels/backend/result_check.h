// Whether what a sparse or split attention gives is right: by the kernels that the backend executes steps with, against
// the same in one piece and against exact arithmetic.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/cpu_path.h"
#include "kernels/cpu/thread_pool.h"

namespace outrider {

// Decode attention of one sequence, as a method deals it out. Blocks are pages of kPageTokens tokens, all full.
struct ResultShape {
  std::int64_t q_heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t blocks = 0;     // of the context
  std::int64_t selected = 0;   // of these, that each KV head attends
  std::int64_t offloaded = 0;  // of those, that the CPU attends; 0: all are attended in one piece
  auto operator<=>(const ResultShape&) const = default;
};

// Longer contexts are cut to so many tokens, and what is selected and offloaded in proportion.
inline constexpr std::int64_t kMostCheckedTokens = 16384;
ResultShape within_limit(ResultShape shape);

// Random queries and KV. Block b of KV head h lies at cache + (place[b] · kv_heads + h) · 2 · kPageTokens · head_dim: K
// [kPageTokens][head_dim], then V likewise.
struct AttentionProblem {
  std::int64_t kv_heads = 0, group = 0, head_dim = 0, blocks = 0;
  float scale = 1.0f;
  std::vector<Bf16> queries;  // [kv_heads][group][head_dim]
  std::vector<Bf16> cache;
  std::vector<std::int32_t> place;

  std::int64_t rows() const { return kv_heads * group; }
};

// By KV head, ascending numbers of blocks, as many for each head; may be none.
using BlockLists = std::vector<std::vector<std::int32_t>>;

struct PartialResult {
  std::vector<float> output;  // [kv_heads][group][head_dim]
  std::vector<float> lse;     // [kv_heads][group], log Σ exp(scale · q · k); −∞ of no blocks
};

// Kernels bound to a problem, which outlives them.
class AttentionKernels {
 public:
  virtual ~AttentionKernels() = default;
  virtual std::string name() const = 0;
  // Of attend(), against exact arithmetic: ‖Δoutput‖ ÷ ‖output‖ of a KV head's group, and |Δlse|.
  virtual double attend_bound() const = 0;
  // Of merge(): |Δ| ÷ the larger part's element.
  virtual double merge_bound() const = 0;

  // Digests of all blocks, their scores, and the k highest of each KV head.
  virtual BlockLists select(std::int64_t k) = 0;
  virtual PartialResult attend(const BlockLists& blocks) = 0;
  virtual PartialResult merge(const PartialResult& first, const PartialResult& second) = 0;
};
using KernelMaker = std::function<std::unique_ptr<AttentionKernels>(const AttentionProblem&)>;

// By default with the instruction set that the CPU lane uses; the pool outlives them.
std::unique_ptr<AttentionKernels> make_cpu_kernels(const AttentionProblem& problem, ThreadPool& pool,
                                                   CpuPath path = best_path());
// Whether there is a GPU, whose kernels take such heads; only then the GPU's can be made. They throw std::runtime_error
// with CUDA's words.
bool has_gpu_kernels(const ResultShape& shape);
std::unique_ptr<AttentionKernels> make_gpu_kernels(const AttentionProblem& problem);

struct ResultCheck {
  std::string kernels;  // "GPU and CPU amx_bf16"
  std::string what;     // "dense", "all blocks selected", "selection", "parts merged"
  double error = 0.0;  // ‖Δ‖ ÷ ‖exact output‖ of the KV head that is nearest to its bound, or furthest beyond it
  double bound = 0.0;   // of that head: what the kernels' own bounds let it be
  std::string wrong{};  // what else is; empty: nothing

  bool passes() const { return wrong.empty() && error <= bound; }  // not of NaN
};

// `resident` attends what a method keeps on the GPU, selects and merges; `offloaded` what it leaves to the CPU.
//   dense                dense attention against exact arithmetic
//   all blocks selected  a budget of all blocks, dealt out between the two and merged, against dense attention
//   selection            attention over the selected blocks in one piece, against exact arithmetic
//   parts merged         the same dealt out and merged, against one piece; only where something is offloaded
// With E the bounds of attention, M that of merging, o₁ and o₂ the exact parts and w₁ and w₂ their exact weights,
// merging may err by w₁E₁‖o₁‖ + w₂E₂‖o₂‖ + (E₁ + E₂)‖w₁w₂(o₁ − o₂)‖ + M√(‖o₁‖² + ‖o₂‖²); what it is compared with by
// its own E more.
std::vector<ResultCheck> check_results(const ResultShape& shape, const KernelMaker& resident,
                                       const KernelMaker& offloaded, ThreadPool& pool);

// By the CPU alone, and by GPU and CPU where there is a GPU.
std::vector<ResultCheck> check_results(const ResultShape& shape, ThreadPool& pool);

}  // namespace outrider
