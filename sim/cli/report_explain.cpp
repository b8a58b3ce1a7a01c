// The tables and the JSON of `explain`.
#include "sim/cli/report_explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "sim/base/check.h"
#include "sim/cli/format.h"
#include "sim/cli/report_extrapolation.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_rows.h"
#include "sim/cli/report_text.h"

namespace outrider {
namespace {

Duration busy(const Ledger& ledger) { return ledger.contention + ledger.work; }

std::size_t steps_of(const Explanation& explanation) {
  return std::max<std::size_t>(steps_of(explanation.detail.measured), 1);
}

std::string section(const std::string& title, const std::string& body, const TableLook& look) {
  return "\n" + styled(title, Style::bold, look.colour) + "\n" + body;
}

std::string extrapolated_text(const PointResult& point) {
  std::string text;
  for (const Extrapolation& mark : point.extrapolated)
    text += fmt::format("Extrapolated: {}\n", extrapolation_text(mark));
  return text;
}

std::string gpus_text(const PointResult& point) {
  if (point.gpus == 1) return "";
  return fmt::format(
      "{} GPUs, each with that batch: {} tokens/s by one, {} per step of the slowest. Figures are one GPU's, in the "
      "mean.\n",
      point.gpus, significant(point.tokens_per_s_per_gpu(), 4), duration(point.tpot_slowest));
}

std::string training_text(const PointResult& point) {
  if (point.kind != WorkloadKind::training) return "";
  const TrainingFacts& facts = point.facts.training;
  return fmt::format(
      "A step of training, of {} such batch{}. Arithmetic: {:.1f} % of 16 bits; of the layers' forward FLOPs FFN "
      "{:.1f} "
      "%, projections {:.1f} %, attention {:.1f} %.\n",
      point.micro_batches, point.micro_batches == 1 ? "" : "es", 100.0 * facts.cost, 100.0 * facts.ffn_share,
      100.0 * facts.projection_share, 100.0 * facts.attention_share);
}

std::string bound_text(const PointResult& point) {
  std::vector<std::string> parts;
  for (const BoundPart& part : point.parts) {
    if (part.share >= 0.005) parts.push_back(fmt::format("{} {}", part.name, percent(part.share)));
  }
  return parts.empty() ? "" : fmt::format("Bound by {}.\n", join(parts, ", "));
}

std::string summary_text(const Explanation& explanation) {
  const PointResult& point = explanation.detail.result;
  const std::string batch = point.limit.empty() ? "" : fmt::format(" (limit: {})", point.limit);
  return fmt::format("{}: {} with preset {}, context {}, batch {}{}\n{} tokens/s, {} per step, GPU idle {}\n",
                     printable(point.label), point.method, point.preset, token_count(point.context), point.batch,
                     printable(batch), significant(point.tokens_per_s, 4), duration(point.tpot),
                     percent(point.gpu_idle)) +
         training_text(point) + bound_text(point) + gpus_text(point) +
         (point.notes.empty() ? "" : fmt::format("Note: {}\n", printable(join(point.notes, "; ")))) +
         extrapolated_text(point);
}

std::string operations_text(const Explanation& explanation, const TableLook& look) {
  const auto steps = static_cast<double>(steps_of(explanation));
  const auto per_step = [steps](Duration time) { return significant(time.seconds().value() * 1e3 / steps, 3); };
  Table table({{"operation"},
               {"lane"},
               {"per step", Align::right},
               {"busy", Align::right},
               {"work", Align::right},
               {"contention", Align::right},
               {"queue", Align::right},
               {"dependency", Align::right}});
  for (const OperationRow& row : operation_rows(explanation.detail.trace, explanation.detail.measured)) {
    table.add_row({plain_operation(row.operation), row.lane, significant(static_cast<double>(row.count) / steps, 3),
                   per_step(busy(row.ledger)), per_step(row.ledger.work), per_step(row.ledger.contention),
                   per_step(row.ledger.queue), per_step(row.ledger.dependency)});
  }
  return table.render(look);
}

std::string causes_text(const Explanation& explanation, const TableLook& look) {
  const auto steps = static_cast<double>(steps_of(explanation));
  Table table({{"share", Align::right}, {"ms per step", Align::right}, {"operation"}, {"lane"}, {"limited by"}});
  for (const Cause& cause : explanation.detail.result.causes) {
    table.add_row({percent(cause.share), significant(cause.time.seconds().value() * 1e3 / steps, 3),
                   plain_operation(cause.name), cause.lane, cause.bottleneck});
  }
  return table.render(look);
}

std::string amount_text(const Utilisation& use) {
  if (use.unit.starts_with("B")) return byte_count(Bytes(use.amount_per_step)) + use.unit.substr(1);
  if (use.unit == "s") return duration(Seconds(use.amount_per_step));
  return fmt::format("{} G{}", significant(use.amount_per_step * 1e-9, 3), use.unit);
}

std::string utilisations_text(const Explanation& explanation, const TableLook& look) {
  Table table({{"resource"}, {"of what it achieves", Align::right}, {"amount per step", Align::right}});
  for (const Utilisation& use : explanation.detail.result.utilisations) {
    if (use.amount_per_step > 0.0) table.add_row({use.resource, percent(use.share), amount_text(use)});
  }
  return table.render(look);
}

Bytes dram_total(const PointResult& point) {
  return tier_total(point, MemoryUse::Tier::dram) + tier_total(point, MemoryUse::Tier::pinned);
}

std::string memory_text(const Explanation& explanation, const TableLook& look) {
  const PointResult& point = explanation.detail.result;
  Table table({{"where"}, {"what"}, {"fixed", Align::right}, {"per sequence", Align::right}, {"total", Align::right}});
  for (const MemoryUse& use : point.memory) {
    table.add_row({std::string(tier_name(use.tier)), use.what, byte_count(use.fixed), byte_count(use.per_sequence),
                   byte_count(total_at(use, point.batch))});
  }
  return table.render(look) +
         fmt::format("HBM: {} of {}. DRAM (with pinned): {} of {}{}.\n",
                     byte_count(tier_total(point, MemoryUse::Tier::hbm)), byte_count(explanation.hbm_capacity),
                     byte_count(dram_total(point)), byte_count(explanation.dram_capacity),
                     point.gpus == 1 ? "" : fmt::format(", the share of one GPU in {}", point.gpus));
}

std::string help_text(const Explanation& explanation, const TableLook& look) {
  Table table({{"change"}, {"throughput", Align::right}});
  for (const WhatIf& what : explanation.help) { table.add_row({what.change, signed_percent(what.speedup - 1.0)}); }
  return table.render(look);
}

nlohmann::ordered_json operations_json(const Explanation& explanation) {
  const auto steps = static_cast<double>(steps_of(explanation));
  const auto per_step = [steps](Duration time) { return time.seconds().value() / steps; };
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const OperationRow& row : operation_rows(explanation.detail.trace, explanation.detail.measured)) {
    json.push_back({{"lane", row.lane},
                    {"operation", row.operation},
                    {"count", static_cast<double>(row.count) / steps},
                    {"busy_s", per_step(busy(row.ledger))},
                    {"dependency_s", per_step(row.ledger.dependency)},
                    {"queue_s", per_step(row.ledger.queue)},
                    {"contention_s", per_step(row.ledger.contention)},
                    {"work_s", per_step(row.ledger.work)}});
  }
  return json;
}

}  // namespace

std::vector<OperationRow> operation_rows(const Trace& trace, StepRanges measured) {
  std::map<std::pair<std::string, std::string>, OperationRow> sums;  // by operation and lane
  const auto add = [&](const Span& span) {
    const std::string lane = span.lane.index() < trace.lanes.size() ? trace.lanes[span.lane.index()] : "";
    OperationRow& row = sums[{trace.names[span.name], lane}];
    ++row.count;
    row.ledger += span.ledger();
  };
  for (const StepRange range : measured) {
    CHECK(range.last <= trace.steps.size(), "steps to {} of a trace of {}", range.last, trace.steps.size());
    for (std::size_t step = range.first; step < range.last; ++step) {
      for (const Span& span : trace.spans_of(trace.steps[step])) add(span);
    }
  }
  std::vector<OperationRow> rows;
  for (auto& [key, row] : sums) {
    std::tie(row.operation, row.lane) = key;
    if (busy(row.ledger) + row.ledger.queue > Duration()) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), [](const OperationRow& a, const OperationRow& b) {
    return std::tuple(busy(b.ledger), a.lane, a.operation) < std::tuple(busy(a.ledger), b.lane, b.operation);
  });
  return rows;
}

std::string explain_text(const Explanation& explanation, const TableLook& look) {
  CHECK(explanation.detail.result.fits, "{} does not fit", explanation.detail.result.label);
  std::string result = provenance_text(explanation.provenance, look) + "\n" + summary_text(explanation);
  result += section("time by operation and lane (ms per step)", operations_text(explanation, look), look);
  result += section("critical path by cause", causes_text(explanation, look), look);
  result += section("use of the resources", utilisations_text(explanation, look), look);
  result += section("memory", memory_text(explanation, look), look);
  if (!explanation.help.empty()) {
    result += section("what would help most (simulated, one change at a time)", help_text(explanation, look), look);
  }
  return result + "\n" + caveats_text(explanation.provenance, look);
}

nlohmann::ordered_json explain_json(const Explanation& explanation) {
  const PointResult& point = explanation.detail.result;
  nlohmann::ordered_json json = provenance_json(explanation.provenance);
  json["point"] = {{"label", point.label},       {"method", point.method},   {"preset", point.preset},
                   {"workload", point.workload}, {"context", point.context}, {"batch", point.batch},
                   {"fits", point.fits},         {"limit", point.limit},     {"notes", point.notes}};
  json["point"]["extrapolated"] = extrapolated_json(point.extrapolated);
  json["gpus"] = point.gpus;
  json["tokens_per_s"] = point.tokens_per_s;
  json["tpot_s"] = point.tpot.value();
  json["parts"] = parts_json(point.parts);
  json["training"] = training_json(point);
  json["tpot_slowest_s"] = point.tpot_slowest.value();
  json["gpu_idle"] = point.gpu_idle;
  json["steps"] = steps_of(explanation.detail.measured);
  json["operations"] = operations_json(explanation);
  json["causes"] = causes_json(point.causes);
  json["utilisations"] = utilisations_json(point.utilisations);
  json["memory"] = memory_json(point);
  json["capacity"] = {{"hbm_bytes", explanation.hbm_capacity.value()},
                      {"dram_bytes", explanation.dram_capacity.value()}};
  json["what_would_help"] = nlohmann::ordered_json::array();
  for (const WhatIf& what : explanation.help) {
    json["what_would_help"].push_back({{"change", what.change}, {"speedup", what.speedup}});
  }
  return json;
}

}  // namespace outrider
