// Choosing tokens by an index, and attending them with the CPU's kernels: what the block-sparse systems share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fidelity/approximation.h"
#include "fidelity/index.h"

namespace outrider {

using TokenList = std::vector<std::int32_t>;  // ascending, each once

// The first `sinks` tokens and the last `recent` ones.
TokenList ends_of(const Head& head, std::int64_t sinks, std::int64_t recent);
TokenList united(const TokenList& a, const TokenList& b);

// Units with the highest scores, beside tokens that are always attended.
class Selector {
 public:
  Selector(const Head& head, std::unique_ptr<Index> index, TokenList kept, CpuPath path)
      : head_(head), index_(std::move(index)), kept_(std::move(kept)), path_(path) {}

  // At most `budget` tokens, in whole units, or the kept ones and one unit where these are more; all where the budget
  // is.
  TokenList select(const float* queries, std::int64_t budget) const;
  double index_bytes() const { return index_->bytes_read(); }
  const TokenList& kept() const { return kept_; }

 private:
  const Head& head_;
  std::unique_ptr<Index> index_;
  TokenList kept_;
  CpuPath path_;
};

// Attention over some tokens, with its log-sum-exp, as kernels/cpu has it.
struct PartialAttention {
  std::vector<float> output;  // [group][head_dim]
  std::vector<float> lse;     // [group]
};
PartialAttention attend_tokens(const Head& head, const std::vector<Bf16>& kv, const float* queries,
                               const TokenList& tokens, CpuPath path);

// Bytes of K and V of so many tokens.
double kv_bytes(const Head& head, double tokens);

// A system that chooses tokens by some query and attends them with its own.
class SparseAttention : public Approximation {
 public:
  struct Parts {
    Selector selector;
    std::function<std::vector<float>(std::size_t step)> choosing_query{};  // empty: the step's own
    std::vector<Bf16> kv{};            // attended in place of the head's; empty: the head's
    double bytes_per_token = 0.0;      // 0: of K and V
    double bytes_beside_tokens = 0.0;  // read with any number of them
  };
  SparseAttention(const ApproximationInput& input, Parts parts)
      : head_(input.head), path_(input.path), parts_(std::move(parts)) {}

  void start(std::int64_t budget_tokens) override { budget_ = budget_tokens; }
  Attended attend(std::size_t step) override;

 private:
  const Head& head_;
  CpuPath path_;
  Parts parts_;
  std::int64_t budget_ = 0;
};

}  // namespace outrider
