// Trials of decode attention, over as much cache that HBM and not L2 answers.
#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr auto kDevice = CudaMemory::Where::device;
constexpr std::size_t kBeyondL2 = 400'000'000;
constexpr std::size_t kMostSets = 32;

class AttentionGraph final : public GraphTrial {
 public:
  explicit AttentionGraph(const AttentionTrial& shape)
      : shape_(shape),
        pages_each_(shape.tokens / kAttentionPageTokens),
        sets_(std::clamp<std::size_t>(kBeyondL2 / set_bytes() + 1, 1, kMostSets)),
        cache_(kDevice, sets_ * set_bytes()),
        queries_(kDevice, rows() * kAttentionHeadDim * 2),
        output_(kDevice, rows() * kAttentionHeadDim * 2),
        pages_(kDevice, sets_ * set_pages() * sizeof(std::int32_t)),
        tokens_(kDevice, static_cast<std::size_t>(shape.sequences) * sizeof(std::int32_t)),
        workspace_(kDevice, attention_workspace(shape.sequences, shape.kv_heads, shape.group)) {
    fill();
    capture(
        [this](cudaStream_t stream) {
          for (std::size_t set = 0; set < sets_; ++set) check_cuda(launch_decode_attention(problem(set), stream));
        },
        static_cast<int>(sets_));
  }

 private:
  std::size_t rows() const { return static_cast<std::size_t>(shape_.sequences) * shape_.kv_heads * shape_.group; }
  std::size_t set_pages() const { return static_cast<std::size_t>(shape_.sequences) * pages_each_; }
  std::size_t set_bytes() const {
    return set_pages() * shape_.kv_heads * 2 * kAttentionPageTokens * kAttentionHeadDim * 2;
  }

  void fill() {
    std::vector<std::int32_t> pages(sets_ * set_pages());
    std::iota(pages.begin(), pages.end(), 0);
    RandomStream random(1);
    for (std::size_t i = pages.size(); shape_.scattered && i > 1; --i) std::swap(pages[i - 1], pages[random.below(i)]);
    const std::vector<std::int32_t> tokens(static_cast<std::size_t>(shape_.sequences), shape_.tokens);
    check_cuda(cudaMemcpy(pages_.as(), pages.data(), pages.size() * 4, cudaMemcpyHostToDevice));
    check_cuda(cudaMemcpy(tokens_.as(), tokens.data(), tokens.size() * 4, cudaMemcpyHostToDevice));
    check_cuda(launch_random_bf16(cache_.as(), sets_ * set_bytes() / 2, nullptr));
    check_cuda(launch_random_bf16(queries_.as(), rows() * kAttentionHeadDim, nullptr));
    check_cuda(cudaMemset(workspace_.as(), 0, attention_workspace(shape_.sequences, shape_.kv_heads, shape_.group)));
    check_cuda(cudaDeviceSynchronize());
  }

  DecodeAttention problem(std::size_t set) const {
    return {queries_.as<__nv_bfloat16>(),
            cache_.as<__nv_bfloat16>(),
            pages_.as<std::int32_t>() + set * set_pages(),
            pages_each_,
            0,
            tokens_.as<std::int32_t>(),
            shape_.tokens,
            shape_.sequences,
            shape_.kv_heads,
            shape_.group,
            0.0884f,
            output_.as<__nv_bfloat16>(),
            nullptr,
            workspace_.as()};
  }

  AttentionTrial shape_;
  std::int32_t pages_each_;
  std::size_t sets_;
  CudaMemory cache_, queries_, output_, pages_, tokens_, workspace_;
};

}  // namespace

DeviceTrialPtr attention_trial(const AttentionTrial& shape) { return std::make_unique<AttentionGraph>(shape); }

}  // namespace outrider
