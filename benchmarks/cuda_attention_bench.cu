// Decode attention against the HBM read ceiling of the same run: time, bytes and rate over batches and contexts, with
// contiguous pages and with scattered ones. Prints CSV.
#include <cuda_bf16.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "kernels/cuda/attention.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s\n", cudaGetErrorString(error));
  std::exit(1);
}

__global__ void fill(__nv_bfloat16* data, std::size_t count) {
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < count;
       i += std::size_t{gridDim.x} * blockDim.x) {
    const unsigned hash = static_cast<unsigned>(i * 2654435761u) ^ static_cast<unsigned>(i >> 16);
    data[i] = __float2bfloat16((static_cast<float>(hash >> 8 & 0xffffu) - 32768.0f) * (1.0f / 32768.0f));
  }
}

__global__ void read(const uint4* data, std::size_t count, unsigned* out) {
  uint4 sum = make_uint4(0, 0, 0, 0);
  std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x;
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (; i + 3 * step < count; i += 4 * step) {
    const uint4 a = __ldg(data + i), b = __ldg(data + i + step), c = __ldg(data + i + 2 * step),
                d = __ldg(data + i + 3 * step);
    sum.x ^= a.x ^ b.x ^ c.x ^ d.x, sum.y ^= a.y ^ b.y ^ c.y ^ d.y, sum.z ^= a.z ^ b.z ^ c.z ^ d.z,
        sum.w ^= a.w ^ b.w ^ c.w ^ d.w;
  }
  if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == 0x12345678u) *out = 1;
}

// Median of repeated replays of a graph of `work`, in seconds.
template <class Work>
double seconds_of(const Work& work) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t replay;
  check(cudaStreamCreate(&stream));
  work(stream);
  check(cudaStreamSynchronize(stream));
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  work(stream);
  check(cudaStreamEndCapture(stream, &graph));
  check(cudaGraphInstantiate(&replay, graph, 0));
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  std::vector<float> samples;
  for (int i = 0; i < 25; ++i) {
    check(cudaEventRecord(begin, stream));
    check(cudaGraphLaunch(replay, stream));
    check(cudaEventRecord(end, stream));
    check(cudaEventSynchronize(end));
    float ms = 0.0f;
    check(cudaEventElapsedTime(&ms, begin, end));
    if (i >= 4) samples.push_back(ms);
  }
  std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
  check(cudaGraphExecDestroy(replay));
  check(cudaGraphDestroy(graph));
  check(cudaStreamDestroy(stream));
  return samples[samples.size() / 2] * 1e-3;
}

struct Buffers {
  __nv_bfloat16 *cache, *queries, *output;
  std::int32_t *pages, *tokens;
  void* workspace;
};

void measure(const Buffers& buffers, std::size_t cache_bytes, int kv_heads, int group, int batch, int context,
             bool scattered, double ceiling) {
  const int pages_each = context / kAttentionPageTokens;
  const std::size_t page_bytes = std::size_t{2} * kAttentionPageTokens * kAttentionHeadDim * 2 * kv_heads;
  const std::size_t all = cache_bytes / page_bytes, used = std::size_t(batch) * pages_each;
  if (used > all || used > (1u << 24)) return;
  std::vector<std::int32_t> pages(all);
  std::iota(pages.begin(), pages.end(), 0);
  RandomStream random(1);
  for (std::size_t i = pages.size(); scattered && i > 1; --i) std::swap(pages[i - 1], pages[random.below(i)]);
  check(cudaMemcpy(buffers.pages, pages.data(), pages.size() * 4, cudaMemcpyHostToDevice));
  const std::vector<std::int32_t> tokens(batch, context);
  check(cudaMemcpy(buffers.tokens, tokens.data(), tokens.size() * 4, cudaMemcpyHostToDevice));
  const std::size_t sets =
      std::clamp<std::size_t>(300'000'000 / (used * page_bytes) + 1, 1, std::min<std::size_t>(40, all / used));
  const double seconds = seconds_of([&](cudaStream_t stream) {
                           for (std::size_t set = 0; set < sets; ++set) {
                             const DecodeAttention problem{.queries = buffers.queries,
                                                           .cache = buffers.cache,
                                                           .pages = buffers.pages + set * used,
                                                           .sequence_stride = pages_each,
                                                           .head_stride = 0,
                                                           .tokens = buffers.tokens,
                                                           .most_tokens = context,
                                                           .sequences = batch,
                                                           .kv_heads = kv_heads,
                                                           .group = group,
                                                           .scale = 0.0884f,
                                                           .output = buffers.output,
                                                           .lse = nullptr,
                                                           .workspace = buffers.workspace};
                             check(launch_decode_attention(problem, stream));
                           }
                         }) /
                         static_cast<double>(sets);
  const double bytes = static_cast<double>(used * page_bytes);
  std::printf("%d,%d,%d,%d,%s,%.6g,%.6g,%.3f,%.3f\n", kv_heads * group, kv_heads, batch, context,
              scattered ? "scattered" : "contiguous", bytes, seconds, bytes / seconds * 1e-12,
              bytes / seconds / ceiling);
  std::fflush(stdout);
}

void run() {
  const std::size_t cache_bytes = std::size_t{34} << 30;
  Buffers buffers{};
  check(cudaMalloc(&buffers.cache, cache_bytes));
  check(cudaMalloc(&buffers.queries, 128 * 64 * 128 * 2));
  check(cudaMalloc(&buffers.output, 128 * 64 * 128 * 2));
  check(cudaMalloc(&buffers.pages, std::size_t{4} << 24));
  check(cudaMalloc(&buffers.tokens, 4 * 1024));
  const std::size_t workspace = attention_workspace(128, 8, 8);
  check(cudaMalloc(&buffers.workspace, workspace));
  check(cudaMemset(buffers.workspace, 0, workspace));
  fill<<<4096, 256>>>(buffers.cache, cache_bytes / 2);
  fill<<<64, 256>>>(buffers.queries, 128 * 64 * 128);
  check(cudaDeviceSynchronize());
  const std::size_t read_bytes = std::size_t{8} << 30;
  const double ceiling =
      static_cast<double>(read_bytes) / seconds_of([&](cudaStream_t stream) {
        read<<<132 * 8, 512, 0, stream>>>(reinterpret_cast<const uint4*>(buffers.cache), read_bytes / 16,
                                          reinterpret_cast<unsigned*>(buffers.tokens));
        check(cudaGetLastError());
      });
  std::printf("# read ceiling %.4g TB/s\nq_heads,kv_heads,batch,context,pages,bytes,seconds,TB/s,of_ceiling\n",
              ceiling * 1e-12);
  for (const auto& [kv_heads, group] : {std::pair{8, 5}, {8, 4}, {4, 7}, {8, 8}}) {
    for (int batch = 1; batch <= 128; batch *= 2) {
      for (int context = 1024; context <= 131072; context *= 2) {
        if (group != 5 && (context & 0x15000) != 0) continue;
        measure(buffers, cache_bytes, kv_heads, group, batch, context, false, ceiling);
      }
      measure(buffers, cache_bytes, kv_heads, group, batch, 32768, true, ceiling);
    }
  }
}

}  // namespace
}  // namespace outrider

int main() {
  outrider::run();
  return 0;
}
