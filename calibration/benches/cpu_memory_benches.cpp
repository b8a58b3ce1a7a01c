// Each trial works on memory that was not used for longest, dealt to the threads in parts.
#include "calibration/benches/cpu_memory_benches.h"

#include <algorithm>
#include <numeric>

#include "calibration/benches/cpu_timing.h"
#include "kernels/cpu/adam.h"
#include "kernels/cpu/digest.h"
#include "kernels/cpu/gather.h"
#include "kernels/cpu/hash_tables.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/topk.h"
#include "sim/base/check.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::size_t kPartsPerThread = 4;
constexpr std::int64_t kHeads = 8, kGroup = 4, kDim = 128;

// Items of a trial in even parts, four to a thread.
class Parts {
 public:
  Parts(int threads, std::size_t items) : pool_({.threads = threads - 1}), items_(items) {}

  template <class Work>
  Trial run(const Work& work) {
    const std::size_t parts = std::min(items_, kPartsPerThread * static_cast<std::size_t>(pool_.threads()));
    return timed([&] {
      pool_.parallel_for(parts, [&](std::size_t part, int thread) {
        const std::size_t first = part * items_ / parts;
        work(first, (part + 1) * items_ / parts - first, thread);
      });
    });
  }
  int threads() const { return pool_.threads(); }

 private:
  ThreadPool pool_;
  std::size_t items_;
};

// Scattered fragments into a staging buffer.
class GatherExperiment final : public Experiment {
 public:
  GatherExperiment(CpuArena& arena, int threads, std::size_t fragment, std::size_t count)
      : arena_(arena),
        parts_(threads, count),
        fragment_(fragment),
        count_(count),
        staging_(huge_pages(fragment * count)) {
    arena.need_any_content();
    CHECK(staging_ != nullptr, "no memory of {} bytes", fragment * count);
    const auto all = static_cast<std::size_t>(arena.bytes()) / fragment;
    sources_.resize(all);
    for (std::size_t i = 0; i < all; ++i) sources_[i] = static_cast<std::int64_t>(i * fragment);
    RandomStream random(5);
    for (std::size_t i = all; i > 1; --i) std::swap(sources_[i - 1], sources_[random.below(i)]);
    slots_.resize(count);
    std::iota(slots_.begin(), slots_.end(), 0);
  }

  Trial trial() override {
    if (next_ + count_ > sources_.size()) next_ = 0;
    GatherPart all;
    all.host = arena_.words();
    all.sources = std::span(sources_).subspan(next_, count_);
    all.slots = slots_;
    all.pool = staging_.get();
    all.fragment_bytes = all.slot_bytes = static_cast<std::int64_t>(fragment_);
    next_ += count_;
    return parts_.run(
        [&](std::size_t first, std::size_t count, int) { gather(best_path(), slice(all, first, count)); });
  }

 private:
  const CpuArena& arena_;
  Parts parts_;
  std::size_t fragment_, count_, next_ = 0;
  Pages staging_;
  std::vector<std::int64_t> sources_;
  std::vector<std::int32_t> slots_;
};

// Digests of consecutive blocks, all heads of each.
class ScoreExperiment final : public Experiment {
 public:
  ScoreExperiment(CpuArena& arena, int threads, std::size_t blocks)
      : arena_(arena),
        parts_(threads, blocks),
        blocks_(blocks),
        queries_(kHeads * kGroup * kDim),
        scores_(kHeads * blocks) {
    arena.need_normals();
    RandomStream random(6);
    for (Bf16& each : queries_) each = to_bf16(static_cast<float>(random.normal()));
    listed_.resize(static_cast<std::size_t>(arena.bytes()) / (kHeads * 2 * kDim * sizeof(Bf16)));
    std::iota(listed_.begin(), listed_.end(), 0);
  }

  Trial trial() override {
    if (next_ + blocks_ > listed_.size()) next_ = 0;
    const std::span<const std::int32_t> blocks = std::span(listed_).subspan(next_, blocks_);
    next_ += blocks_;
    return parts_.run([&](std::size_t first, std::size_t count, int) {
      for (std::int64_t head = 0; head < kHeads; ++head) {
        DigestScorePart part;
        part.queries = queries_.data() + head * kGroup * kDim;
        part.digests = arena_.elements();
        part.blocks = blocks;
        part.kv_heads = kHeads;
        part.head = head;
        part.group = kGroup;
        part.scores = scores_.data() + static_cast<std::size_t>(head) * blocks_;
        score_digests(best_path(), slice(part, first, count));
      }
    });
  }

 private:
  const CpuArena& arena_;
  Parts parts_;
  std::size_t blocks_, next_ = 0;
  std::vector<Bf16> queries_;
  std::vector<std::int32_t> listed_;
  std::vector<float> scores_;
};

// Rows as their scoring left them, in the caches.
class SelectExperiment final : public Experiment {
 public:
  SelectExperiment(int threads, std::size_t rows, std::size_t scores, std::int64_t k)
      : parts_(threads, rows),
        width_(scores),
        k_(k),
        scores_(rows * scores),
        selected_(rows * static_cast<std::size_t>(k)) {
    RandomStream random(7);
    for (float& each : scores_) each = static_cast<float>(random.normal());
    scratch_.resize(static_cast<std::size_t>(parts_.threads()) * top_k_scratch(scores));
  }

  Trial trial() override {
    return parts_.run([&](std::size_t first, std::size_t count, int thread) {
      const std::size_t room = top_k_scratch(width_);
      for (std::size_t row = first; row < first + count; ++row) {
        select_top_k(best_path(),
                     {.scores = std::span(scores_).subspan(row * width_, width_),
                      .k = k_,
                      .selected = selected_.data() + row * static_cast<std::size_t>(k_),
                      .scratch = std::span(scratch_).subspan(static_cast<std::size_t>(thread) * room, room)});
      }
    });
  }

 private:
  Parts parts_;
  std::size_t width_;
  std::int64_t k_;
  std::vector<float> scores_;
  std::vector<std::int32_t> selected_, scratch_;
};

struct LookupCase {
  std::int64_t rows = 32, tables = 150, hash_bits = 10, tokens = 32768;
};

// Query heads in the tables of kHeads KV heads, other buckets in every trial.
class LookupExperiment final : public Experiment {
 public:
  LookupExperiment(int threads, const LookupCase& at)
      : parts_(threads, static_cast<std::size_t>(at.rows)), at_(at), hashes_(count(at.rows * at.tables)) {
    const std::int64_t buckets = std::int64_t{1} << at.hash_bits;
    std::vector<std::int32_t> keys(count(at.tables * at.tokens));
    for (std::int64_t head = 0; head < kHeads; ++head) {
      for (std::int32_t& key : keys) key = static_cast<std::int32_t>(random_.below(count(buckets)));
      tables_.push_back(build_hash_tables(keys, at.tables, buckets));
    }
    counts_.resize(count(at.tokens * parts_.threads()));
    found_.resize(count((at.tokens + 1) * parts_.threads()));
  }

  Trial trial() override {
    const auto buckets = count(tables_.front().buckets);
    for (std::int32_t& hash : hashes_) hash = static_cast<std::int32_t>(random_.below(buckets));
    return parts_.run([&](std::size_t first, std::size_t rows, int thread) {
      const std::size_t tables = count(at_.tables), tokens = count(at_.tokens), of = static_cast<std::size_t>(thread);
      for (std::size_t row = first; row < first + rows; ++row) {
        look_up_hashes({.tables = tables_[row * tables_.size() / count(at_.rows)].view(),
                        .hashes = std::span(hashes_).subspan(row * tables, tables),
                        .counts = std::span(counts_).subspan(of * tokens, tokens),
                        .found = std::span(found_).subspan(of * (tokens + 1), tokens + 1)});
      }
    });
  }

 private:
  static std::size_t count(std::int64_t number) { return static_cast<std::size_t>(number); }

  Parts parts_;
  LookupCase at_;
  RandomStream random_{8};
  std::vector<OwnedHashTables> tables_;
  std::vector<std::int32_t> hashes_, found_;
  std::vector<std::uint8_t> counts_;
};

class AdamExperiment final : public Experiment {
 public:
  AdamExperiment(int threads, std::int64_t count)
      : parts_(threads, static_cast<std::size_t>(count / kLine)),
        memory_(huge_pages(static_cast<std::size_t>(count) * 16)) {
    CHECK(memory_ != nullptr, "no memory for {} weights", count);
    auto* const floats = static_cast<float*>(memory_.get());
    std::fill(floats, floats + 4 * count, 0.0f);
    step_.weights = floats;
    step_.first = floats + count;
    step_.second = floats + 2 * count;
    auto* const halves = reinterpret_cast<Bf16*>(floats + 3 * count);
    step_.gradients = halves;
    step_.copy = halves + count;
    step_.count = count;
  }

  Trial trial() override {
    return parts_.run([&](std::size_t first, std::size_t lines, int) {
      adam_step(best_path(),
                slice(step_, static_cast<std::int64_t>(first) * kLine, static_cast<std::int64_t>(lines) * kLine));
    });
  }

 private:
  static constexpr std::int64_t kLine = 32;  // weights whose arrays share no cache line with others
  Parts parts_;
  Pages memory_;
  AdamPart<Bf16> step_;
};

Microbench bench_of(const char* family, SampleShape shape, std::function<std::unique_ptr<Experiment>()> prepare) {
  Microbench bench;
  bench.family = family;
  bench.shape = std::move(shape);
  bench.prepare = std::move(prepare);
  return bench;
}

Microbench gather_bench(int threads, double fragment, CpuArena& arena) {
  const auto count = static_cast<std::size_t>(std::min(67108864.0, arena.bytes() / 4.0) / fragment);
  return bench_of("cpu_gather",
                  {{"threads", static_cast<double>(threads)},
                   {"fragment", fragment},
                   {"count", static_cast<double>(count)},
                   {"bytes", fragment * static_cast<double>(count)}},
                  [=, &arena] {
                    return std::make_unique<GatherExperiment>(arena, threads, static_cast<std::size_t>(fragment),
                                                              count);
                  });
}

Microbench lookup_bench(int threads, const LookupCase& at) {
  return bench_of("cpu_hash_lookup",
                  {{"threads", static_cast<double>(threads)},
                   {"rows", static_cast<double>(at.rows)},
                   {"tables", static_cast<double>(at.tables)},
                   {"hash_bits", static_cast<double>(at.hash_bits)},
                   {"tokens", static_cast<double>(at.tokens)}},
                  [=] { return std::make_unique<LookupExperiment>(threads, at); });
}

}  // namespace

std::vector<Microbench> cpu_gathers_beside(const std::string& family, const HostFacts& facts, CpuArena& arena,
                                           const WrapExperiment& wrapped) {
  std::vector<Microbench> list;
  for (const double fragment : {2048.0, 16384.0}) {
    Microbench bench = gather_bench(std::max(1, facts.processors - 1), fragment, arena);
    bench.family = family;
    bench.prepare = [inner = bench.prepare, wrapped] { return wrapped(inner()); };
    list.push_back(std::move(bench));
  }
  return list;
}

std::vector<Microbench> cpu_memory_benches(const HostFacts& facts, Effort effort, CpuArena& arena) {
  const int threads = std::max(1, facts.processors - 1);
  const double count_of = threads;
  std::vector<Microbench> list;
  for (const double fragment : {256.0, 2048.0, 16384.0}) list.push_back(gather_bench(threads, fragment, arena));
  for (const std::size_t blocks : {1024, 16384}) {
    list.push_back(bench_of("cpu_score",
                            {{"threads", count_of},
                             {"kv_heads", kHeads},
                             {"q_heads", kHeads * kGroup},
                             {"head_dim", kDim},
                             {"blocks", static_cast<double>(blocks)}},
                            [=, &arena] { return std::make_unique<ScoreExperiment>(arena, threads, blocks); }));
  }
  if (effort == Effort::quick) return list;
  for (const std::size_t scores : {1024, 4096}) {
    list.push_back(bench_of("cpu_select",
                            {{"threads", count_of}, {"rows", 128}, {"scores", static_cast<double>(scores)}, {"k", 64}},
                            [=] { return std::make_unique<SelectExperiment>(threads, 128, scores, 64); }));
  }
  // Of 8 query heads or more for each thread, as layers of a few sequences have.
  const std::int64_t rows = std::max<std::int64_t>(4 * kHeads, 8 * threads / kHeads * kHeads);
  for (const std::int64_t tokens : {8192, 32768, 98304}) list.push_back(lookup_bench(threads, {rows, 150, 10, tokens}));
  for (const auto& [tables, bits] : {std::pair<std::int64_t, std::int64_t>{75, 8}, {150, 12}, {75, 6}, {40, 4}})
    list.push_back(lookup_bench(threads, {rows, tables, bits, 32768}));
  list.push_back(bench_of("cpu_adam", {{"threads", count_of}, {"count", 16777216}},
                          [=] { return std::make_unique<AdamExperiment>(threads, 16777216); }));
  return list;
}

}  // namespace outrider
