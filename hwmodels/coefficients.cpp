// What every coefficient means and which values make sense.
#include "hwmodels/coefficients.h"

#include <array>

namespace outrider {
namespace {

constexpr double kLongestFixed = 1e-3;  // seconds: a fixed cost of a kernel above this is a typing error

constexpr std::array kTable = {
    CoefficientInfo{"cpu.attend_arithmetic_efficiency", {}, 1e-3, 1.0,
                    "attention on one core: share of its peak arithmetic, where the machine states no measured rate"},
    CoefficientInfo{"cpu.attend_core_efficiency", {}, 1e-2, 1.0,
                    "attention on one core: share of its streaming bandwidth"},
    CoefficientInfo{"cpu.dram_efficiency", {}, 1e-2, 1.0,
                    "share of DRAM's datasheet bandwidth that all cores reach, where the machine states no measured rate"},
    CoefficientInfo{"cpu.fork_join_base", Dimension::seconds, 0.0, kLongestFixed,
                    "waking the first worker of a parallel-for and seeing the last one finish"},
    CoefficientInfo{"cpu.fork_join_per_thread", Dimension::seconds, 0.0, kLongestFixed,
                    "fork and join, for each further worker"},
    CoefficientInfo{"cpu.gather_efficiency", {}, 1e-2, 1.0,
                    "gathering scattered fragments on one core: share of its streaming bandwidth"},
    CoefficientInfo{"cpu.remote_share", {}, 0.0, 1.0,
                    "share of the cores' traffic that goes to another socket's DRAM, on machines with several sockets"},
    CoefficientInfo{"cpu.stream_arithmetic_efficiency", {}, 1e-3, 1.0,
                    "scoring and merging on one core: share of its peak arithmetic"},
    CoefficientInfo{"cpu.stream_core_efficiency", {}, 1e-2, 1.0,
                    "scoring and merging on one core: share of its streaming bandwidth"},
    CoefficientInfo{"cpu.write_cost", {}, 1.0, 3.0,
                    "DRAM time of a byte written by a core, in bytes read (the line is read first, or streamed past)"},
    CoefficientInfo{"gpu.attention_arithmetic_efficiency", {}, 1e-2, 1.0,
                    "decode attention: share of tensor peak, rows of a GQA group padded to 16"},
    CoefficientInfo{"gpu.attention_fixed", Dimension::seconds, 0.0, kLongestFixed,
                    "decode attention: set-up, softmax tail and combination of splits"},
    CoefficientInfo{"gpu.attention_fragment_overhead", Dimension::bytes, 0.0, 65536.0,
                    "decode attention on scattered blocks: HBM time lost per contiguous run, in bytes"},
    CoefficientInfo{"gpu.attention_hbm_efficiency", {}, 1e-2, 1.0,
                    "decode attention over contiguous KV: share of achievable HBM bandwidth"},
    CoefficientInfo{"gpu.gemm_arithmetic_efficiency", {}, 1e-2, 1.0,
                    "GEMM: share of tensor peak within a full tile, clock throttling included"},
    CoefficientInfo{"gpu.gemm_fixed", Dimension::seconds, 0.0, kLongestFixed,
                    "GEMM: filling the pipeline, epilogue, reduction of split K"},
    CoefficientInfo{"gpu.gemm_hbm_efficiency", {}, 1e-2, 1.0,
                    "GEMM that streams its weights: share of achievable HBM bandwidth"},
    CoefficientInfo{"gpu.grouped_gemm_hbm_efficiency", {}, 1e-2, 1.0,
                    "GEMM over several weight matrices (experts): share of achievable HBM bandwidth"},
    CoefficientInfo{"gpu.hbm_dma_write_cost", {}, 1.0, 20.0,
                    "HBM time of a byte that a host copy writes, in bytes read by kernels"},
    CoefficientInfo{"gpu.hbm_efficiency", {}, 1e-2, 1.0,
                    "share of HBM's datasheet bandwidth that a plain read of large arrays reaches"},
    CoefficientInfo{"gpu.hbm_write_cost", {}, 1.0, 3.0, "HBM time of a byte that a kernel writes, in bytes read"},
    CoefficientInfo{"gpu.kernel_gap", Dimension::seconds, 0.0, kLongestFixed,
                    "from the end of a kernel to the first instruction of the next on its stream"},
    CoefficientInfo{"gpu.prefill_attention_efficiency", {}, 1e-2, 1.0, "prefill attention: share of tensor peak"},
    CoefficientInfo{"gpu.sample_fixed", Dimension::seconds, 0.0, kLongestFixed, "sampling: its passes over the logits"},
    CoefficientInfo{"gpu.select_fixed", Dimension::seconds, 0.0, kLongestFixed,
                    "top-k selection: its passes over the scores"},
    CoefficientInfo{"gpu.select_passes", {}, 1.0, 32.0, "top-k selection: how often it reads the scores"},
    CoefficientInfo{"gpu.sm_bytes_per_clock", {}, 1.0, 1024.0, "bytes that one SM takes from L2 per clock"},
    CoefficientInfo{"gpu.stream_arithmetic_efficiency", {}, 1e-2, 1.0,
                    "kernels that stream memory: share of the CUDA cores' peak"},
    CoefficientInfo{"gpu.stream_fixed", Dimension::seconds, 0.0, kLongestFixed,
                    "kernels that stream memory: address set-up, reductions, drain"},
    CoefficientInfo{"gpu.stream_hbm_efficiency", {}, 1e-2, 1.0,
                    "kernels that stream memory: share of achievable HBM bandwidth"},
    CoefficientInfo{"link.copy_overhead", Dimension::seconds, 0.0, kLongestFixed,
                    "per-copy cost of a copy path for which the machine states no surface"},
    CoefficientInfo{"link.pageable_dram_traffic", {}, 1.0, 5.0,
                    "DRAM bytes moved per byte of a pageable copy: read, staged, read again"},
};

constexpr bool sorted_by_name() {
  for (std::size_t i = 1; i < kTable.size(); ++i) {
    if (!(kTable[i - 1].name < kTable[i].name)) return false;
  }
  return true;
}
static_assert(sorted_by_name());

}  // namespace

std::span<const CoefficientInfo> coefficient_table() { return kTable; }

}  // namespace outrider
