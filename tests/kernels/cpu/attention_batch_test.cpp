// A batch on a pool equals its heads one by one, however it is split.
#include "kernels/cpu/attention_batch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::int64_t kDim = 64, kBlockTokens = 16, kGroup = 3, kBlocks = 400;

struct Batch {
  std::vector<float> cache, queries;
  std::vector<std::vector<std::int32_t>> blocks;
  std::vector<AttentionHead> heads;
};

Batch batch_of(const std::vector<std::int64_t>& tokens) {
  RandomStream random(11);
  Batch batch;
  batch.cache.resize(kBlocks * 2 * kBlockTokens * kDim);
  for (float& each : batch.cache) each = static_cast<float>(random.normal());
  for (const std::int64_t count : tokens) {
    batch.blocks.emplace_back();
    for (std::int64_t at = 0; at < count; at += kBlockTokens)
      batch.blocks.back().push_back(static_cast<std::int32_t>(random.below(kBlocks)));
    for (std::int64_t i = 0; i < kGroup * kDim; ++i) batch.queries.push_back(static_cast<float>(random.normal()));
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) batch.heads.push_back({batch.blocks[i], tokens[i]});
  return batch;
}

TEST(AttentionBatch, EqualsItsHeadsOneByOne) {
  for (const std::vector<std::int64_t>& tokens : std::vector<std::vector<std::int64_t>>{
           {1}, {15, 16, 17}, {5000}, {64, 3000, 1, 129, 2048, 63}, std::vector<std::int64_t>(40, 100)}) {
    Batch batch = batch_of(tokens);
    const std::size_t rows = tokens.size() * kGroup;
    const KvBlocks<float> kv{batch.cache.data(), 2 * kBlockTokens * kDim, kBlockTokens, kDim};
    std::vector<float> expected(rows * kDim), expected_lse(rows);
    for (std::size_t head = 0; head < tokens.size(); ++head) {
      AttentionPart<float> part{kv, batch.heads[head].blocks, tokens[head], kGroup};
      part.queries = batch.queries.data() + head * kGroup * kDim;
      part.scale = 0.125f;
      part.output = expected.data() + head * kGroup * kDim;
      part.lse = expected_lse.data() + head * kGroup;
      attend(CpuPath::scalar, part);
    }
    for (const int threads : {1, 2, 5}) {
      ThreadPool pool({.threads = threads - 1, .pinned = false});
      BatchAttender attender(pool);
      for (int again = 0; again < 2; ++again) {
        constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> output(rows * kDim, kPoison), lse(rows, kPoison);
        attender.attend<float>(best_path(),
                               {kv, batch.heads, kGroup, batch.queries.data(), 0.125f, output.data(), lse.data()});
        for (std::size_t i = 0; i < output.size(); ++i) ASSERT_NEAR(output[i], expected[i], 2e-5f) << i;
        for (std::size_t i = 0; i < lse.size(); ++i) ASSERT_NEAR(lse[i], expected_lse[i], 2e-5f) << i;
      }
    }
  }
}

}  // namespace
}  // namespace outrider
