// Attention over quantised KV against double arithmetic on the dequantised cache: tails, groups, splits, formats.
#include <cmath>

#include "kernels/cuda/quantised_attention.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaQuantisedAttention : public CudaTest {};

struct Case {
  int kv_heads, group;
  std::vector<std::int32_t> tokens;  // of each sequence
  int head_dim = 128, channels = 64, bits = 4, page_tokens = 32;
  bool own_lists = false;
};

// A cache of random codes and scales in shuffled pages.
class Problem {
 public:
  Problem(const Case& c, unsigned seed) : c_(c) {
    RandomStream random(seed);
    const std::size_t sequences = c.tokens.size();
    pages_each_ = (*std::max_element(c.tokens.begin(), c.tokens.end()) + c.page_tokens - 1) / c.page_tokens;
    const std::size_t pages = sequences * (c.own_lists ? c.kv_heads : 1) * pages_each_;
    pages_ = shuffled(pages, pages, random);
    const std::size_t values = pages * c.kv_heads * 2 * c.page_tokens * c.head_dim;
    codes_.resize(values * c.bits / 8);
    for (auto& each : codes_) each = static_cast<std::uint8_t>(random.next());
    scales_.resize(values / c.channels);
    const double step = 4.0 / ((1 << c.bits) - 1);
    for (auto& each : scales_)
      each =
          __floats2bfloat162_rn(static_cast<float>(step * random.uniform()), static_cast<float>(random.normal() - 1));
    queries_ = normals(sequences * c.kv_heads * c.group * c.head_dim, random);
  }

  void run() {
    DeviceArray<std::uint8_t> codes(codes_);
    DeviceArray<__nv_bfloat162> scales(scales_);
    DeviceArray<__nv_bfloat16> queries(queries_), output(queries_.size(), __float2bfloat16(kPoison));
    DeviceArray<std::int32_t> pages(pages_), tokens(c_.tokens);
    DeviceArray<float> lse(queries_.size() / c_.head_dim, kPoison);
    const auto sequences = static_cast<std::int32_t>(c_.tokens.size());
    DeviceArray<char> workspace(quantised_attention_workspace(sequences, c_.kv_heads, c_.group, c_.head_dim), -1);
    check(launch_quantised_attention({.queries = queries.data(),
                                      .cache = {codes.data(), scales.data(), c_.head_dim, c_.channels, c_.bits},
                                      .page_tokens = c_.page_tokens,
                                      .pages = pages.data(),
                                      .sequence_stride = c_.own_lists ? c_.kv_heads * pages_each_ : pages_each_,
                                      .head_stride = c_.own_lists ? pages_each_ : 0,
                                      .tokens = tokens.data(),
                                      .most_tokens = *std::max_element(c_.tokens.begin(), c_.tokens.end()),
                                      .sequences = sequences,
                                      .kv_heads = c_.kv_heads,
                                      .group = c_.group,
                                      .scale = kScale,
                                      .output = output.data(),
                                      .lse = lse.data(),
                                      .workspace = workspace.data()},
                                     nullptr));
    output_ = output.host();
    lse_ = lse.host();
  }

  void expect_exact() const {
    double difference = 0.0, size = 0.0;
    for (std::size_t row = 0; row < lse_.size(); ++row) {
      const std::vector<double> expected = exact_row(row);
      if (std::isinf(expected.back())) {
        ASSERT_EQ(lse_[row], -INFINITY);
      } else {
        ASSERT_NEAR(lse_[row], expected.back(), 1e-4 * (1.0 + std::abs(expected.back())));
      }
      for (int i = 0; i < c_.head_dim; ++i) {
        const double got = real(output_[row * c_.head_dim + i]);
        difference += (got - expected[i]) * (got - expected[i]);
        size += expected[i] * expected[i];
      }
    }
    ASSERT_LT(std::sqrt(difference / size), 4e-3) << "group " << c_.group << " tokens " << c_.tokens[0];
  }

 private:
  static constexpr float kScale = 0.088388348f;  // 1/√128

  double value_at(std::size_t at) const {
    const unsigned code = codes_[at * c_.bits / 8] >> at * c_.bits % 8 & ((1u << c_.bits) - 1);
    const __nv_bfloat162 scale = scales_[at / c_.channels];
    return static_cast<double>(__low2float(scale)) * code + static_cast<double>(__high2float(scale));
  }

  // The output, and behind it the log-sum-exp.
  std::vector<double> exact_row(std::size_t row) const {
    const std::size_t pair = row / c_.group, sequence = pair / c_.kv_heads, head = pair % c_.kv_heads;
    std::vector<double> exact(c_.head_dim + 1, 0.0);
    double total = 0.0;
    for (int t = 0; t < c_.tokens[sequence]; ++t) {
      const auto page =
          static_cast<std::size_t>(pages_[(c_.own_lists ? pair : sequence) * pages_each_ + t / c_.page_tokens]);
      const std::size_t key_row = (page * c_.kv_heads + head) * 2 * c_.page_tokens + t % c_.page_tokens;
      const std::size_t key = key_row * c_.head_dim, value = (key_row + c_.page_tokens) * c_.head_dim;
      double dot = 0.0;
      for (int i = 0; i < c_.head_dim; ++i) dot += real(queries_[row * c_.head_dim + i]) * value_at(key + i);
      const double weight = std::exp(dot * kScale);
      total += weight;
      for (int i = 0; i < c_.head_dim; ++i) exact[i] += weight * value_at(value + i);
    }
    for (int i = 0; i < c_.head_dim && total > 0.0; ++i) exact[i] /= total;
    exact.back() = std::log(total);
    return exact;
  }

  Case c_;
  int pages_each_ = 0;
  std::vector<std::int32_t> pages_;
  std::vector<std::uint8_t> codes_;
  std::vector<__nv_bfloat162> scales_;
  std::vector<__nv_bfloat16> queries_, output_;
  std::vector<float> lse_;
};

void expect_exact(const Case& c, unsigned seed) {
  Problem problem(c, seed);
  problem.run();
  problem.expect_exact();
}

TEST_F(CudaQuantisedAttention, IsExactToItsBoundOnEveryTail) {
  for (int tokens = 1; tokens <= 70; ++tokens) expect_exact({2, 4, {tokens, 1 + tokens / 2}}, tokens);
}
TEST_F(CudaQuantisedAttention, TakesEveryGroup) {
  for (int group = 1; group <= kQuantisedMostGroup; ++group) expect_exact({3, group, {100}}, 100 + group);
}
TEST_F(CudaQuantisedAttention, TakesEveryFormat) {
  for (const int dim : {64, 128, 256}) {
    for (const int channels : {32, 64, 128}) {
      for (const int bits : {8, 4, 2}) {
        if (dim % channels == 0) expect_exact({2, 5, {77}, dim, channels, bits}, 200 + bits);
      }
    }
  }
}
TEST_F(CudaQuantisedAttention, MergesItsSplits) {
  for (const int tokens : {1000, 4097, 20000}) expect_exact({1, 5, {tokens}, 128, 64, 4, 16}, 300 + tokens);
}
TEST_F(CudaQuantisedAttention, TakesAListOfPagesForEachHead) {
  expect_exact({4, 5, {257, 64, 511}, 128, 128, 8, 32, true}, 400);
}
TEST_F(CudaQuantisedAttention, TakesSequencesOfVeryDifferentLengths) {
  expect_exact({2, 8, {1, 3000, 0, 33}, 128, 32, 2}, 500);
}
TEST_F(CudaQuantisedAttention, RefusesWhatItCannotDo) {
  const QuantisedAttention one{.most_tokens = 1, .sequences = 1, .kv_heads = 1};
  QuantisedAttention wide = one, long_head = one;
  wide.group = kQuantisedMostGroup + 1;
  long_head.cache.head_dim = 512;
  EXPECT_EQ(launch_quantised_attention(wide, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_quantised_attention(long_head, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
