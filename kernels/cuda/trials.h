// Timed pieces of GPU work, for calibration: each trial sets up once and is repeated. No CUDA in this header, so that
// what includes it needs no toolkit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace outrider {

struct DeviceInfo {
  std::string name, driver, clocks;
  std::string missing;  // why no GPU can be measured; empty where one can
};
DeviceInfo device_info();

// Seconds of the piece of work, and the SM clock just before it.
struct DeviceTime {
  double seconds = 0.0, clock_hz = 0.0;
};

// Work is queued behind a kernel that spins until all of it is, so that launching takes no part in its time. Throws
// std::runtime_error where CUDA refuses.
class DeviceTrial {
 public:
  virtual ~DeviceTrial() = default;
  virtual DeviceTime run() = 0;
};
using DeviceTrialPtr = std::unique_ptr<DeviceTrial>;

// Kernels over device memory by all SMs.
DeviceTrialPtr read_trial(double bytes);
DeviceTrialPtr write_trial(double bytes);
// One elementwise kernel among others like it; what it reads was just written, as in a decode step.
DeviceTrialPtr elementwise_trial(double read_bytes, double write_bytes);
// One of a row of empty kernels in a replayed graph.
DeviceTrialPtr chain_trial();

enum class CopyWay { h2d, d2h, both };
// `count` calls for `fragment` bytes each between pinned memory and the GPU; with both ways, each way so many.
DeviceTrialPtr copy_trial(CopyWay way, double fragment, double count);
// A kernel's gather of scattered fragments from pinned memory, by so many CTAs.
DeviceTrialPtr gather_trial(double fragment, double count, std::int32_t ctas);
// Reading of device memory while copies run that way all the time.
DeviceTrialPtr read_beside_copy_trial(CopyWay way, double bytes);

// Copies that run that way from begin() to end(), for as long as `seconds` if nothing slows them.
class CopyLoad {
 public:
  virtual ~CopyLoad() = default;
  virtual void begin(double seconds) = 0;
  virtual double end() = 0;  // waits for all of them; bytes ÷ second of the load
};
std::unique_ptr<CopyLoad> copy_load(CopyWay way);

// Host time of one call.
enum class HostCall { launch_kernel, launch_copy, launch_graph, synchronize };
DeviceTrialPtr host_call_trial(HostCall call);

// y[rows × n] = x[rows × k] · W[n × k]ᵀ in bf16 by cuBLASLt, its first choice of algorithm; weights come from HBM.
DeviceTrialPtr gemm_trial(double rows, std::int64_t n, std::int64_t k);

// launch_decode_attention over pages of 32 tokens; the cache comes from HBM.
struct AttentionTrial {
  std::int32_t sequences = 1, kv_heads = 8, group = 4, tokens = 1024;  // tokens of each sequence
  bool scattered = false;
};
DeviceTrialPtr attention_trial(const AttentionTrial& shape);

}  // namespace outrider
