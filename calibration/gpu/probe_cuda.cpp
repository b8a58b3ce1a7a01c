// Builds with CUDA: the GPU's microbenchmarks over their shapes.
#include <algorithm>
#include <chrono>
#include <thread>

#include "calibration/benches/cpu_memory_benches.h"
#include "calibration/benches/cpu_microbenches.h"
#include "calibration/benches/gpu_probe.h"
#include "kernels/cuda/trials.h"

namespace outrider {
namespace {

// What a clock that falls during a trial means: that something throttled it, or that its own load does so always.
enum class Clock { steady, falls };

class GpuExperiment final : public Experiment {
 public:
  GpuExperiment(DeviceTrialPtr trial, Clock clock) : trial_(std::move(trial)), clock_(clock) {
    // For some milliseconds after memory was freed, kernels run up to 14 % slower: it seems to be cleared.
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }

  Trial trial() override {
    constexpr double kThrottled = 0.97;
    const DeviceTime time = trial_->run();
    fastest_ = std::max(fastest_, time.clock_hz);
    const bool throttled = clock_ == Clock::steady && time.clock_hz > 0.0 && time.clock_hz < kThrottled * fastest_;
    if (throttled) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // to cool
    return {time.seconds, throttled};
  }

 private:
  DeviceTrialPtr trial_;
  Clock clock_;
  double fastest_ = 0.0;
};

// A kernel of the CPU while copies run: a load half as long again as the kernel was the last time. Where copies ran far
// slower than they did in another trial, the load was not there all the time.
class BesideCopies final : public Experiment {
 public:
  BesideCopies(std::unique_ptr<Experiment> kernel, const LoadKind& kind)
      : kernel_(std::move(kernel)), load_(copy_load(kind)) {}

  Trial trial() override {
    load_->begin(1.5 * last_);
    Trial trial = kernel_->trial();
    const double rate = load_->end();
    last_ = trial.seconds;
    best_rate_ = std::max(best_rate_, rate);
    trial.disturbed = trial.disturbed || rate < 0.7 * best_rate_;
    return trial;
  }

 private:
  std::unique_ptr<Experiment> kernel_;
  std::unique_ptr<CopyLoad> load_;
  double last_ = 0.1, best_rate_ = 0.0;
};

class GpuList {
 public:
  explicit GpuList(Effort effort) : quick_(effort == Effort::quick) {}

  void add(const char* family, SampleShape shape, std::function<DeviceTrialPtr()> make, Clock clock = Clock::steady) {
    Microbench bench;
    bench.family = family;
    bench.shape = std::move(shape);
    bench.prepare = [make = std::move(make), clock] { return std::make_unique<GpuExperiment>(make(), clock); };
    list_.push_back(std::move(bench));
  }

  void add_memory() {
    for (const double bytes : {2e9, 8e9}) {
      if (quick_ && bytes > 2e9) continue;
      add("hbm_read", {{"bytes", bytes}}, [=] { return read_trial(bytes); });
      add("hbm_write", {{"bytes", bytes}}, [=] { return write_trial(bytes); });
    }
    add("kernel_chain", {{"kernels", 1}}, [] { return chain_trial(); });
    for (const double rows : {1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0}) {
      for (const double width : {10240.0, 40960.0}) {  // bytes of a row: hidden states, and what an activation reads
        const double read = 2.0 * rows * width, write = rows * width;
        add("elementwise", {{"rows", rows}, {"read", read}, {"write", write}},
            [=] { return elementwise_trial(read, write); });
      }
    }
  }

  void add_copies() {
    constexpr double kKib = 1024.0, kMost = 1073741824.0;
    for (const auto& [family, way] :
         {std::pair{"copy_h2d", CopyWay::h2d}, {"copy_d2h", CopyWay::d2h}, {"copy_both", CopyWay::both}}) {
      for (double fragment = 4.0 * kKib; fragment <= 262144.0 * kKib; fragment *= quick_ ? 16.0 : 4.0) {
        if (way == CopyWay::both && fragment < 65536.0 * kKib) continue;
        for (const double count : {1.0, 8.0, 64.0, 512.0}) {
          if (fragment * count > kMost || (quick_ && (count == 8.0 || count == 512.0))) continue;
          const double bytes = fragment * count * (way == CopyWay::both ? 2.0 : 1.0);
          add(family, {{"fragment", fragment}, {"count", count}, {"bytes", bytes}},
              [=, way = way] { return copy_trial(way, fragment, count); });
        }
      }
    }
    for (const double fragment : {2.0 * kKib, 8.0 * kKib, 32.0 * kKib, 128.0 * kKib}) {
      for (const std::int32_t ctas : {1, 2, 4, 8, 16, 32}) {
        if (quick_ && (ctas == 2 || ctas == 8 || ctas == 32)) continue;
        const double count = 67108864.0 / fragment;
        add("gather_h2d",
            {{"fragment", fragment}, {"count", count}, {"ctas", static_cast<double>(ctas)}, {"bytes", 67108864.0}},
            [=] { return gather_trial(fragment, count, ctas); });
      }
    }
    add_copy_paths();
    for (const auto& [family, way] :
         {std::pair{"copy_h2d_beside_reads", CopyWay::h2d}, {"copy_d2h_beside_reads", CopyWay::d2h}}) {
      for (const double fragment : {16.0 * kKib, 64.0 * kKib, 256.0 * kKib, 1024.0 * kKib}) {
        if (quick_ && fragment != 64.0 * kKib) continue;
        add(family, {{"fragment", fragment}, {"count", 64.0}, {"bytes", 64.0 * fragment}},
            [=, way = way] { return copy_beside_reads_trial(way, fragment, 64.0); });
      }
    }
    for (const auto& [family, way] : {std::pair{"read_beside_h2d", CopyWay::h2d}, {"read_beside_d2h", CopyWay::d2h}}) {
      add(family, {{"bytes", 8e9}}, [way = way] { return read_beside_copy_trial(way, 8e9); });
    }
    add(
        "read_beside_gemm", {{"bytes", 8e9}}, [] { return read_beside_gemm_trial(8e9); }, Clock::falls);
  }

  // From pageable memory, and as one batched call.
  void add_copy_paths() {
    constexpr double kKib = 1024.0, kMost = 268435456.0;
    for (const auto& [family, way] :
         {std::pair{"copy_h2d_pageable", CopyWay::h2d}, {"copy_d2h_pageable", CopyWay::d2h}}) {
      for (double fragment = 16.0 * kKib; fragment <= 262144.0 * kKib; fragment *= quick_ ? 128.0 : 8.0) {
        for (const double count : {1.0, 16.0}) {
          if (fragment * count > kMost) continue;
          add(family, {{"fragment", fragment}, {"count", count}, {"bytes", fragment * count}},
              [=, way = way] { return pageable_copy_trial(way, fragment, count); });
        }
      }
    }
    for (double fragment = 4.0 * kKib; fragment <= 1024.0 * kKib; fragment *= quick_ ? 16.0 : 4.0) {
      for (const double count : {64.0, 512.0}) {
        add("copy_h2d_batched", {{"fragment", fragment}, {"count", count}, {"bytes", fragment * count}},
            [=] { return batched_copy_trial(fragment, count); });
      }
    }
  }

  void add_host_calls() {
    for (const auto& [family, call] : {std::pair{"launch_kernel", HostCall::launch_kernel},
                                       {"launch_copy", HostCall::launch_copy},
                                       {"launch_graph", HostCall::launch_graph},
                                       {"synchronize", HostCall::synchronize}}) {
      add(family, {{"calls", 1}}, [call = call] { return host_call_trial(call); });
    }
    add_chains();
  }

  void add_chains() {
    add("stream_chain", {{"kernels", 1}}, [] { return stream_chain_trial(); });
    add("event_chain", {{"kernels", 1}}, [] { return event_chain_trial(); });
    for (const auto& [family, way] : {std::pair{"copy_chain_h2d", CopyWay::h2d}, {"copy_chain_d2h", CopyWay::d2h}}) {
      for (const double bytes : {4096.0, 16384.0, 65536.0, 262144.0, 1048576.0}) {
        if (quick_ && bytes != 65536.0) continue;
        add(family, {{"bytes", bytes}}, [=, way = way] { return copy_chain_trial(way, bytes); });
      }
    }
    for (const auto& [family, way] :
         {std::pair{"branch_chain_h2d", CopyWay::h2d}, {"branch_chain_d2h", CopyWay::d2h}}) {
      constexpr double kBytes = 4096.0;
      for (const Branches branches : {Branches::none, Branches::forked, Branches::joined}) {
        add(family, {{"branches", static_cast<double>(branches)}, {"bytes", kBytes}},
            [=, way = way] { return branch_chain_trial(way, branches, kBytes); });
      }
    }
    add("mixed_chain", {{"kernels", 1}}, [] { return mixed_chain_trial(); });
    add("flag_chain", {{"turns", 1}}, [] { return flag_chain_trial(); });
  }

  // Products of Qwen3 8B and 14B and of Llama 3.1 8B: QKV, output, gate and up, down, and a vocabulary.
  void add_gemms() {
    constexpr std::pair<std::int64_t, std::int64_t> kProducts[] = {
        {6144, 4096}, {4096, 4096}, {24576, 4096}, {4096, 12288}, {28672, 4096}, {4096, 14336},
        {7168, 5120}, {5120, 5120}, {34816, 5120}, {5120, 17408}, {128256, 4096}};
    for (const auto& [n, k] : kProducts) {
      if (quick_ && k != 5120) continue;
      for (double rows = 1.0; rows <= 4096.0; rows *= quick_ ? 8.0 : 2.0) {
        add("gemm", {{"rows", rows}, {"n", static_cast<double>(n)}, {"k", static_cast<double>(k)}},
            [rows, n = n, k = k] { return gemm_trial(rows, n, k); });
      }
      if (k != 5120) continue;
      for (double rows = 16.0; rows <= 4096.0; rows *= quick_ ? 16.0 : 4.0) {
        add("gemm_fp8", {{"rows", rows}, {"n", static_cast<double>(n)}, {"k", static_cast<double>(k)}},
            [rows, n = n, k = k] { return gemm_trial(rows, n, k, true); });
      }
    }
  }

  void add_attention() {
    constexpr double kMostBytes = 24e9;
    for (const auto& [kv_heads, group] : {std::pair{8, 5}, {8, 4}, {4, 7}}) {
      if (quick_ && group != 5) continue;
      for (std::int32_t sequences = 1; sequences <= 128; sequences *= quick_ ? 8 : 2) {
        for (std::int32_t tokens = 1024; tokens <= 131072; tokens *= quick_ ? 8 : 4) {
          const double all = static_cast<double>(sequences) * tokens;
          if (all * kv_heads * 512.0 > kMostBytes) continue;
          for (const bool scattered : {false, true}) {
            if (scattered && tokens > 8192) continue;  // budgets of tokens, not contexts
            add(scattered ? "attend_sparse" : "attend_dense",
                {{"sequences", static_cast<double>(sequences)},
                 {"kv_heads", static_cast<double>(kv_heads)},
                 {"q_heads", static_cast<double>(kv_heads * group)},
                 {"head_dim", 128},
                 {"tokens", all},
                 {"block_tokens", 32}},
                [=, kv_heads = kv_heads, group = group] {
                  return attention_trial({sequences, kv_heads, group, tokens, scattered});
                });
          }
        }
      }
    }
  }

  void add_beside_copies(const HostFacts& facts, CpuArena& arena) {
    constexpr std::pair<const char*, LoadKind> kLoads[] = {
        {"cpu_attend_beside_h2d", {.way = CopyWay::h2d}},
        {"cpu_attend_beside_d2h", {.way = CopyWay::d2h}},
        {"cpu_attend_beside_both", {.way = CopyWay::both}},
        {"cpu_attend_beside_all", {.way = CopyWay::both, .reads_hbm = true}},
        {"cpu_attend_beside_pageable", {.pageable = true}}};
    for (const auto& [family, kind] : kLoads) {
      list_.push_back(cpu_attention_beside(family, facts, arena, [kind = kind](std::unique_ptr<Experiment> attention) {
        return std::make_unique<BesideCopies>(std::move(attention), kind);
      }));
    }
    for (const auto& [family, way] :
         {std::pair{"cpu_gather_beside_h2d", CopyWay::h2d}, {"cpu_gather_beside_d2h", CopyWay::d2h}}) {
      const auto beside = [way = way](std::unique_ptr<Experiment> gather) {
        return std::make_unique<BesideCopies>(std::move(gather), LoadKind{.way = way});
      };
      for (Microbench& bench : cpu_gathers_beside(family, facts, arena, beside)) list_.push_back(std::move(bench));
    }
  }

  // Digests, selection and merging as methods of block-sparse attention chain them, eight KV heads.
  void add_index_kernels() {
    constexpr std::int32_t kHeads = 8, kGroup = 4, kDim = 128;
    for (const std::int32_t sequences : {1, 8, 32, 128}) {
      if (quick_ && sequences == 8) continue;
      for (const std::int32_t blocks : {256, 1024, 4096}) {
        if (quick_ && blocks == 1024) continue;
        add("score_blocks",
            {{"sequences", sequences},
             {"kv_heads", kHeads},
             {"q_heads", kHeads * kGroup},
             {"head_dim", kDim},
             {"blocks", static_cast<double>(sequences) * blocks}},
            [=] {
              return digest_score_trial({sequences, kHeads, kGroup, blocks});
            });
        add("select_top_k", {{"rows", sequences * kHeads}, {"scores", blocks}, {"k", 64}},
            [=] { return top_k_trial(sequences * kHeads, blocks, 64); });
      }
      add("residency_diff", {{"rows", sequences * kHeads}, {"selected", 64}, {"slots", 128}},
          [=] { return residency_trial(sequences * kHeads, 64, 128); });
      add("merge_lse", {{"rows", sequences * kHeads * kGroup}, {"head_dim", kDim}},
          [=] { return merge_trial(sequences * kHeads * kGroup); });
    }
    for (const std::int32_t blocks : {16, 64, 128, 256, 512, 1024, 16384}) {
      add("build_digest", {{"blocks", blocks}, {"kv_heads", kHeads}, {"block_tokens", 32}, {"head_dim", kDim}},
          [=] { return digest_build_trial(blocks, kHeads); });
    }
  }

  void add_codecs() {
    if (quick_) return;
    for (const std::int32_t bits : {8, 4, 2}) {
      for (const double rows : {4096.0, 65536.0, 1048576.0}) {
        for (const bool back : {false, true}) {
          add(back ? "dequantise" : "quantise", {{"rows", rows}, {"head_dim", 128}, {"bits", bits}},
              [=] { return quantise_trial(static_cast<std::int64_t>(rows), bits, back); });
        }
      }
      for (const std::int32_t sequences : {1, 8, 64}) {
        for (const std::int32_t tokens : {4096, 32768}) {
          add("attend_quantised",
              {{"sequences", sequences},
               {"kv_heads", 8},
               {"q_heads", 32},
               {"head_dim", 128},
               {"tokens", static_cast<double>(sequences) * tokens},
               {"bits", bits}},
              [=] {
                return quantised_attention_trial({sequences, 8, 4, tokens, false}, bits);
              });
        }
      }
    }
    for (const std::int32_t rows : {8, 64, 256}) {
      for (const std::int32_t keys : {8192, 32768, 131072}) {
        for (const std::int32_t part : {64, 20}) {  // of the keys in a list; tables of up to 0.4 GB
          if (rows * (keys / part) > 64 * 2048) continue;
          add("lookup", {{"rows", rows}, {"keys", keys}, {"list", keys / part}},
              [=] { return lookup_trial(rows, keys, keys / part); });
        }
      }
      for (const std::int32_t retrieved : {64, 512, 2048})
        add("complete", {{"pairs", rows}, {"group", 4}, {"features", 128}, {"head_dim", 128}, {"retrieved", retrieved}},
            [=] { return completion_trial(rows, retrieved); });
      for (const std::int32_t keys : {16384, 65536})  // single tokens, of which one in twenty is chosen
        add("select_top_k", {{"rows", rows}, {"scores", keys}, {"k", keys / 20}},
            [=] { return top_k_trial(rows, keys, keys / 20); });
    }
    for (const double rows : {256.0, 4096.0, 65536.0}) {
      add("features", {{"rows", rows}, {"features", 128}, {"head_dim", 128}},
          [=] { return features_trial(static_cast<std::int64_t>(rows)); });
    }
    for (const double count : {1e6, 4e6, 16e6, 64e6, 128e6})
      add("adam", {{"count", count}}, [=] { return adam_trial(static_cast<std::int64_t>(count)); });
  }

  std::vector<Microbench> take() { return std::move(list_); }

 private:
  bool quick_;
  std::vector<Microbench> list_;
};

}  // namespace

GpuFacts gpu_facts() {
  const DeviceInfo info = device_info();
  return {info.name, info.driver, info.clocks, info.missing};
}

std::vector<Microbench> gpu_microbenches(const HostFacts& facts, Effort effort, CpuArena& arena) {
  const std::string missing = device_info().missing;
  if (facts.gpu.empty() || !missing.empty()) return waived_gpu_microbenches(missing);
  GpuList list(effort);
  list.add_memory();
  list.add_copies();
  list.add_host_calls();
  list.add_gemms();
  list.add_attention();
  list.add_index_kernels();
  list.add_codecs();
  list.add_beside_copies(facts, arena);
  return list.take();
}

}  // namespace outrider
