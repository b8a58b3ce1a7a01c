// Derivation of the shared figures from a run's rows.
#include "sim/cli/report_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/cli/format.h"
#include "sim/graph/op.h"

namespace outrider {
namespace {

struct Words {
  Family family;
  std::string_view phrase;
};

constexpr std::array<Words, kFamilies> kPlainWords = {{
    {Family::gemm, "linear layers"},
    {Family::norm_rope, "norms and RoPE"},
    {Family::predict_q, "query prediction"},
    {Family::score_blocks, "block scoring"},
    {Family::select_top_k, "block selection"},
    {Family::residency_diff, "residency check"},
    {Family::attend_dense, "GPU attention"},
    {Family::attend_sparse, "GPU sparse attention"},
    {Family::merge_lse, "attention merge"},
    {Family::activation, "activation"},
    {Family::sample, "sampling"},
    {Family::embed, "embedding"},
    {Family::build_digest, "digest building"},
    {Family::prefill_attend, "prefill attention"},
    {Family::gemm_dgrad, "input gradients"},
    {Family::gemm_wgrad, "weight gradients"},
    {Family::attend_backward, "attention backward"},
    {Family::quantise, "quantisation"},
    {Family::loss, "loss"},
    {Family::adam, "GPU Adam"},
    {Family::copy_h2d, "copies to the GPU"},
    {Family::copy_d2h, "copies to the host"},
    {Family::zero_copy_h2d, "zero-copy reads by the GPU"},
    {Family::cpu_attend, "CPU attention"},
    {Family::cpu_gather, "CPU gathering"},
    {Family::cpu_adam, "CPU Adam"},
    {Family::launch_kernel, "kernel launches"},
    {Family::launch_copy, "copy launches"},
    {Family::launch_graph, "graph launch"},
    {Family::synchronize, "host synchronisation"},
    {Family::dispatch_pool, "handing work to the CPU"},
    {Family::schedule_step, "step bookkeeping"},
    {Family::barrier, "barriers"},
    {Family::reconstruct_k, "key reconstruction"},
    {Family::compare_queries, "query comparison"},
    {Family::estimate_attend, "estimated attention"},
    {Family::cpu_lookup, "CPU look-up of residency"},
    {Family::cpu_hash_lookup, "CPU look-up in hash tables"},
    {Family::attend_quantised, "attention over quantised KV"},
    {Family::quantise_kv, "KV quantisation"},
    {Family::look_up_keys, "key look-up"},
    {Family::update_lists, "list updates"},
    {Family::map_features, "feature maps"},
    {Family::summarise, "KV summaries"},
    {Family::complete, "attention completion"},
}};

bool comparable(const PointResult& a, const PointResult& b) {
  const bool same_batch = (a.automatic_batch && b.automatic_batch) || a.batch == b.batch;
  return a.workload == b.workload && a.context == b.context && same_batch;
}

}  // namespace

const PointResult* baseline_of(const RunReport& report, const PointResult& point) {
  const PointResult* first = nullptr;
  for (const PointResult& candidate : report.points) {
    if (!candidate.fits || !comparable(candidate, point)) continue;
    if (candidate.method == "full_kv") return &candidate;
    if (first == nullptr) first = &candidate;
  }
  return first;
}

double versus_baseline(const RunReport& report, const PointResult& point) {
  const PointResult* baseline = baseline_of(report, point);
  const bool both = baseline != nullptr && point.fits && baseline->tokens_per_s > 0.0;
  return both ? point.tokens_per_s / baseline->tokens_per_s : 0.0;
}

Bytes total_at(const MemoryUse& use, std::int64_t batch) {
  return use.fixed + use.per_sequence * static_cast<double>(batch);
}

Bytes tier_total(const PointResult& point, MemoryUse::Tier tier) {
  Bytes total;
  for (const MemoryUse& use : point.memory) {
    if (use.tier == tier) total += total_at(use, point.batch);
  }
  return total;
}

std::string_view tier_name(MemoryUse::Tier tier) {
  switch (tier) {
    case MemoryUse::Tier::hbm:
      return "HBM";
    case MemoryUse::Tier::dram:
      return "DRAM";
    case MemoryUse::Tier::pinned:
      return "pinned DRAM";
  }
  return "";
}

std::string plain_operation(const std::string& name) {
  const std::string_view queued = kQueued, signalled = kSignalled;
  if (name.starts_with(queued)) return "queueing of " + plain_operation(name.substr(queued.size()));
  if (name.starts_with(signalled)) return "signals to " + plain_operation(name.substr(signalled.size()));
  const auto found = std::find_if(kPlainWords.begin(), kPlainWords.end(),
                                  [&](const Words& words) { return to_string(words.family) == name; });
  return found == kPlainWords.end() ? name : std::string(found->phrase);
}

std::string plain_cause(const Cause& cause) {
  const std::string where = cause.bottleneck.empty() ? "" : " on " + cause.bottleneck;
  return fmt::format("{}{} {:.0f} %", plain_operation(cause.name), where, 100.0 * cause.share);
}

std::string plain_causes(const std::vector<Cause>& causes) {
  constexpr std::size_t kMost = 3;
  constexpr double kLeastShare = 0.05;
  std::vector<std::string> phrases;
  for (const Cause& cause : causes) {
    if (phrases.size() == kMost || (cause.share < kLeastShare && !phrases.empty())) break;
    phrases.push_back(plain_cause(cause));
  }
  return join(phrases, ", ");
}

std::string workload_title(const PointResult& point) { return point.workload.empty() ? "workload" : point.workload; }

std::string fingerprint_text(std::uint64_t fingerprint) { return fmt::format("{:016x}", fingerprint); }

std::string claimed_text(const Claim& claim) {
  const std::string_view sign = claim.relation == "at_most" ? "≤ " : claim.relation == "at_least" ? "≥ " : "";
  return fmt::format("{}{}", sign, significant(claim.value, 3));
}

std::string verdict(const ClaimResult& claim) {
  if (!claim.available) return "not available";
  if (claim.claim.input) return "input";
  return claim.holds ? "holds" : "differs";
}

std::string certainty_meaning(const std::string& certainty) {
  if (certainty == "P") return "read in the source";
  if (certainty == "S") return "from a secondary source";
  if (certainty == "I") return "inferred or computed";
  if (certainty == "R") return "recalled, unverified";
  return certainty;
}

}  // namespace outrider
