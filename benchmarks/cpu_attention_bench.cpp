// Decode attention on the CPU against the DRAM read ceiling of the same run, over paths, threads, query heads per KV
// head, and contiguous or scattered blocks. Prints CSV.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/pages.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/thread_pool.h"
#include "sim/base/random.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

constexpr std::int64_t kDim = 128, kBlockTokens = 32, kBlockElements = 2 * kBlockTokens * kDim;
constexpr std::size_t kHeads = 256, kBlocksPerHead = 512;  // of 16 KiB: 2 GiB in all

struct Timing {
  double median, spread;  // seconds; (P90 − P10) ÷ median
};

Timing timed(const std::function<void()>& work) {
  std::vector<double> samples;
  for (int i = 0; i < 13; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i >= 2) samples.push_back(took.count());
  }
  const double median = nearest_quantile(samples, 0.5);
  return {median, (nearest_quantile(samples, 0.9) - nearest_quantile(samples, 0.1)) / median};
}

void print(const char* what, const ThreadPool& pool, std::int64_t group, const char* blocks, Timing time,
           double bytes) {
  std::printf("%s,%d,%lld,%s,%.6g,%.6g,%.2f,%.3f\n", what, pool.threads(), static_cast<long long>(group), blocks, bytes,
              time.median, bytes / time.median * 1e-9, time.spread);
  std::fflush(stdout);
}

class Bench {
 public:
  Bench() : memory_(huge_pages(kHeads * kBlocksPerHead * kBlockElements * sizeof(Bf16))) {
    // One block of normals per head, again and again.
    ThreadPool pool;
    pool.parallel_for(kHeads, [&](std::size_t head, int) {
      RandomStream random = RandomStream(1).fork(std::to_string(head));
      Bf16* const begin = cache() + head * kBlocksPerHead * static_cast<std::size_t>(kBlockElements);
      for (std::int64_t i = 0; i < kBlockElements; ++i) begin[i] = to_bf16(static_cast<float>(random.normal()));
      for (std::size_t block = 1; block < kBlocksPerHead; ++block)
        std::memcpy(begin + block * static_cast<std::size_t>(kBlockElements), begin, kBlockElements * sizeof(Bf16));
    });
  }

  void run() {
    std::printf("what,threads,group,blocks,bytes,seconds,GB/s,spread\n");
    const auto most = static_cast<int>(usable_processors().size());
    for (int threads = 1; threads <= most; threads *= 2) run_with(threads, threads == 1 || threads * 2 > most);
    if ((most & (most - 1)) != 0) run_with(most, true);
  }

 private:
  void run_with(int threads, bool all_groups) {
    ThreadPool pool({.threads = threads - 1});
    // One thread needs a part of the cache only; all of it is far more than any last-level cache holds.
    const std::size_t heads = std::min<std::size_t>(kHeads, 32 * static_cast<std::size_t>(threads));
    read(pool, heads);
    for (const std::int64_t group : {4, 1, 2, 8, 16}) {
      if (group != 4 && !all_groups) continue;
      for (const CpuPath path : {CpuPath::amx_bf16, CpuPath::avx512_bf16, CpuPath::avx2}) {
        if (!can_run(path)) continue;
        for (const bool scattered : {false, true}) attend_with(path, pool, heads, group, scattered);
      }
    }
  }

  double bytes_of(std::size_t heads) const {
    return static_cast<double>(heads * kBlocksPerHead) * static_cast<double>(kBlockElements) * sizeof(Bf16);
  }

  void read(ThreadPool& pool, std::size_t heads) {
    std::vector<std::uint64_t> sums(heads);
    const std::size_t words = kBlocksPerHead * static_cast<std::size_t>(kBlockElements) / 4;
    const Timing time = timed([&] {
      pool.parallel_for(heads, [&](std::size_t head, int) {
        sums[head] = read_stream(reinterpret_cast<const std::uint64_t*>(cache()) + head * words, words);
      });
    });
    const bool any = std::any_of(sums.begin(), sums.end(), [](std::uint64_t sum) { return sum != 0; });
    print(any ? "read" : "read (empty)", pool, 0, "contiguous", time, bytes_of(heads));
  }

  void attend_with(CpuPath path, ThreadPool& pool, std::size_t heads, std::int64_t group, bool scattered) {
    RandomStream random(2);
    std::vector<std::int32_t> blocks(heads * kBlocksPerHead);
    std::iota(blocks.begin(), blocks.end(), 0);
    for (std::size_t i = blocks.size(); scattered && i > 1; --i) std::swap(blocks[i - 1], blocks[random.below(i)]);
    const auto rows = static_cast<std::size_t>(group) * heads;
    std::vector<float> queries(rows * kDim), output(rows * kDim), lse(rows);
    for (float& each : queries) each = static_cast<float>(random.normal());
    const Timing time = timed([&] {
      pool.parallel_for(heads, [&](std::size_t head, int) {
        const std::size_t row = head * static_cast<std::size_t>(group);
        AttentionPart<Bf16> part;
        part.kv = {cache(), kBlockElements, kBlockTokens, kDim};
        part.blocks = {blocks.data() + head * kBlocksPerHead, kBlocksPerHead};
        part.tokens = static_cast<std::int64_t>(kBlocksPerHead) * kBlockTokens;
        part.group = group;
        part.queries = queries.data() + row * kDim;
        part.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(kDim)));
        part.output = output.data() + row * kDim;
        part.lse = lse.data() + row;
        attend(path, part);
      });
    });
    print(to_string(path), pool, group, scattered ? "scattered" : "contiguous", time, bytes_of(heads));
  }

  Bf16* cache() const { return static_cast<Bf16*>(memory_.get()); }

  Pages memory_;
};

}  // namespace
}  // namespace outrider

int main() {
  outrider::Bench().run();
  return 0;
}
