// A run that never happened: three methods at two points, names that need quoting, and claims of every outcome.
#pragma once

#include "sim/study/results.h"

namespace outrider {

inline PointResult fake_point(const std::string& label, const std::string& method, double tokens_per_s) {
  PointResult point;
  point.label = label;
  point.method = method;
  point.preset = "paper";
  point.workload = "long, \"contexts\"";
  point.context = 65536;
  point.batch = 4;
  point.automatic_batch = true;
  point.decode_steps = 32;
  point.limit = "HBM";
  point.tokens_per_s = tokens_per_s;
  point.tpot = Seconds(4.0 / tokens_per_s);
  point.step_p5 = Seconds(3.9 / tokens_per_s);
  point.step_p95 = Seconds(4.2 / tokens_per_s);
  point.ttft = Seconds(6.5);
  point.prefill_bytes = 1e9;
  point.gpu_idle = 0.06;
  point.utilisations = {{"HBM", 0.75, 3e10, "B"}, {"PCIe h2d", 0.125, 1e6, "B"}};
  point.causes = {{"compute stream", "gemm", "HBM", Duration::from_ps(2'000'000'000), 0.5},
                  {"cpu queue", "cpu_attend", "DRAM", Duration::from_ps(1'200'000'000), 0.3},
                  {"host thread", "queued: launch_kernel", "", Duration::from_ps(80'000'000), 0.02}};
  point.ledger = {Duration::from_ps(1'000'000'000'000), Duration::from_ps(2'000'000'000'000),
                  Duration::from_ps(3'000'000'000'000), Duration::from_ps(4'000'000'000'000)};
  point.memory = {{"weights", MemoryUse::Tier::hbm, Bytes(28e9), Bytes(0)},
                  {"KV cache", MemoryUse::Tier::dram, Bytes(0), Bytes(1e9)}};
  point.fingerprint = 0xabc;
  return point;
}

inline ClaimResult fake_claim(const std::string& id, double claimed, double predicted) {
  ClaimResult result;
  result.claim.id = id;
  result.claim.text = "throughput over FullKV";
  result.claim.metric = "throughput_ratio";
  result.claim.method = "scout";
  result.claim.baseline = "full_kv";
  result.claim.value = claimed;
  result.claim.certainty = "P";
  result.claim.source = "section 5";
  result.claim.conditions = "batch not stated";
  result.available = true;
  result.predicted = predicted;
  result.difference = predicted / claimed - 1.0;
  result.of_gain = true;
  result.tested_difference = (predicted - 1.0) / (claimed - 1.0) - 1.0;
  result.holds = true;
  return result;
}

// full_kv 100 tokens/s, scout 510 tokens/s with CPU attention, and hgca, which does not fit.
inline RunReport fake_report() {
  RunReport report;
  report.scenario = "paper/scout";
  report.model = "qwen3-14b";
  report.machine = "a100";
  report.profile = "generic";
  report.profile_kind = "assumed";
  report.version = "0.1.0";
  report.seed = 7;
  report.caveats = {"efficiencies are assumptions, not calibrated"};
  PointResult scout = fake_point("scout", "scout", 510.0);
  scout.batch = 40;
  scout.facts = {.cpu_ratio = 0.082,
                 .recall_interval = 8.7,
                 .turnover = 0.14,
                 .link_bytes_per_step = 1e6,
                 .cpu_ratio_by_step = {0.08, 0.084}};
  PointResult hgca;
  hgca.label = "hgca";
  hgca.method = "hgca";
  hgca.workload = scout.workload;
  hgca.context = scout.context;
  hgca.automatic_batch = true;
  hgca.fits = false;
  hgca.limit = "weights 28 GB > HBM 24 GB";
  report.points = {scout, fake_point("full_kv", "full_kv", 100.0), hgca};
  ClaimResult differs = fake_claim("idle", 0.5, 0.06);
  differs.holds = false;
  ClaimResult missing = fake_claim("vs-hgca", 2.1, 0.0);
  missing.available = false;
  missing.note = "hgca does not fit";
  report.claims = {fake_claim("vs-full", 5.1, 5.1), differs, missing};
  return report;
}

}  // namespace outrider
