// Digests, gather, Adam and top-k on one thread beside the rates at which it reads and writes memory. Every round runs
// all of them, ceilings too, so that what else the machine does meets all alike; time is the thread's own, which leaves
// out when others had its core. Prints CSV.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/cpu/adam.h"
#include "kernels/cpu/digest.h"
#include "kernels/cpu/gather.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/topk.h"
#include "sim/base/random.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

constexpr int kRounds = 15, kWarmUps = 2;
constexpr double kMiB = 1024.0 * 1024.0;
// Far more than last-level caches hold: 256 MiB of each.
constexpr std::int64_t kDim = 128, kHeads = 8, kBlockTokens = 32, kBlocks = 2048, kDigests = 65536;
constexpr std::int64_t kKeyStride = 2 * kBlockTokens * kDim;  // V lies between the keys
constexpr std::int64_t kGathered = 128 * 1024 * 1024;         // bytes
constexpr std::int64_t kWeights = 8 * 1024 * 1024;

// What one run of it reads and writes, in bytes.
struct Work {
  std::string kernel, path;
  double read = 0.0, written = 0.0;
  std::function<void()> run;
  std::vector<double> seconds = {};
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(const std::vector<double>& samples) { return nearest_quantile(samples, 0.5); }

// (P90 − P10) ÷ median.
double spread(const std::vector<double>& samples) {
  return (nearest_quantile(samples, 0.9) - nearest_quantile(samples, 0.1)) / median(samples);
}

std::vector<std::int32_t> shuffled(std::int64_t count) {
  RandomStream random(1);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[random.below(i)]);
  return ids;
}

// Some thousand normals, again and again.
template <class Element, class Convert>
std::vector<Element> normals(std::size_t count, Convert convert) {
  RandomStream random(2);
  std::vector<Element> values(count);
  constexpr std::size_t kDrawn = 4099;
  for (std::size_t i = 0; i < count; ++i)
    values[i] = i < kDrawn ? convert(static_cast<float>(random.normal())) : values[i - kDrawn];
  return values;
}

class Bench {
 public:
  Bench()
      : cache_(normals<Bf16>(static_cast<std::size_t>(kBlocks * kHeads * kKeyStride), to_bf16)),
        digests_(normals<Bf16>(static_cast<std::size_t>(kDigests * kHeads * 2 * kDim), to_bf16)),
        pool_(kGathered / 8 + 8),
        blocks_(shuffled(kBlocks)),
        digested_(shuffled(kDigests)),
        in_order_(static_cast<std::size_t>(kDigests * kHeads)),
        scores_(normals<float>(kDigests, [](float each) { return each; })) {
    std::iota(in_order_.begin(), in_order_.end(), 0);
    add_ceilings();
    for (const CpuPath path : {CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16}) {
      if (!can_run(path)) continue;
      add_digests(path);
      add_gather(path);
      add_adam(path);
      for (const std::int64_t count : {2048, 65536}) add_top_k(path, count);
    }
    for (const std::int64_t count : {2048, 65536}) add_nth_element(count);
  }

  void run() {
    for (int round = -kWarmUps; round < kRounds; ++round) {
      for (Work& work : works_) {
        const double begin = thread_seconds();
        work.run();
        if (round >= 0) work.seconds.push_back(thread_seconds() - begin);
      }
    }
    print();
  }

 private:
  // The last column: how long reading and then writing as many bytes takes at the ceilings, ÷ the median.
  void print() const {
    std::printf("kernel,path,MiB read,MiB written,seconds,GB/s,spread,read_stream,write_stream,of ceiling\n");
    const auto rate = [](const Work& work) { return (work.read + work.written) / median(work.seconds); };
    const double read = rate(works_[0]), write = rate(works_[1]);
    for (const Work& work : works_) {
      const double took = median(work.seconds);
      std::printf("%s,%s,%.1f,%.1f,%.4g,%.2f,%.3f,%.2f,%.2f,%.2f\n", work.kernel.c_str(), work.path.c_str(),
                  work.read / kMiB, work.written / kMiB, took, rate(work) * 1e-9, spread(work.seconds), read * 1e-9,
                  write * 1e-9, (work.read / read + work.written / write) / took);
    }
  }

  std::uint64_t* aligned_pool() { return pool_.data() + (8 - reinterpret_cast<std::uintptr_t>(pool_.data()) / 8 % 8); }

  void add_ceilings() {
    const std::size_t words = cache_.size() / 8;  // half of the cache: as much as the keys
    works_.push_back({"read_stream", "", static_cast<double>(words) * 8.0, 0.0, [this, words] {
                        sum_ += read_stream(reinterpret_cast<const std::uint64_t*>(cache_.data()), words);
                      }});
    works_.push_back({"write_stream", "", 0.0, static_cast<double>(kGathered),
                      [this] { write_stream(aligned_pool(), kGathered / 8, sum_); }});
  }

  void add_digests(CpuPath path) {
    DigestBuildPart build;
    build.keys = cache_.data();
    build.key_stride = kKeyStride;
    build.blocks = blocks_;
    build.block_tokens = kBlockTokens;
    build.kv_heads = kHeads;
    built_.resize(static_cast<std::size_t>(kBlocks * kHeads * 2 * kDim));
    build.digests = built_.data();
    const double keys = static_cast<double>(kBlocks * kHeads * kBlockTokens * kDim) * 2.0;
    works_.push_back({"build_digests", to_string(path), keys, keys / 16.0, [=] { build_digests(path, build); }});
    for (const std::int64_t group : {1, 4, 8}) add_scores(path, group, true);
    add_scores(path, 4, false);
  }

  // Scattered: blocks in any order, of which a head has 512 bytes in 4 KiB. Otherwise digests are read in one stretch.
  void add_scores(CpuPath path, std::int64_t group, bool scattered) {
    const std::int64_t heads = scattered ? kHeads : 1;
    const std::vector<std::int32_t>& blocks = scattered ? digested_ : in_order_;
    bounds_.resize(in_order_.size());
    DigestScorePart score{cache_.data(), digests_.data(), blocks, heads, 0, group, kDim, bounds_.data()};
    const double digests = static_cast<double>(kDigests * kHeads);
    works_.push_back({"score_digests/group " + std::to_string(group) + (scattered ? " scattered" : " in order"),
                      to_string(path), digests * 4.0 * static_cast<double>(kDim), digests * 4.0, [=]() mutable {
                        for (score.head = 0; score.head < heads; ++score.head) score_digests(path, score);
                        score.head = 0;
                      }});
  }

  void add_gather(CpuPath path) {
    for (const std::int64_t bytes : {1024, 8192, 65536}) {
      const std::vector<std::int32_t> order = shuffled(static_cast<std::int64_t>(cache_.size()) * 2 / bytes);
      std::vector<std::int64_t> sources(static_cast<std::size_t>(kGathered / bytes));
      for (std::size_t i = 0; i < sources.size(); ++i) sources[i] = order[i] * bytes;
      std::vector<std::int32_t> slots(sources.size());
      std::iota(slots.begin(), slots.end(), 0);
      works_.push_back({"gather/" + std::to_string(bytes) + " B", to_string(path), static_cast<double>(kGathered),
                        static_cast<double>(kGathered), [=, this] {
                          gather(path, {cache_.data(), sources, slots, aligned_pool(), bytes, bytes});
                        }});
    }
  }

  void add_adam(CpuPath path) {
    const auto count = static_cast<std::size_t>(kWeights);
    for (std::vector<float>* each : {&weights_, &first_, &second_, &gradients_}) each->resize(count, 1e-3f);
    copy_.resize(count);
    const double bytes = static_cast<double>(kWeights);
    works_.push_back({"adam/bf16", to_string(path), 14.0 * bytes, 14.0 * bytes, [=, this] {
                        adam_step(path, AdamPart<Bf16>{weights_.data(), first_.data(), second_.data(), cache_.data(),
                                                       copy_.data(), kWeights});
                      }});
    works_.push_back({"adam/fp32", to_string(path), 16.0 * bytes, 14.0 * bytes, [=, this] {
                        adam_step(path, AdamPart<float>{weights_.data(), first_.data(), second_.data(),
                                                        gradients_.data(), copy_.data(), kWeights});
                      }});
  }

  // One row again and again, which the cache holds as it does after scoring; counted as read once.
  void add_row(std::int64_t count, const std::string& path, const std::function<void()>& select) {
    const std::int64_t rows = 1024 * 1024 / count;
    works_.push_back({"top_k/" + std::to_string(count) + " in cache", path, static_cast<double>(rows * count) * 4.0,
                      static_cast<double>(rows * count / 16) * 4.0, [=] {
                        for (std::int64_t row = 0; row < rows; ++row) select();
                      }});
  }

  void add_top_k(CpuPath path, std::int64_t count) {
    scratch_.resize(top_k_scratch(kDigests));
    selected_.resize(kDigests);
    const std::span<const float> scores(scores_.data(), static_cast<std::size_t>(count));
    add_row(count, to_string(path), [=, this] {
      select_top_k(path, {scores, count / 16, selected_.data(), scratch_});
    });
  }

  // What a program would write without these kernels: the k-th largest by the library, then a pass over the row.
  void add_nth_element(std::int64_t count) {
    add_row(count, "nth_element", [=, this] {
      sorted_.assign(scores_.begin(), scores_.begin() + count);
      std::nth_element(sorted_.begin(), sorted_.begin() + count / 16 - 1, sorted_.end(), std::greater<>());
      const float least = sorted_[static_cast<std::size_t>(count / 16 - 1)];
      std::int64_t at = 0;
      for (std::int64_t i = 0; i < count && at < count / 16; ++i) {
        selected_[static_cast<std::size_t>(at)] = static_cast<std::int32_t>(i);
        at += scores_[static_cast<std::size_t>(i)] >= least;
      }
    });
  }

  std::vector<Bf16> cache_, digests_, built_, copy_;
  std::vector<std::uint64_t> pool_;
  std::vector<std::int32_t> blocks_, digested_, in_order_, scratch_, selected_;
  std::vector<float> scores_, bounds_, weights_, first_, second_, gradients_, sorted_;
  std::uint64_t sum_ = 0;
  std::vector<Work> works_;
};

}  // namespace
}  // namespace outrider

int main() {
  outrider::Bench().run();
  return 0;
}
