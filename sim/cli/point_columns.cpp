// Columns of a point: each a heading, what it means and how it is read off the result.
#include "sim/cli/point_columns.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <functional>

#include "sim/cli/format.h"
#include "sim/cli/report_extrapolation.h"
#include "sim/cli/report_rows.h"

namespace outrider {
namespace {

// Of a sum of bytes, each whole but for rounding.
std::string whole(double value) { return std::isfinite(value) ? fmt::format("{:.0f}", value) : std::string(); }

using Point = PointResult;

// Empty for a point that does not fit.
struct Figure {
  const char* heading;
  const char* meaning;
  std::function<double(const Point&)> read;
  std::function<std::string(double)> written = exact;
};
void add_figure(PointColumns& columns, Figure figure) {
  columns.push_back({figure.heading, figure.meaning,
                     [figure](const Point& p) { return p.fits ? figure.written(figure.read(p)) : std::string(); }});
}

// Empty for training too, or for decoding.
void add_kind_figure(PointColumns& columns, WorkloadKind kind, Figure figure) {
  columns.push_back({figure.heading, figure.meaning, [figure, kind](const Point& p) {
                       return p.fits && p.kind == kind ? figure.written(figure.read(p)) : std::string();
                     }});
}
void add_decode_figure(PointColumns& columns, Figure figure) {
  add_kind_figure(columns, WorkloadKind::decode, std::move(figure));
}

}  // namespace

void add_identity(PointColumns& columns) {
  columns.push_back({"workload", "name of the workload", [](const Point& p) { return p.workload; }});
  columns.push_back({"kind", "decode or training", [](const Point& p) {
                       return p.kind == WorkloadKind::training ? std::string("training") : std::string("decode");
                     }});
  columns.push_back({"label", "the scenario's name of the method", [](const Point& p) { return p.label; }});
  columns.push_back({"method", "the system", [](const Point& p) { return p.method; }});
  columns.push_back({"preset", "of the system's parameters", [](const Point& p) { return p.preset; }});
  columns.push_back({"gpus", "each runs its own copy of the model on its own sequences",
                     [](const Point& p) { return fmt::format("{}", p.gpus); }});
  columns.push_back({"context", "tokens cached when decoding starts; of training, of a sequence",
                     [](const Point& p) { return fmt::format("{}", p.context); }});
  columns.push_back(
      {"batch", "sequences on each GPU; where the point does not fit, as asked for, and empty where memory decides",
       [](const Point& p) { return count_or_none(p.fits ? p.batch : p.given_batch); }});
  columns.push_back({"automatic_batch", "true where memory or max_batch chose the batch",
                     [](const Point& p) { return yes_no(p.automatic_batch); }});
  columns.push_back({"micro_batches", "of training: of so many sequences each, in one step; else 1",
                     [](const Point& p) { return fmt::format("{}", p.micro_batches); }});
  columns.push_back({"decode_steps", "measured steps, which step times, tokens_per_s, gpu_idle and the ledger are of",
                     [](const Point& p) { return fmt::format("{}", p.decode_steps); }});
  columns.push_back(
      {"fits", "false where the model or batch does not fit", [](const Point& p) { return yes_no(p.fits); }});
  columns.push_back({"limit", "what bounds the batch (HBM, DRAM, max_batch, given), or what does not fit",
                     [](const Point& p) { return p.limit; }});
}

void add_throughput(PointColumns& columns) {
  add_figure(columns,
             {"tokens_per_s", "throughput of all GPUs together", [](const Point& p) { return p.tokens_per_s; }});
  add_figure(columns, {"tokens_per_s_per_gpu", "that of one GPU in the mean",
                       [](const Point& p) { return p.tokens_per_s_per_gpu(); }});
}

void add_times(PointColumns& columns) {
  add_figure(columns, {"step_s", "mean step time", [](const Point& p) { return p.tpot.value(); }});
  add_decode_figure(columns, {"tpot_s", "mean time per output token, which is the step's; empty of training",
                              [](const Point& p) { return p.tpot.value(); }});
  add_decode_figure(columns, {"tpot_slowest_s", "that of the GPU with the longest",
                              [](const Point& p) { return p.tpot_slowest.value(); }});
  add_figure(columns,
             {"step_p5_s", "5th percentile of the step time", [](const Point& p) { return p.step_p5.value(); }});
  add_figure(columns,
             {"step_p95_s", "95th percentile of the step time", [](const Point& p) { return p.step_p95.value(); }});
  add_figure(columns, {"step_trend", "median step time of the last quarter of the steps, as a ratio to the first's",
                       [](const Point& p) { return p.step_trend; }});
  columns.push_back(
      {"ttft_s", "one prompt's prefill, unqueued, with its offload traffic, other GPUs idle; empty if not charged",
       [](const Point& p) { return p.fits && p.ttft.value() > 0.0 ? exact(p.ttft.value()) : std::string(); }});
}

void add_facts(PointColumns& columns) {
  add_figure(columns, {"prefill_bytes", "offload traffic of that prefill",
                       [](const Point& p) { return p.prefill_bytes; }, whole});
  add_figure(columns, {"gpu_idle", "share of time without a kernel on any stream, mean over the GPUs",
                       [](const Point& p) { return p.gpu_idle; }});
  add_figure(columns,
             {"cpu_ratio", "tokens attended by the CPU ÷ budget", [](const Point& p) { return p.facts.cpu_ratio; }});
  add_figure(columns, {"recall_interval", "mean steps between recalls of a layer; 0 without recalls",
                       [](const Point& p) { return p.facts.recall_interval; }});
  add_figure(columns, {"turnover", "share of selected blocks not selected in the step before",
                       [](const Point& p) { return p.facts.turnover; }});
  add_figure(columns, {"link_bytes_per_step", "payload to and from one GPU, mean over the steps",
                       [](const Point& p) { return p.facts.link_bytes_per_step; }});
}

void add_training(PointColumns& columns) {
  const auto add = [&columns](const char* heading, const char* meaning, double TrainingFacts::*fact) {
    add_kind_figure(columns, WorkloadKind::training,
                    {heading, meaning, [fact](const Point& p) { return p.facts.training.*fact; }});
  };
  add("training_cost",
      "arithmetic of the layers' products and attention beside 16 bits: FLOPs · bits ÷ 16 summed over the FLOPs, "
      "without "
      "what is computed anew; empty of decoding",
      &TrainingFacts::cost);
  add("ffn_share", "of the layers' forward FLOPs in training", &TrainingFacts::ffn_share);
  add("projection_share", "likewise of the projections before and after attention", &TrainingFacts::projection_share);
  add("attention_share", "likewise of attention itself", &TrainingFacts::attention_share);
}

// Spans overlap, so these sums exceed the time that passed.
void add_ledger(PointColumns& columns) {
  const auto add = [&columns](const char* heading, const char* meaning, Duration Ledger::*part) {
    add_figure(columns, {heading, meaning, [part](const Point& p) { return (p.ledger.*part).seconds().value(); }});
  };
  add("ledger_sum_dependency_s",
      "waiting for predecessors, summed over all spans of all measured steps of all GPUs, which overlap: more than the "
      "time passed",
      &Ledger::dependency);
  add("ledger_sum_queue_s", "likewise: ready, but without a lane or slot", &Ledger::queue);
  add("ledger_sum_contention_s", "likewise: running slower than alone on the machine", &Ledger::contention);
  add("ledger_sum_work_s", "likewise: what each span takes alone", &Ledger::work);
}

void add_memory(PointColumns& columns) {
  const auto add = [&columns](const char* heading, const char* meaning, MemoryUse::Tier tier) {
    add_figure(columns, {heading, meaning, [tier](const Point& p) { return tier_total(p, tier).value(); }, whole});
  };
  add("hbm_bytes", "memory of one GPU planned at this batch, with what is kept for activations and runtime",
      MemoryUse::Tier::hbm);
  add("dram_bytes", "pageable host memory planned at this batch for each GPU, with what is kept for the system",
      MemoryUse::Tier::dram);
  add("pinned_bytes", "pinned host memory planned at this batch for each GPU", MemoryUse::Tier::pinned);
}

void add_remarks(PointColumns& columns) {
  columns.push_back({"bound_by",
                     "part of the machine that most of the critical path waits for: GPU, link, CPU, DRAM, "
                     "host thread or other",
                     [](const Point& p) { return p.parts.empty() ? std::string() : p.parts.front().name; }});
  columns.push_back({"bound_share", "its share of the critical path",
                     [](const Point& p) { return p.parts.empty() ? std::string() : exact(p.parts.front().share); }});
  columns.push_back({"limited_by", "the first causes on the critical path, in words",
                     [](const Point& p) { return plain_causes(p.causes); }});
  columns.push_back({"notes", "what to bear in mind with this row, separated by bars",
                     [](const Point& p) { return join(p.notes, " | "); }});
  columns.push_back({"extrapolated",
                     "operations beyond the sizes that the profile was fitted to by more than a factor 1.25, where "
                     "they take at least 1 % of the critical path of the step or prefill, separated by bars",
                     [](const Point& p) {
                       std::vector<std::string> texts;
                       for (const Extrapolation& mark : p.extrapolated) texts.push_back(extrapolation_text(mark));
                       return join(texts, " | ");
                     }});
  columns.push_back({"fingerprint", "of the decode trace, 16 hex digits",
                     [](const Point& p) { return p.fits ? fingerprint_text(p.fingerprint) : std::string(); }});
}

std::string use_heading(const std::string& resource) {
  std::string heading = "use";
  bool gap = true;
  for (const char letter : resource) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool plain = byte < 0x80 && std::isalnum(byte) != 0;
    if (plain) heading += std::string(gap ? "_" : "") + static_cast<char>(std::tolower(byte));
    gap = !plain;
  }
  return heading;
}

}  // namespace outrider
