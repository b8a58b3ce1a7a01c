// Figures that every form of a report shares: baselines, memory totals, and causes in plain words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/study/results.h"

namespace outrider {

// The row that `point` is compared with, among those of its workload and context (and batch, where batches are given):
// full_kv if it is there and fits, else the first that fits; null if none fits.
const PointResult* baseline_of(const RunReport& report, const PointResult& point);
// tokens/s of `point` ÷ that of its baseline; 0 where either does not fit.
double versus_baseline(const RunReport& report, const PointResult& point);

Bytes total_at(const MemoryUse& use, std::int64_t batch);
Bytes tier_total(const PointResult& point, MemoryUse::Tier tier);
std::string_view tier_name(MemoryUse::Tier tier);

// "linear layers" for the op family "gemm", "queueing of linear layers" where metrics.h says that it queued; a name
// that is no family is returned as it is.
std::string plain_operation(const std::string& name);
std::string plain_cause(const Cause& cause);  // "linear layers on HBM 41 %"
// The first causes that together explain a step: up to three, each of at least 5 % of the time.
std::string plain_causes(const std::vector<Cause>& causes);

std::string workload_title(const PointResult& point);  // its name, or "workload" where it has none
std::string fingerprint_text(std::uint64_t fingerprint);

// "equals 5.1", "≤ 0.15", …: what a claim says, with its value as the paper gives it.
std::string claimed_text(const Claim& claim);
// "holds", "differs" or "not available".
std::string verdict(const ClaimResult& claim);
// "P" → "read in the source", …; the letter itself where it is none of P, S, I, R.
std::string certainty_meaning(const std::string& certainty);

}  // namespace outrider
