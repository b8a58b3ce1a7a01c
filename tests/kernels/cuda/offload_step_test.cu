// Steps of an offloaded layer, kernel after kernel: score digests, select, diff, then either fetch what is missing and
// attend it all, or attend the hits and merge what a CPU attends of the misses. Both must be attention over the
// selection.
#include <cmath>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/digest.h"
#include "kernels/cuda/gather.h"
#include "kernels/cuda/merge.h"
#include "kernels/cuda/residency.h"
#include "kernels/cuda/topk.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

constexpr int kDim = kAttentionHeadDim, kPage = kAttentionPageTokens, kGroup = 4;
constexpr int kRows = 6, kBlocks = 40, kSelected = 8, kSlots = 12;  // a row is a sequence's KV head
constexpr int kBlockElements = 2 * kPage * kDim;
constexpr std::int64_t kBlockBytes = kBlockElements * sizeof(__nv_bfloat16);
constexpr float kScale = 0.088388348f;  // 1/√128
constexpr int kQueries = kRows * kGroup * kDim;

class CudaOffloadStep : public CudaTest {};

// The KV of all rows in pinned memory, and the arrays of a layer on the device.
class Layer {
 public:
  explicit Layer(unsigned seed) : random_(seed), queries_host_(normals(kQueries, random_)) {
    const std::vector<__nv_bfloat16> values = normals(std::size_t{kRows} * kBlocks * kBlockElements, random_);
    check(cudaHostAlloc(reinterpret_cast<void**>(&kv_), values.size() * sizeof(__nv_bfloat16), cudaHostAllocMapped));
    check(cudaHostGetDevicePointer(reinterpret_cast<void**>(&kv_on_device_), kv_, 0));
    std::copy(values.begin(), values.end(), kv_);
    check(launch_digest_build({.keys = kv_on_device_,
                               .key_stride = kBlockElements,
                               .blocks = all_blocks_.data(),
                               .count = kRows * kBlocks,
                               .block_tokens = kPage,
                               .kv_heads = 1,
                               .head_dim = kDim,
                               .digests = digests_.data()},
                              nullptr));
  }
  ~Layer() { cudaFreeHost(kv_); }
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  // Queries drift, so that most of a selection was selected before.
  void drift() {
    for (auto& each : queries_host_)
      each = __float2bfloat16(static_cast<float>(0.97 * real(each) + 0.24 * random_.normal()));
    check(cudaMemcpy(queries_.data(), queries_host_.data(), kQueries * sizeof(__nv_bfloat16), cudaMemcpyHostToDevice));
  }

  void select() {
    check(launch_digest_score({.queries = queries_.data(),
                               .digests = digests_.data(),
                               .blocks = all_blocks_.data(),
                               .block_stride = kBlocks,
                               .counts = block_counts_.data(),
                               .most_blocks = kBlocks,
                               .sequences = kRows,
                               .kv_heads = 1,
                               .group = kGroup,
                               .head_dim = kDim,
                               .scores = scores_.data(),
                               .score_stride = kBlocks},
                              nullptr));
    check(launch_top_k({.scores = scores_.data(),
                        .score_stride = kBlocks,
                        .counts = block_counts_.data(),
                        .rows = kRows,
                        .k = kSelected,
                        .selected = selected_.data(),
                        .selected_stride = kSelected,
                        .selected_counts = selected_counts_.data()},
                       nullptr));
    check(launch_residency_diff(residency(), nullptr));
  }

  void fetch() {
    check(launch_admission({.residency = residency(),
                            .host_offsets = host_offsets_.data(),
                            .block_bytes = kBlockBytes,
                            .sources = sources_.data(),
                            .destinations = destinations_.data(),
                            .transfers = transfers_.data()},
                           nullptr));
    check(launch_gather({.host = kv_on_device_,
                         .sources = sources_.data(),
                         .slots = destinations_.data(),
                         .count = transfers_.data(),
                         .most = kRows * kSelected,
                         .pool = pool_.data(),
                         .fragment_bytes = kBlockBytes,
                         .slot_bytes = kBlockBytes},
                        nullptr));
  }

  // Over the listed pages of the pool, [rows][kSelected].
  void attend(const std::int32_t* pages, const std::vector<std::int32_t>& page_counts) {
    std::vector<std::int32_t> tokens;
    for (const std::int32_t each : page_counts) tokens.push_back(each * kPage);
    const DeviceArray<std::int32_t> tokens_on_device(tokens);
    check(launch_decode_attention({.queries = queries_.data(),
                                   .cache = pool_.data(),
                                   .pages = pages,
                                   .sequence_stride = kSelected,
                                   .tokens = tokens_on_device.data(),
                                   .most_tokens = *std::max_element(tokens.begin(), tokens.end()),
                                   .sequences = kRows,
                                   .kv_heads = 1,
                                   .group = kGroup,
                                   .scale = kScale,
                                   .output = output_.data(),
                                   .lse = lse_.data(),
                                   .workspace = workspace_.data()},
                                  nullptr));
    check(cudaDeviceSynchronize());
  }

  // What a CPU would: attends the blocks of the row's misses.
  void merge_misses() {
    std::vector<float> outputs, lses;
    const std::vector<std::int32_t> misses = misses_.host(), counts = miss_counts_.host(), selected = selected_.host();
    for (int row = 0; row < kRows; ++row) {
      std::vector<std::int32_t> blocks;
      for (int i = 0; i < counts[row]; ++i) blocks.push_back(selected[row * kSelected + misses[row * kSelected + i]]);
      for (int head = 0; head < kGroup; ++head) {
        const std::vector<double> exact = attention_over(row, head, blocks);
        outputs.insert(outputs.end(), exact.begin(), exact.end() - 1);
        lses.push_back(static_cast<float>(exact.back()));
      }
    }
    const DeviceArray<float> second(outputs), second_lse(lses);
    check(launch_merge(MergePartials<float>{.first = output_.data(),
                                            .first_lse = lse_.data(),
                                            .second = second.data(),
                                            .second_lse = second_lse.data(),
                                            .rows = kRows * kGroup,
                                            .head_dim = kDim,
                                            .output = output_.data()},
                       nullptr));
    check(cudaDeviceSynchronize());
  }

  void expect_attended() const {
    const std::vector<__nv_bfloat16> output = output_.host();
    const std::vector<std::int32_t> selected = selected_.host();
    double difference = 0.0, size = 0.0;
    for (int row = 0; row < kRows; ++row) {
      const std::vector<std::int32_t> blocks(&selected[row * kSelected], &selected[row * kSelected] + kSelected);
      for (int head = 0; head < kGroup; ++head) {
        const std::vector<double> exact = attention_over(row, head, blocks);
        for (int i = 0; i < kDim; ++i) {
          const double delta = real(output[(row * kGroup + head) * kDim + i]) - exact[i];
          difference += delta * delta;
          size += exact[i] * exact[i];
        }
      }
    }
    ASSERT_LT(std::sqrt(difference / size), 1e-2);
  }

  const std::int32_t* pages() const { return slots_of_.data(); }
  const std::int32_t* hits() const { return hits_.data(); }
  std::vector<std::int32_t> hit_counts() const { return hit_counts_.host(); }
  std::int32_t fetched() const { return transfers_.host()[0]; }

 private:
  Residency residency() const {
    return {.selected = selected_.data(),
            .selected_stride = kSelected,
            .selected_counts = selected_counts_.data(),
            .rows = kRows,
            .slots = kSlots,
            .blocks = blocks_.data(),
            .slots_of = slots_of_.data(),
            .hits = hits_.data(),
            .hit_counts = hit_counts_.data(),
            .misses = misses_.data(),
            .miss_counts = miss_counts_.data(),
            .evictable = evictable_.data(),
            .evictable_counts = evictable_counts_.data()};
  }

  // The output, and behind it the log-sum-exp.
  std::vector<double> attention_over(int row, int head, const std::vector<std::int32_t>& blocks) const {
    std::vector<double> exact(kDim + 1, 0.0);
    double total = 0.0;
    for (const std::int32_t block : blocks) {
      const __nv_bfloat16* keys = kv_ + (static_cast<std::int64_t>(row) * kBlocks + block) * kBlockElements;
      for (int token = 0; token < kPage; ++token) {
        double dot = 0.0;
        for (int i = 0; i < kDim; ++i)
          dot += real(queries_host_[(row * kGroup + head) * kDim + i]) * real(keys[token * kDim + i]);
        const double weight = std::exp(dot * kScale);
        total += weight;
        for (int i = 0; i < kDim; ++i) exact[i] += weight * real(keys[(kPage + token) * kDim + i]);
      }
    }
    for (int i = 0; i < kDim && total > 0.0; ++i) exact[i] /= total;
    exact.back() = std::log(total);
    return exact;
  }

  static std::vector<std::int32_t> ids(std::int32_t count) {
    std::vector<std::int32_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  static std::vector<std::int64_t> row_offsets() {
    std::vector<std::int64_t> offsets;
    for (int row = 0; row < kRows; ++row) offsets.push_back(row * kBlocks * kBlockBytes);
    return offsets;
  }

  RandomStream random_;
  __nv_bfloat16 *kv_ = nullptr, *kv_on_device_ = nullptr;
  std::vector<__nv_bfloat16> queries_host_;
  DeviceArray<std::int32_t> all_blocks_{ids(kRows * kBlocks)}, block_counts_{kRows, kBlocks};
  DeviceArray<__nv_bfloat16> queries_{queries_host_}, output_{kQueries, __float2bfloat16(kPoison)};
  DeviceArray<__nv_bfloat16> digests_{kRows * kBlocks * 2 * kDim, __float2bfloat16(kPoison)};
  DeviceArray<__nv_bfloat16> pool_{std::size_t{kRows} * kSlots * kBlockElements, __float2bfloat16(kNotANumber)};
  DeviceArray<float> scores_{kRows * kBlocks, kPoison}, lse_{kRows * kGroup, kPoison};
  DeviceArray<std::int32_t> selected_{kRows * kSelected, kPoisonId}, selected_counts_{kRows, kPoisonId};
  DeviceArray<std::int32_t> blocks_{kRows * kSlots, kNoBlock}, slots_of_{kRows * kSelected, kPoisonId};
  DeviceArray<std::int32_t> hits_{kRows * kSelected, kPoisonId}, hit_counts_{kRows, kPoisonId};
  DeviceArray<std::int32_t> misses_{kRows * kSelected, kPoisonId}, miss_counts_{kRows, kPoisonId};
  DeviceArray<std::int32_t> evictable_{kRows * kSlots, kPoisonId}, evictable_counts_{kRows, kPoisonId};
  DeviceArray<std::int64_t> host_offsets_{row_offsets()}, sources_{kRows * kSelected, -1};
  DeviceArray<std::int32_t> destinations_{kRows * kSelected, kPoisonId}, transfers_{1, kPoisonId};
  DeviceArray<char> workspace_{attention_workspace(kRows, 1, kGroup), 0};
};

TEST_F(CudaOffloadStep, FetchingTheMissesAttendsTheSelection) {
  Layer layer(1);
  for (int step = 0; step < 4; ++step) {
    layer.drift();
    layer.select();
    layer.fetch();
    EXPECT_GT(layer.fetched(), 0);
    EXPECT_TRUE(step == 0 || layer.fetched() < kRows * kSelected);
    layer.attend(layer.pages(), std::vector<std::int32_t>(kRows, kSelected));
    layer.expect_attended();
  }
}

TEST_F(CudaOffloadStep, MergingTheMissesOfTheCpuAttendsTheSelection) {
  Layer layer(2);
  layer.drift();
  layer.select();
  layer.fetch();
  for (int step = 0; step < 3; ++step) {
    layer.drift();
    layer.select();
    const std::vector<std::int32_t> hits = layer.hit_counts();
    ASSERT_GT(*std::min_element(hits.begin(), hits.end()), 0) << "the attention needs a token";
    layer.attend(layer.hits(), hits);
    layer.merge_misses();
    layer.expect_attended();
  }
}

}  // namespace
}  // namespace outrider
