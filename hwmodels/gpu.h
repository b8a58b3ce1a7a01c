// GPU kernels as demands: CTAs on SM slots, bytes on HBM, FLOPs on the arithmetic of their type.
#pragma once

#include <algorithm>
#include <array>

#include "hwmodels/occupancy.h"
#include "hwmodels/profile.h"
#include "sim/engine/demand.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

// SM slots are counted in shares of an SM, so that kernels of different occupancy can run side by side.
inline constexpr std::int64_t kSharesPerSm = 65536;

// A kernel of U CTAs, A of them at once (U up to four waves; larger grids are taken as persistent), moves Q bytes and
// does F FLOPs. HBM is counted in bytes read: what is written, and what copies move, weighs as much as it displaces. A
// CTA reads for  r = max( A · Q/U / (e_hbm · H),  a · Q/U · L / I )  and computes for  c = A · F/U / (e_ar · P)
// seconds, and takes  (r⁴ + c⁴)^¼  of them, since pipelines overlap both but for a little; with H the achievable HBM
// bandwidth, P the peak arithmetic of the type, e the family's efficiencies, I the bytes an SM keeps in flight, L the
// HBM latency and a the CTAs on its SM (Little's law). Alone it takes
//   latency + waves × (u + (r⁴ + c⁴)^¼),
// u the time of a CTA's own stages, for kernels that have such (see below).
// Attention over codes turns each into an operand, an operation of FP32, beside reading it.
// Decode attention is planned as split-KV kernels are: the context of each sequence and KV head in as many splits as
// take the least time, a CTA each. There I is a CTA's own, latency grows with the splits to merge, and what waves leave
// of HBM goes to the CTAs that run, so that a last wave of few is a fast one. An elementwise kernel that reads what was
// just written finds it in L2, if it fits: it moves its bytes at l · H and takes nothing of HBM.
class GpuModel {
 public:
  // Adds the GPU's resources and SM pool to the platform.
  GpuModel(const GpuSpec& gpu, const Profile& profile, Platform& platform);

  Demand demand(const Op& op) const;
  ResourceId hbm() const { return hbm_; }
  PoolId sm_slots() const { return slots_; }
  // HBM traffic that a byte of a copy over the link displaces.
  double copy_cost(Direction direction) const { return direction == Direction::h2d ? h2d_cost_ : d2h_cost_; }
  // The larger one, as a share of what HBM achieves in a second.
  double most_copy_share() const { return std::max(h2d_cost_, d2h_cost_) / hbm_rate_; }
  // Shares of an SM that a CTA of a memory-streaming kernel takes.
  std::int64_t stream_cta_shares() const { return kSharesPerSm / stream_ctas_; }

 private:
  struct Kernel {
    double ctas = 1.0;  // grid
    std::int64_t ctas_per_sm = 1;
    double bytes = 0.0, flops = 0.0;
    DataType type = DataType::bf16;
    double hbm_efficiency = 1.0, arithmetic_efficiency = 1.0;
    bool in_l2 = false;
    double unit_seconds = 0.0;  // of a CTA, beside what it reads and computes
    double cta_rate = 0.0;      // bytes per second that a CTA can read; 0: its part of what an SM can
    double latency = 0.0;       // seconds
  };
  Demand launch(const Kernel& kernel) const;
  Demand gemm(const GemmShape& shape) const;
  Demand attention(Family family, const AttentionShape& shape) const;
  Demand look_up(const LookupShape& shape) const;
  // Decode attention of contexts of so many tokens each: bytes in all, and what all CTAs together and one of them read
  // in a second.
  struct SplitWork {
    double contexts = 0.0, tokens = 0.0, bytes = 0.0, rate = 0.0, cta_rate = 0.0;
  };
  double seconds_of_splits(double splits, const SplitWork& work) const;
  double planned_splits(const SplitWork& work) const;
  Demand prompt_attention(Family family, const AttentionShape& shape) const;
  Demand stream(Family family, const StreamShape& shape) const;
  Demand by_rows(Family family, const StreamShape& shape) const;
  DataType arithmetic_of(DataType type) const;

  GpuSpec gpu_;
  double hbm_rate_, l2_rate_;
  double quantised_hbm_, quantised_codes_, quantised_latency_, quantise_arithmetic_, quantise_latency_;
  double lookup_list_, lookup_rate_, feature_hbm_, feature_latency_, completion_latency_, completion_rate_;
  double score_hbm_, digest_hbm_, score_latency_, digest_latency_, adam_latency_, merge_latency_;
  double select_latency_, select_stage_, select_score_, residency_latency_, residency_row_;
  double gemm_hbm_, gemm_arithmetic_, fp8_hbm_, fp8_arithmetic_, fp4_arithmetic_, attend_hbm_, sparse_hbm_,
      attend_arithmetic_, backward_arithmetic_, stream_hbm_, adam_hbm_;
  double sm_rate_, attention_cta_rate_, score_cta_rate_, digest_cta_rate_;
  double kernel_latency_, gemm_latency_, fp8_latency_, attention_latency_, split_latency_, stream_latency_;
  double write_cost_, h2d_cost_, d2h_cost_;
  std::int64_t gemm_ctas_, attention_ctas_, lookup_ctas_, stream_ctas_;
  ResourceId hbm_, l2_;
  std::array<ResourceId, kDataTypes> arithmetic_;
  PoolId slots_;
};

}  // namespace outrider
