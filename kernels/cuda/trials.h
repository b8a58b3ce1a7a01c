// Timed pieces of GPU work, for calibration: each trial sets up once and is repeated. No CUDA in this header, so that
// what includes it needs no toolkit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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

// A kernel as it is launched, and how many of its CTAs an SM holds, by cudaOccupancyMaxActiveBlocksPerMultiprocessor.
struct KernelLaunch {
  std::int64_t threads = 0, registers_per_thread = 0, shared_bytes = 0, ctas_per_sm = 0;
};

// Work is queued behind a kernel that spins until all of it is, so that launching takes no part in its time. Throws
// std::runtime_error where CUDA refuses.
class DeviceTrial {
 public:
  virtual ~DeviceTrial() = default;
  virtual DeviceTime run() = 0;
  virtual std::vector<KernelLaunch> launches() const { return {}; }  // where they are known
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
// `count` calls for scattered fragments of `fragment` bytes each between pinned memory and the GPU; with both ways,
// each way so many.
DeviceTrialPtr copy_trial(CopyWay way, double fragment, double count);
// The same one way, while kernels read device memory all the time.
DeviceTrialPtr copy_beside_reads_trial(CopyWay way, double fragment, double count);
// A kernel's gather of scattered fragments from pinned memory, by so many CTAs.
DeviceTrialPtr gather_trial(double fragment, double count, std::int32_t ctas);
// Reading of device memory while copies run that way all the time.
DeviceTrialPtr read_beside_copy_trial(CopyWay way, double bytes);

// The same from pageable memory, by the host thread's clock; and to the GPU as one batched call.
DeviceTrialPtr pageable_copy_trial(CopyWay way, double fragment, double count);
DeviceTrialPtr batched_copy_trial(double fragment, double count);
// One of a row of empty kernels launched one by one, in one stream, and in two that wait for each other by events.
DeviceTrialPtr stream_chain_trial();
DeviceTrialPtr event_chain_trial();
// A kernel and a copy of one fragment, in a row of such in which each waits for the one before, in a replayed graph.
DeviceTrialPtr copy_chain_trial(CopyWay way, double bytes);
// A unit of kernels, of a row of such in a replayed graph, with a small copy that branches off its first kernel; where
// they join, the next unit waits for it, long after it has ended.
enum class Branches { none, forked, joined };
DeviceTrialPtr branch_chain_trial(CopyWay way, Branches branches, double bytes);
// What a kernel of a decoder's layer takes longer than in a row of its own kind.
DeviceTrialPtr mixed_chain_trial();
// A turn in which a kernel's end is seen by a thread, by a flag, and what that answers by the next kernel.
DeviceTrialPtr flag_chain_trial();
// Reading of device memory while large products keep the SMs busy from another stream.
DeviceTrialPtr read_beside_gemm_trial(double bytes);

// What runs beside something else of the host: copies, from pinned or pageable memory, and reading of device memory.
struct LoadKind {
  CopyWay way = CopyWay::h2d;
  bool pageable = false, reads_hbm = false;
};
// Copies that run that way from begin() to end(), for as long as `seconds` if nothing slows them.
class CopyLoad {
 public:
  virtual ~CopyLoad() = default;
  virtual void begin(double seconds) = 0;
  virtual double end() = 0;  // waits for all of them; bytes ÷ second of the load
};
std::unique_ptr<CopyLoad> copy_load(const LoadKind& kind);

// Host time of one call.
enum class HostCall { launch_kernel, launch_copy, launch_graph, synchronize };
DeviceTrialPtr host_call_trial(HostCall call);

// y[rows × n] = x[rows × k] · W[n × k]ᵀ in bf16, or x and W in FP8 (E4M3), by cuBLASLt, its first choice of algorithm;
// weights come from HBM. FP8 wants rows to be a multiple of 16.
DeviceTrialPtr gemm_trial(double rows, std::int64_t n, std::int64_t k, bool fp8 = false);

// launch_decode_attention over pages of 32 tokens; the cache comes from HBM.
struct AttentionTrial {
  std::int32_t sequences = 1, kv_heads = 8, group = 4, tokens = 1024;  // tokens of each sequence
  bool scattered = false;
};
DeviceTrialPtr attention_trial(const AttentionTrial& shape);
DeviceTrialPtr quantised_attention_trial(const AttentionTrial& shape, std::int32_t bits);

// Digests of `blocks` blocks of each sequence from HBM; head_dim is 128 here and below.
struct DigestTrial {
  std::int32_t sequences = 1, kv_heads = 8, group = 4, blocks = 1024;
};
DeviceTrialPtr digest_score_trial(const DigestTrial& shape);
DeviceTrialPtr digest_build_trial(std::int32_t count, std::int32_t kv_heads);
// Rows as found in L2, where the kernel before wrote them.
DeviceTrialPtr top_k_trial(std::int32_t rows, std::int32_t scores, std::int32_t k);
DeviceTrialPtr residency_trial(std::int32_t rows, std::int32_t selected, std::int32_t slots);
DeviceTrialPtr merge_trial(std::int32_t rows);
// Rows of 128 channels from HBM to codes, or back.
DeviceTrialPtr quantise_trial(std::int64_t rows, std::int32_t bits, bool back);
// 8 subspaces of 64 clusters, 4 query heads; `list_length` keys to a list.
DeviceTrialPtr lookup_trial(std::int32_t rows, std::int32_t keys, std::int32_t list_length);
DeviceTrialPtr features_trial(std::int64_t rows);
// 4 query heads to a pair, 128 features; `retrieved` tokens of each pair are taken off.
DeviceTrialPtr completion_trial(std::int32_t pairs, std::int32_t retrieved);
DeviceTrialPtr adam_trial(std::int64_t count);

}  // namespace outrider
