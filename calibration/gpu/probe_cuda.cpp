// Builds with CUDA: the GPU's microbenchmarks over their shapes.
#include <algorithm>
#include <chrono>
#include <thread>

#include "calibration/cpu_microbenches.h"
#include "calibration/gpu_probe.h"
#include "kernels/cuda/trials.h"

namespace outrider {
namespace {

// A trial during which the SMs ran slower than they did before is disturbed: something throttled them.
class GpuExperiment final : public Experiment {
 public:
  explicit GpuExperiment(DeviceTrialPtr trial) : trial_(std::move(trial)) {}

  Trial trial() override {
    constexpr double kThrottled = 0.97;
    const DeviceTime time = trial_->run();
    fastest_ = std::max(fastest_, time.clock_hz);
    const bool throttled = time.clock_hz > 0.0 && time.clock_hz < kThrottled * fastest_;
    if (throttled) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // to cool
    return {time.seconds, throttled};
  }

 private:
  DeviceTrialPtr trial_;
  double fastest_ = 0.0;
};

// CPU attention while copies run: a load half as long again as the attention was the last time.
class BesideCopies final : public Experiment {
 public:
  BesideCopies(std::unique_ptr<Experiment> attention, CopyWay way)
      : attention_(std::move(attention)), load_(copy_load(way)) {}

  Trial trial() override {
    load_->begin(1.5 * last_);
    const Trial trial = attention_->trial();
    load_->end();
    last_ = trial.seconds;
    return trial;
  }

 private:
  std::unique_ptr<Experiment> attention_;
  std::unique_ptr<CopyLoad> load_;
  double last_ = 0.1;
};

class GpuList {
 public:
  explicit GpuList(Effort effort) : quick_(effort == Effort::quick) {}

  void add(const char* family, SampleShape shape, std::function<DeviceTrialPtr()> make) {
    Microbench bench;
    bench.family = family;
    bench.shape = std::move(shape);
    bench.prepare = [make = std::move(make)] { return std::make_unique<GpuExperiment>(make()); };
    set_.list.push_back(std::move(bench));
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
    for (const auto& [family, way] : {std::pair{"read_beside_h2d", CopyWay::h2d}, {"read_beside_d2h", CopyWay::d2h}}) {
      add(family, {{"bytes", 8e9}}, [way = way] { return read_beside_copy_trial(way, 8e9); });
    }
  }

  void add_host_calls() {
    for (const auto& [family, call] : {std::pair{"launch_kernel", HostCall::launch_kernel},
                                       {"launch_copy", HostCall::launch_copy},
                                       {"launch_graph", HostCall::launch_graph},
                                       {"synchronize", HostCall::synchronize}}) {
      add(family, {{"calls", 1}}, [call = call] { return host_call_trial(call); });
    }
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

  void add_cpu_attention(const HostFacts& facts) {
    for (const auto& [family, way] :
         {std::pair{"cpu_attend_beside_h2d", CopyWay::h2d}, {"cpu_attend_beside_d2h", CopyWay::d2h}}) {
      set_.add(cpu_attention_beside(family, facts, [way = way](std::unique_ptr<Experiment> attention) {
        return std::make_unique<BesideCopies>(std::move(attention), way);
      }));
    }
  }

  MicrobenchSet take() { return std::move(set_); }

 private:
  bool quick_;
  MicrobenchSet set_;
};

}  // namespace

GpuFacts gpu_facts() {
  const DeviceInfo info = device_info();
  return {info.name, info.driver, info.clocks, info.missing};
}

MicrobenchSet gpu_microbenches(const HostFacts& facts, Effort effort) {
  const std::string missing = device_info().missing;
  if (facts.gpu.empty() || !missing.empty()) return waived_gpu_microbenches(missing);
  GpuList list(effort);
  list.add_memory();
  list.add_copies();
  list.add_host_calls();
  list.add_gemms();
  list.add_attention();
  list.add_cpu_attention(facts);
  return list.take();
}

}  // namespace outrider
