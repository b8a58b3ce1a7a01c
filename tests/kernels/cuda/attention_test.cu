// Decode attention on the GPU against double arithmetic: tails, groups, splits, shared and own lists of pages.
#include <cmath>

#include "kernels/cuda/attention.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

constexpr int kDim = kAttentionHeadDim, kPage = kAttentionPageTokens;

struct Case {
  int sequences, kv_heads, group;
  std::vector<std::int32_t> tokens;
  bool own_lists;
};

struct Found {
  double error = 0.0, lse_error = 0.0;
  bool finite = true;
};

// A case with shuffled pages. What lies behind the last token of a page is NaN.
class Problem {
 public:
  Problem(const Case& c, unsigned seed) : c_(c) {
    RandomStream random(seed);
    pages_each_ = (*std::max_element(c.tokens.begin(), c.tokens.end()) + kPage - 1) / kPage;
    const auto pages = static_cast<std::size_t>(c.sequences * (c.own_lists ? c.kv_heads : 1) * pages_each_);
    pages_ = shuffled(pages, pages, random);
    cache_ = normals(pages_.size() * c.kv_heads * 2 * kPage * kDim, random);
    queries_ = normals(static_cast<std::size_t>(c.sequences) * c.kv_heads * c.group * kDim, random);
    for (int s = 0; s < c.sequences; ++s) {
      for (int h = 0; h < c.kv_heads; ++h) poison_behind(s, h);
    }
  }

  // Runs twice on one workspace, into poisoned outputs.
  void run() {
    DeviceArray<__nv_bfloat16> cache(cache_), queries(queries_);
    DeviceArray<std::int32_t> pages(pages_), tokens(c_.tokens);
    DeviceArray<__nv_bfloat16> output(queries_.size(), __float2bfloat16(kPoison));
    DeviceArray<float> lse(queries_.size() / kDim, kPoison);
    DeviceArray<char> workspace(attention_workspace(c_.sequences, c_.kv_heads, c_.group), 0);
    const DecodeAttention problem{.queries = queries.data(),
                                  .cache = cache.data(),
                                  .pages = pages.data(),
                                  .sequence_stride = c_.own_lists ? c_.kv_heads * pages_each_ : pages_each_,
                                  .head_stride = c_.own_lists ? pages_each_ : 0,
                                  .tokens = tokens.data(),
                                  .most_tokens = *std::max_element(c_.tokens.begin(), c_.tokens.end()),
                                  .sequences = c_.sequences,
                                  .kv_heads = c_.kv_heads,
                                  .group = c_.group,
                                  .scale = kScale,
                                  .output = output.data(),
                                  .lse = lse.data(),
                                  .workspace = workspace.data()};
    for (int i = 0; i < 2; ++i) check(launch_decode_attention(problem, nullptr));
    check(cudaDeviceSynchronize());
    output_ = output.host();
    lse_ = lse.host();
  }

  Found compared() const {
    Found found;
    double difference = 0.0, size = 0.0;
    for (std::size_t row = 0; row < lse_.size(); ++row) {
      const Exact exact = exact_row(row);
      found.lse_error = std::max(found.lse_error, std::abs(lse_[row] - exact.lse));
      for (int i = 0; i < kDim; ++i) {
        const double got = __bfloat162float(output_[row * kDim + i]), expected = exact.output[i];
        found.finite = found.finite && std::isfinite(got);
        difference += (got - expected) * (got - expected);
        size += expected * expected;
      }
    }
    found.error = std::sqrt(difference / size);
    return found;
  }

 private:
  static constexpr float kScale = 0.088388348f;  // 1/√128
  struct Exact {
    std::vector<double> output;
    double lse = 0.0;
  };

  std::size_t row_of(int sequence, int head, int token, bool value) const {
    const int list = c_.own_lists ? sequence * c_.kv_heads + head : sequence;
    const auto page = static_cast<std::size_t>(pages_[list * pages_each_ + token / kPage]);
    return ((page * c_.kv_heads + head) * 2 * kPage + (value ? kPage : 0) + token % kPage) * kDim;
  }

  void poison_behind(int sequence, int head) {
    const int tokens = c_.tokens[sequence];
    for (int t = tokens; t < (tokens + kPage - 1) / kPage * kPage; ++t) {
      for (const bool value : {false, true}) {
        for (int i = 0; i < kDim; ++i) cache_[row_of(sequence, head, t, value) + i] = __float2bfloat16(kNotANumber);
      }
    }
  }

  Exact exact_row(std::size_t row) const {
    const int pair = static_cast<int>(row) / c_.group, sequence = pair / c_.kv_heads, head = pair % c_.kv_heads;
    Exact exact{std::vector<double>(kDim, 0.0), 0.0};
    double total = 0.0;
    for (int t = 0; t < c_.tokens[sequence]; ++t) {
      const __nv_bfloat16 *key = &cache_[row_of(sequence, head, t, false)],
                          *value = &cache_[row_of(sequence, head, t, true)];
      double dot = 0.0;
      for (int i = 0; i < kDim; ++i)
        dot += static_cast<double>(__bfloat162float(queries_[row * kDim + i])) * __bfloat162float(key[i]);
      const double weight = std::exp(dot * kScale);
      total += weight;
      for (int i = 0; i < kDim; ++i) exact.output[i] += weight * __bfloat162float(value[i]);
    }
    for (double& each : exact.output) each /= total;
    exact.lse = std::log(total);
    return exact;
  }

  Case c_;
  int pages_each_ = 0;
  std::vector<std::int32_t> pages_;
  std::vector<__nv_bfloat16> cache_, queries_, output_;
  std::vector<float> lse_;
};

void expect_exact(const Case& c, unsigned seed) {
  Problem problem(c, seed);
  problem.run();
  const Found found = problem.compared();
  EXPECT_TRUE(found.finite);
  EXPECT_LT(found.error, 1e-2) << "group " << c.group << " tokens " << c.tokens[0];
  EXPECT_LT(found.lse_error, 1e-2);
}

class CudaAttention : public CudaTest {};

TEST_F(CudaAttention, IsExactToItsBoundOnEveryTail) {
  for (int tokens = 1; tokens <= 140; ++tokens) expect_exact({2, 2, 4, {tokens, 1 + tokens / 2}, false}, tokens);
}
TEST_F(CudaAttention, TakesEveryGroup) {
  for (int group = 1; group <= kAttentionMostGroup; ++group) expect_exact({1, 3, group, {300}, false}, 1000 + group);
}
TEST_F(CudaAttention, MergesItsSplits) {
  for (const int tokens : {1000, 4097, 20000}) expect_exact({1, 2, 5, {tokens}, false}, 2000 + tokens);
}
TEST_F(CudaAttention, TakesAListOfPagesForEachHead) { expect_exact({3, 4, 5, {257, 64, 511}, true}, 3000); }
TEST_F(CudaAttention, TakesSequencesOfVeryDifferentLengths) {
  expect_exact({4, 2, 8, {1, 5000, 33, 800}, false}, 4000);
}
TEST_F(CudaAttention, RefusesWhatItCannotDo) {
  EXPECT_EQ(launch_decode_attention({.most_tokens = 1, .sequences = 1, .kv_heads = 1, .group = 17}, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(launch_decode_attention({.most_tokens = 0, .sequences = 1, .kv_heads = 1, .group = 1}, nullptr),
            cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
