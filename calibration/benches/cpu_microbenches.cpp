// Preparation of the CPU's trials: memory touched by those who read it, pools, and a watch for preemptions.
#include "calibration/benches/cpu_microbenches.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>

#include "calibration/benches/cpu_memory_benches.h"
#include "calibration/benches/cpu_numa_benches.h"
#include "calibration/benches/cpu_timing.h"
#include "kernels/cpu/attention_batch.h"
#include "kernels/cpu/numa.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/thread_pool.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::int64_t kHeads = 8, kDim = CpuArena::kHeadDim, kBlockTokens = CpuArena::kBlockTokens;
constexpr std::size_t kWordsPerBlock = CpuArena::kWordsPerBlock;

// 1, 2, 4, … and all.
std::vector<int> thread_counts(int processors) {
  std::vector<int> counts;
  for (int threads = 1; threads < processors; threads *= 2) counts.push_back(threads);
  counts.push_back(processors);
  return counts;
}

// One thread takes long for all of the arena, and a part of it is as good.
std::size_t blocks_for(const CpuArena& arena, int threads, int processors) {
  const std::size_t least = arena.blocks() / 4;
  return std::max(least, arena.blocks() * static_cast<std::size_t>(threads) / static_cast<std::size_t>(processors));
}

constexpr std::size_t kStreamBlocks = 64;  // to a chunk: 1 MiB

class StreamExperiment final : public Experiment {
 public:
  StreamExperiment(CpuArena& arena, int threads, std::size_t chunks, bool reads)
      : arena_(arena), pool_({.threads = threads - 1}), sums_(chunks), reads_(reads) {
    if (reads) {
      arena.need_any_content();
    } else {
      arena.need_to_write();
    }
  }

  Trial trial() override {
    return timed([&] {
      pool_.parallel_for(sums_.size(), [&](std::size_t chunk, int) {
        constexpr std::size_t kWords = kStreamBlocks * kWordsPerBlock;
        std::uint64_t* const words = arena_.words() + chunk * kWords;
        if (reads_) {
          sums_[chunk] = read_stream(words, kWords);
        } else {
          write_stream(words, kWords, 0x3f803f803f803f80ull);
        }
      });
    });
  }

 private:
  const CpuArena& arena_;
  ThreadPool pool_;
  std::vector<std::uint64_t> sums_;
  bool reads_;
};

Microbench stream_bench(const std::string& family, CpuArena& arena, int threads, int processors) {
  const std::size_t chunks = blocks_for(arena, threads, processors) / kStreamBlocks;
  const double bytes = static_cast<double>(chunks * kStreamBlocks * kWordsPerBlock * sizeof(std::uint64_t));
  Microbench bench;
  bench.family = family;
  bench.shape = {{"threads", static_cast<double>(threads)}, {"bytes", bytes}};
  bench.prepare = [=, &arena] {
    return std::make_unique<StreamExperiment>(arena, threads, chunks, family == "dram_read");
  };
  return bench;
}

// In quick succession, as layers follow each other: workers still spin.
class ForkJoinExperiment final : public Experiment {
 public:
  explicit ForkJoinExperiment(int threads) : pool_({.threads = threads - 1}) {}

  Trial trial() override {
    constexpr int kRounds = 100;
    Trial trial = timed([&] {
      for (int i = 0; i < kRounds; ++i)
        pool_.parallel_for(static_cast<std::size_t>(pool_.threads()), [](std::size_t, int) {});
    });
    trial.seconds /= kRounds;
    return trial;
  }

 private:
  ThreadPool pool_;
};

Microbench fork_join_bench(int threads) {
  Microbench bench;
  bench.family = "fork_join";
  bench.shape = {{"threads", static_cast<double>(threads)}};
  bench.prepare = [=] { return std::make_unique<ForkJoinExperiment>(threads); };
  return bench;
}

// From the call to the start of the first worker, which polls for it.
class DispatchExperiment final : public Experiment {
 public:
  explicit DispatchExperiment(int threads) : pool_({.threads = threads - 1}) {}

  Trial trial() override {
    constexpr int kRounds = 50;
    double seconds = 0.0;
    for (int i = 0; i < kRounds; ++i) seconds += until_the_first_starts();
    return {seconds / kRounds, false};
  }

 private:
  double until_the_first_starts() {
    using Clock = std::chrono::steady_clock;
    std::atomic<bool> started{false};
    std::atomic<Clock::rep> first{0};
    pool_.parallel_for(static_cast<std::size_t>(pool_.threads()), [](std::size_t, int) {});  // wakes all
    const Clock::time_point begin = Clock::now();
    pool_.parallel_for(static_cast<std::size_t>(pool_.threads()), [&](std::size_t, int thread) {
      while (thread == 0 && !started.load(std::memory_order_acquire)) {}
      if (thread == 0 || started.exchange(true, std::memory_order_acq_rel)) return;
      first = Clock::now().time_since_epoch().count();
    });
    return std::chrono::duration<double>(Clock::duration(first.load()) - begin.time_since_epoch()).count();
  }

  ThreadPool pool_;
};

struct AttendCase {
  int threads = 1;
  std::int64_t sequences = 1, tokens = 2048, group = 4;  // tokens of each sequence
  bool scattered = true;
  std::int64_t block_tokens = kBlockTokens;
};

class AttendExperiment final : public Experiment {
 public:
  AttendExperiment(CpuArena& arena, const AttendCase& at)
      : arena_(arena),
        at_(at),
        pool_({.threads = at.threads - 1}),
        attender_(pool_),
        order_(arena.blocks() * count(kBlockTokens / at.block_tokens)) {
    arena.need_normals();
    RandomStream random(2);
    std::iota(order_.begin(), order_.end(), 0);
    for (std::size_t i = order_.size(); at.scattered && i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
    const std::vector<std::int32_t> once = order_;
    order_.insert(order_.end(), once.begin(), once.end());
    heads_.resize(static_cast<std::size_t>(at.sequences * kHeads));
    const std::size_t rows = heads_.size() * static_cast<std::size_t>(at.group);
    queries_.resize(rows * kDim);
    output_.resize(rows * kDim);
    lse_.resize(rows);
    for (float& each : queries_) each = static_cast<float>(random.normal());
  }

  Trial trial() override {
    deal_blocks();
    const AttentionBatch<Bf16> batch{.kv = {arena_.elements(), 2 * at_.block_tokens * kDim, at_.block_tokens, kDim},
                                     .heads = heads_,
                                     .group = at_.group,
                                     .queries = queries_.data(),
                                     .scale = 1.0f / std::sqrt(static_cast<float>(kDim)),
                                     .output = output_.data(),
                                     .lse = lse_.data()};
    return timed([&] { attender_.attend(best_path(), batch); });
  }

 private:
  static std::size_t count(std::int64_t number) { return static_cast<std::size_t>(number); }

  // Every KV head of every sequence gets blocks of its own, and every trial those that were not read for longest.
  void deal_blocks() {
    const std::size_t all = order_.size() / 2, per_head = count(at_.tokens / at_.block_tokens);
    for (std::size_t head = 0; head < heads_.size(); ++head)
      heads_[head] = {std::span(order_).subspan((next_ + head * per_head) % all, per_head), at_.tokens};
    next_ = (next_ + heads_.size() * per_head) % all;
  }

  const CpuArena& arena_;
  AttendCase at_;
  ThreadPool pool_;
  BatchAttender attender_;
  std::vector<std::int32_t> order_;  // of all blocks, twice
  std::size_t next_ = 0;             // where the next trial starts in it
  std::vector<AttentionHead> heads_;
  std::vector<float> queries_, output_, lse_;
};

Microbench attend_bench(CpuArena& arena, const AttendCase& at) {
  Microbench bench;
  bench.family = at.block_tokens == 1 ? "cpu_attend_tokens" : "cpu_attend";
  bench.shape = {{"threads", static_cast<double>(at.threads)},
                 {"sequences", static_cast<double>(at.sequences)},
                 {"kv_heads", static_cast<double>(kHeads)},
                 {"q_heads", static_cast<double>(kHeads * at.group)},
                 {"head_dim", static_cast<double>(kDim)},
                 {"tokens", static_cast<double>(at.sequences * at.tokens)},
                 {"block_tokens", static_cast<double>(at.block_tokens)},
                 {"scattered", at.scattered ? 1.0 : 0.0}};
  bench.prepare = [=, &arena] { return std::make_unique<AttendExperiment>(arena, at); };
  return bench;
}

std::vector<AttendCase> attend_cases(int processors, Effort effort) {
  std::vector<AttendCase> cases;
  // Nearly all cores attend: where two threads share a core, a few would be faster than their part of all.
  std::vector<int> threads = {processors};
  if (processors > 1) threads.push_back(processors - 1);
  for (const int count : threads) {
    for (const std::int64_t group : {1, 2, 4, 5, 8}) {
      if (effort == Effort::quick && group == 2) continue;
      for (const auto& [sequences, tokens] :
           {std::pair<std::int64_t, std::int64_t>{1, 256}, {1, 2048}, {64, 96}, {16, 512}, {8, 1536}, {16, 8192}}) {
        cases.push_back({count, sequences, tokens, group, true});
        if (effort == Effort::full && tokens == 8192) cases.push_back({count, sequences, tokens, group, false});
      }
    }
  }
  if (effort == Effort::quick) return cases;
  const int workers = std::max(1, processors - 1);
  for (const std::int64_t group : {1, 4}) {
    for (const auto& [sequences, tokens] : {std::pair<std::int64_t, std::int64_t>{4, 160}, {4, 640}, {16, 2048}})
      cases.push_back({workers, sequences, tokens, group, true, 1});
  }
  return cases;
}

}  // namespace

Microbench cpu_attention_beside(const std::string& family, const HostFacts& facts, CpuArena& arena,
                                const WrapExperiment& wrapped) {
  const AttendCase at{.threads = std::max(1, facts.processors - 1), .sequences = 16, .tokens = 8192, .group = 1};
  Microbench bench = attend_bench(arena, at);
  bench.family = family;
  bench.prepare = [inner = bench.prepare, wrapped] { return wrapped(inner()); };
  return bench;
}

std::vector<Microbench> cpu_microbenches(const HostFacts& facts, Effort effort, CpuArena& arena) {
  std::vector<Microbench> list;
  for (const AttendCase& at : attend_cases(facts.processors, effort)) list.push_back(attend_bench(arena, at));
  for (const int threads : thread_counts(facts.processors))
    list.push_back(stream_bench("dram_read", arena, threads, facts.processors));
  for (const int threads : thread_counts(facts.processors)) {
    if (threads > 1) list.push_back(fork_join_bench(threads));
  }
  if (facts.processors > 1) {
    Microbench bench;
    bench.family = "dispatch_pool";
    bench.shape = {{"threads", static_cast<double>(facts.processors)}};
    bench.prepare = [threads = facts.processors] { return std::make_unique<DispatchExperiment>(threads); };
    list.push_back(std::move(bench));
  }
  for (Microbench& bench : cpu_memory_benches(facts, effort, arena)) list.push_back(std::move(bench));
  for (Microbench& bench : cpu_numa_benches(numa_nodes(usable_processors()))) list.push_back(std::move(bench));
  for (const int threads : thread_counts(facts.processors))  // last: it overwrites what attention reads
    list.push_back(stream_bench("dram_write", arena, threads, facts.processors));
  return list;
}

}  // namespace outrider
