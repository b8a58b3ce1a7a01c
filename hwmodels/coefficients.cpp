// The table of coefficients.
#include "hwmodels/coefficients.h"

#include <algorithm>
#include <iterator>

namespace outrider {
namespace {

constexpr CoefficientInfo kTable[] = {
    {"gpu.hbm_efficiency", "achievable share of the datasheet HBM bandwidth, reads by all SMs"},
    {"gpu.gemm_hbm_efficiency", "share of achievable HBM bandwidth that a weight-streaming GEMM reaches"},
    {"gpu.gemm_arithmetic_efficiency", "share of peak arithmetic that a large GEMM reaches"},
    {"gpu.gemm_fp8_hbm_efficiency", "the share of HBM bandwidth in FP8"},
    {"gpu.gemm_fp8_arithmetic_efficiency", "the share of peak arithmetic in FP8"},
    {"gpu.gemm_fp4_arithmetic_efficiency", "the share of peak arithmetic in FP4, on units of its own"},
    {"gpu.attention_hbm_efficiency", "share of achievable HBM bandwidth of decode attention over contiguous KV"},
    {"gpu.sparse_attention_hbm_efficiency", "the same over scattered blocks"},
    {"gpu.attention_arithmetic_efficiency", "share of peak arithmetic that attention reaches"},
    {"gpu.attention_backward_arithmetic_efficiency", "share of peak arithmetic that the backward of attention reaches"},
    {"gpu.quantised_attention_hbm_efficiency", "the same of decode attention over codes and their scales"},
    {"gpu.quantised_attention_codes_per_flop",
     "codes that it makes operands of in the time of an operation at peak FP32 arithmetic"},
    {"gpu.quantise_numbers_per_flop", "numbers that are made codes, likewise"},
    {"gpu.feature_hbm_efficiency", "share of achievable HBM bandwidth that feature maps reach"},
    {"gpu.adam_hbm_efficiency", "share of achievable HBM bandwidth that Adam reaches"},
    {"gpu.stream_hbm_efficiency", "share of achievable HBM bandwidth of elementwise and scanning kernels"},
    {"gpu.score_hbm_efficiency", "share of achievable HBM bandwidth that scoring of digests reaches"},
    {"gpu.digest_hbm_efficiency", "share of achievable HBM bandwidth that building of digests reaches"},
    {"gpu.l2_speedup", "rate of elementwise kernels whose data L2 holds, relative to achievable HBM bandwidth"},
    {"gpu.bytes_in_flight_per_sm", "bytes that one SM keeps in flight to HBM"},
    {"gpu.kernel_latency", "seconds from a predecessor's end to full speed, kernels of one stream or graph"},
    {"gpu.launch_gap", "further seconds of it where kernels of a stream are launched one by one"},
    {"gpu.fork_latency", "the same in a graph, behind a kernel for which copies or other lanes wait too"},
    {"gpu.join_latency", "the same in a graph, where a kernel waits for a copy or another lane that has long ended"},
    {"gpu.cold_latency", "the same where more than L2 holds was streamed since such a kernel ran"},
    {"gpu.flag_latency",
     "seconds from an op's end on the GPU to a CPU thread that watches its flag, and the other way"},
    {"gpu.gemm_latency", "further seconds of a GEMM: filling its pipeline, split-K reduction"},
    {"gpu.gemm_fp8_latency", "the same in FP8"},
    {"gpu.attention_latency", "further seconds of decode attention: filling its pipeline"},
    {"gpu.attention_split_latency", "further seconds for each split of a context whose results are merged"},
    {"gpu.attention_bytes_in_flight", "bytes that one CTA of decode attention keeps in flight to HBM"},
    {"gpu.stream_latency", "further seconds of elementwise and scanning kernels: their reductions"},
    {"gpu.score_latency", "further seconds of scoring of digests"},
    {"gpu.score_bytes_in_flight", "bytes that one CTA of scoring keeps in flight to HBM"},
    {"gpu.digest_latency", "further seconds of building of digests"},
    {"gpu.digest_bytes_in_flight", "bytes that one CTA of building digests keeps in flight to HBM"},
    {"gpu.adam_latency", "further seconds of Adam: its eight arrays"},
    {"gpu.merge_latency", "further seconds of merging partial attention"},
    {"gpu.quantised_attention_latency", "further seconds of decode attention over codes"},
    {"gpu.quantise_latency", "further seconds of making codes of KV"},
    {"gpu.feature_latency", "further seconds of a feature map"},
    {"gpu.completion_latency", "further seconds of completing attention with a summary"},
    {"gpu.completion_bytes_in_flight", "bytes that a CTA of it keeps in flight"},
    {"gpu.lookup_list", "seconds for each list that is added up for a row; CTAs on one SM share it"},
    {"gpu.lookup_bytes_in_flight", "bytes that a CTA which adds up lists keeps in flight"},
    {"gpu.select_latency", "further seconds of a selection of the best blocks"},
    {"gpu.select_stage", "seconds of a stage of one row's selection; rows on one SM share it"},
    {"gpu.select_score", "seconds of it for each score of a row beyond what a CTA has in flight at once"},
    {"gpu.residency_latency", "further seconds of finding which selected blocks are resident"},
    {"gpu.residency_row", "seconds for one row of that; rows on one SM share it"},
    {"gpu.hbm_write_cost", "bytes of achievable HBM read traffic that one byte written by a kernel displaces"},
    {"gpu.h2d_hbm_cost", "bytes of achievable HBM read traffic that one byte copied to the GPU displaces"},
    {"gpu.d2h_hbm_cost", "the same for one byte copied from the GPU"},
    {"link.copy_latency", "seconds from a stream's copy being ready to its first byte"},
    {"link.hand_over", "seconds from a kernel's end to a copy that waits for it, and from a copy's to a kernel"},
    {"link.h2d_loaded_fragment", "further seconds of a fragment copied to the GPU while kernels keep HBM full"},
    {"link.d2h_loaded_fragment", "the same of one copied from the GPU"},
    {"cpu.dram_efficiency", "achievable share of the datasheet DRAM bandwidth, reads by all cores"},
    {"cpu.attention_dram_efficiency", "share of achievable DRAM bandwidth that decode attention reaches"},
    {"cpu.attention_latency", "further seconds of a CPU attention: cold queries and tables, merging"},
    {"cpu.attention_part", "further seconds for each part of a context that a core attends one after another"},
    {"cpu.attention_token", "further seconds of a core for each token of a KV head that lies by itself"},
    {"cpu.stream_dram_efficiency", "share of achievable DRAM bandwidth that gathers and scans reach"},
    {"cpu.gather_piece", "seconds that a core takes for each contiguous piece of a gather, beside reading it"},
    {"cpu.adam_dram_efficiency",
     "share of achievable DRAM bandwidth that Adam on the CPU reaches, reading and writing"},
    {"cpu.hash_bucket", "seconds of a core to open a bucket of a hash table in DRAM"},
    {"cpu.hash_token", "further seconds for each token in it"},
    {"cpu.arithmetic_efficiency", "share of peak arithmetic that attention reaches on a core"},
    {"cpu.h2d_read_cost", "bytes of achievable CPU reading that one byte copied to the GPU displaces"},
    {"cpu.d2h_read_cost", "the same for one byte copied from the GPU"},
    {"cpu.fork_join", "seconds to start and end a parallel-for"},
    {"cpu.fork_join_per_doubling", "further seconds for each doubling of the threads"},
};

}  // namespace

std::span<const CoefficientInfo> coefficient_table() { return kTable; }

bool is_time(std::string_view coefficient) {
  constexpr std::string_view kTimes[] = {"_latency",  "_gap",      "_stage",    "_row",         "_part",
                                         "_fragment", "_piece",    "_token",    "_bucket",      "_list",
                                         "_score",    "hand_over", "fork_join", "_per_doubling"};
  return std::any_of(std::begin(kTimes), std::end(kTimes),
                     [&](std::string_view end) { return coefficient.ends_with(end); });
}

}  // namespace outrider
