// The list of figures that claims may name.
#include "sim/trace/claim_metrics.h"

#include <array>

namespace outrider {
namespace {

constexpr std::array<ClaimMetric, 21> kMetrics = {{
    {"throughput_ratio", "tokens/s of method ÷ baseline, at the claim's context and batches"},
    {"largest_throughput_ratio", "the largest such ratio over the workload's contexts"},
    {"batch_scaling", "tokens/s of the method at batch ÷ at baseline_batch"},
    {"ttft_ratio", "time to the first token of the baseline ÷ of the method"},
    {"link_share", "of a step's critical path, what copies between host and GPU take"},
    {"gpu_idle", "share of time without a kernel on the GPU"},
    {"cpu_ratio", "tokens attended by the CPU ÷ budget"},
    {"recall_interval", "mean steps between recalls of a layer"},
    {"turnover", "share of selected blocks that were not selected a step before"},
    {"recalls", "blocks recalled per step and sequence, over all layers"},
    {"batch", "sequences that are run, by default as many as memory holds"},
    {"attention_ratio", "seconds of a step's attention on the critical path, baseline ÷ method, at the same batch"},
    {"sequence_memory_ratio", "bytes that a sequence takes of all memory together, baseline ÷ method"},
    {"first_token_ratio", "time to the first token, method ÷ baseline"},
    {"link_bytes", "bytes over the link for each sequence and step, both ways"},
    {"training_cost", "a training step's arithmetic beside 16 bits: FLOPs · bits ÷ 16, summed, over the FLOPs"},
    {"ffn_share", "of the forward FLOPs of a training step's layers"},
    {"projection_share", "likewise of the projections before and after attention"},
    {"attention_share", "likewise of attention itself"},
    {"step_time", "seconds of a decode step, in the mean"},
    {"not_simulated", "accuracy and other figures without a timing"},
}};

}  // namespace

std::span<const ClaimMetric> claim_metrics() { return kMetrics; }

}  // namespace outrider
