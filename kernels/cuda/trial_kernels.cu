// Operands of random data, and launches over them in turn.
#include "kernels/cuda/trial_kernels.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/cuda/memory_kernels.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr auto kDevice = CudaMemory::Where::device;
constexpr std::size_t kWeightsBeyondL2 = 300'000'000, kCacheBeyondL2 = 400'000'000;
constexpr std::size_t kMost = 32;

}  // namespace

ColdProduct::ColdProduct(const Product& product)
    : weight_bytes_(product.weight_bytes()),
      weights_(std::clamp<std::size_t>(kWeightsBeyondL2 / weight_bytes_ + 1, 1, kMost)),
      w_(kDevice, weights_ * weight_bytes_),
      x_(kDevice, product.input_bytes()),
      y_(kDevice, product.output_bytes()),
      bound_(products_.get(product)) {
  // Halves of a bf16 of [−1, 1) are numbers of E4M3 too, hardly ever a NaN.
  check_cuda(launch_random_bf16(w_.as(), weights_ * weight_bytes_ / 2, nullptr));
  check_cuda(launch_random_bf16(x_.as(), product.input_bytes() / 2, nullptr));
  check_cuda(cudaDeviceSynchronize());
}

void ColdProduct::multiply(std::size_t turn, cudaStream_t stream) const {
  bound_.multiply(w_.as<char>() + turn % weights_ * weight_bytes_, x_.as(), y_.as(), 1.0f, stream);
}

ColdAttention::ColdAttention(const AttentionTrial& shape)
    : shape_(shape),
      pages_each_(shape.tokens / kAttentionPageTokens),
      sets_(std::clamp<std::size_t>(kCacheBeyondL2 / set_bytes() + 1, 1, kMost)),
      cache_(kDevice, sets_ * set_bytes()),
      queries_(kDevice, rows() * kAttentionHeadDim * 2),
      output_(kDevice, rows() * kAttentionHeadDim * 2),
      pages_(kDevice, sets_ * set_pages() * sizeof(std::int32_t)),
      tokens_(kDevice, static_cast<std::size_t>(shape.sequences) * sizeof(std::int32_t)),
      workspace_(kDevice, attention_workspace(shape.sequences, shape.kv_heads, shape.group)) {
  fill();
}

std::size_t ColdAttention::rows() const {
  return static_cast<std::size_t>(shape_.sequences) * shape_.kv_heads * shape_.group;
}
std::size_t ColdAttention::set_pages() const { return static_cast<std::size_t>(shape_.sequences) * pages_each_; }
std::size_t ColdAttention::set_bytes() const {
  return set_pages() * shape_.kv_heads * 2 * kAttentionPageTokens * kAttentionHeadDim * 2;
}

void ColdAttention::fill() {
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

void ColdAttention::attend(std::size_t turn, cudaStream_t stream) const {
  const DecodeAttention problem{queries_.as<__nv_bfloat16>(),
                                cache_.as<__nv_bfloat16>(),
                                pages_.as<std::int32_t>() + turn % sets_ * set_pages(),
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
  check_cuda(launch_decode_attention(problem, stream));
}

}  // namespace outrider
