// Attention over quantised KV against double arithmetic on the dequantised cache: tails, groups, splits, formats,
// magnitudes, tokens that draw all attention.
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
  float key_size = 1.0f, value_size = 1.0f;
  float sink = -1.0f;  // ≥ 0: the first token gets e¹³ of what others do, its value is so much of theirs
};

// A cache of random codes and scales in shuffled pages. What lies behind the last token of a page is NaN.
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
    for (std::size_t i = 0; i < scales_.size(); ++i) {
      const float size = i * c.channels / c.head_dim / c.page_tokens % 2 == 0 ? c.key_size : c.value_size;
      scales_[i] = __floats2bfloat162_rn(size * static_cast<float>(step * random.uniform()),
                                         size * static_cast<float>(random.normal() - 1));
    }
    queries_ = normals(sequences * c.kv_heads * c.group * c.head_dim, random);
    for (std::size_t pair = 0; pair < sequences * c.kv_heads; ++pair) {
      if (c.sink >= 0.0f) make_sink(pair);
      const int tokens = c.tokens[pair / c.kv_heads];
      for (int t = tokens; t < (tokens + c.page_tokens - 1) / c.page_tokens * c.page_tokens; ++t)
        for_scales(pair, t,
                   [](__nv_bfloat162& scale, bool) { scale = __floats2bfloat162_rn(kNotANumber, kNotANumber); });
    }
  }

  // Twice on one workspace, into poisoned outputs.
  void run() {
    DeviceArray<std::uint8_t> codes(codes_);
    DeviceArray<__nv_bfloat162> scales(scales_);
    DeviceArray<__nv_bfloat16> queries(queries_), output(queries_.size(), __float2bfloat16(kPoison));
    DeviceArray<std::int32_t> pages(pages_), tokens(c_.tokens);
    DeviceArray<float> lse(queries_.size() / c_.head_dim, kPoison);
    const auto sequences = static_cast<std::int32_t>(c_.tokens.size());
    DeviceArray<char> workspace(quantised_attention_workspace(sequences, c_.kv_heads, c_.group, c_.head_dim), 0);
    const QuantisedAttention problem{.queries = queries.data(),
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
                                     .workspace = workspace.data()};
    for (int i = 0; i < 2; ++i) check(launch_quantised_attention(problem, nullptr));
    check(cudaDeviceSynchronize());
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

  std::size_t key_row(std::size_t pair, int token) const {
    const std::size_t list = c_.own_lists ? pair : pair / c_.kv_heads;
    const auto page = static_cast<std::size_t>(pages_[list * pages_each_ + token / c_.page_tokens]);
    return (page * c_.kv_heads + pair % c_.kv_heads) * 2 * c_.page_tokens + token % c_.page_tokens;
  }

  // change(scale, whether it is of the value) for all of a token's.
  template <class Change>
  void for_scales(std::size_t pair, int token, Change change) {
    const std::size_t each = c_.head_dim / c_.channels, key = key_row(pair, token) * each;
    for (std::size_t i = 0; i < each; ++i) {
      change(scales_[key + i], false);
      change(scales_[key + c_.page_tokens * each + i], true);
    }
  }

  // With queries that are all positive, an equal positive key in all channels.
  void make_sink(std::size_t pair) {
    const std::size_t values = c_.group * c_.head_dim;
    for (std::size_t i = pair * values; i < (pair + 1) * values; ++i) queries_[i] = __habs(queries_[i]);
    const float key = 13.0f / (kScale * 0.8f * static_cast<float>(c_.head_dim));
    for_scales(pair, 0, [&](__nv_bfloat162& scale, bool value) {
      scale = value ? __floats2bfloat162_rn(c_.sink * __low2float(scale), c_.sink * __high2float(scale))
                    : __floats2bfloat162_rn(0.0f, key);
    });
  }

  // The output, and behind it the log-sum-exp.
  std::vector<double> exact_row(std::size_t row) const {
    const std::size_t sequence = row / c_.group / c_.kv_heads;
    std::vector<double> exact(c_.head_dim + 1, 0.0);
    double total = 0.0;
    for (int t = 0; t < c_.tokens[sequence]; ++t) {
      const std::size_t key = key_row(row / c_.group, t) * c_.head_dim, value = key + c_.page_tokens * c_.head_dim;
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
        if (dim % channels != 0) continue;
        for (const int group : {1, 5, 8, 16}) expect_exact({2, group, {77, 130}, dim, channels, bits}, 200 + bits);
      }
    }
  }
}
TEST_F(CudaQuantisedAttention, IsExactToItsBoundOnEveryTailOfEveryCodeSize) {
  for (const int bits : {8, 2}) {
    for (int tokens = 1; tokens <= 33; ++tokens) expect_exact({1, 8, {tokens}, 64, 32, bits}, tokens);
  }
}
TEST_F(CudaQuantisedAttention, TakesPagesOfSeveralSizes) {
  for (const int page : {16, 48, 64, 256})
    expect_exact({2, 4, {page + 1, 5 * page, 700}, 128, 64, 8, page}, 600 + page);
}
TEST_F(CudaQuantisedAttention, MergesItsSplits) {
  for (const int tokens : {1000, 4097, 20000}) {
    for (const int bits : {8, 4, 2}) expect_exact({1, 5, {tokens}, 128, 64, bits, 16}, 300 + tokens);
    expect_exact({1, 3, {tokens}, 64}, 310 + tokens);
    expect_exact({1, 3, {tokens}, 256}, 320 + tokens);
  }
}
TEST_F(CudaQuantisedAttention, TakesKeysAndValuesOfAnySize) {
  for (const float keys : {1e-3f, 1.0f, 30.0f}) {
    for (const float values : {1e-15f, 1e-6f, 1e4f}) {
      for (const int bits : {8, 4, 2}) expect_exact({1, 4, {500}, 128, 64, bits, 32, false, keys, values}, 700 + bits);
    }
  }
}
TEST_F(CudaQuantisedAttention, IsExactBesideATokenThatDrawsAllAttention) {
  for (const float sink : {0.0f, 0.01f, 1.0f}) {
    for (const int bits : {8, 4, 2})
      expect_exact({1, 2, {20000}, 128, 64, bits, 32, false, 0.02f, 1e-3f, sink}, 800 + bits);
  }
}
TEST_F(CudaQuantisedAttention, TakesAListOfPagesForEachHead) {
  expect_exact({4, 5, {257, 64, 511}, 128, 128, 8, 32, true}, 400);
}
TEST_F(CudaQuantisedAttention, TakesSequencesOfVeryDifferentLengths) {
  expect_exact({2, 8, {1, 3000, 0, 33}, 128, 32, 2}, 500);
}
TEST_F(CudaQuantisedAttention, RefusesWhatItCannotDo) {
  const QuantisedAttention one{.most_tokens = 1, .sequences = 1, .kv_heads = 1};
  QuantisedAttention wide = one, long_head = one, odd_pages = one;
  odd_pages.page_tokens = 24;
  wide.group = kQuantisedMostGroup + 1;
  long_head.cache.head_dim = 512;
  EXPECT_EQ(launch_quantised_attention(wide, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_quantised_attention(long_head, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_quantised_attention(odd_pages, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
