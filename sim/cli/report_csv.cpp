// CSV tables: a list of columns, each a heading and how it is read off a row.
#include "sim/cli/report_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "sim/cli/format.h"
#include "sim/cli/report_rows.h"

namespace outrider {
namespace {

template <class Row>
struct CsvColumn {
  std::string heading;
  std::function<std::string(const Row&)> field;
};

template <class Row>
std::string csv_table(const std::vector<CsvColumn<Row>>& columns, const std::vector<Row>& rows) {
  std::vector<std::string> fields;
  for (const auto& column : columns) fields.push_back(column.heading);
  std::string result = csv_line(fields);
  for (const Row& row : rows) {
    fields.clear();
    for (const auto& column : columns) fields.push_back(column.field(row));
    result += csv_line(fields);
  }
  return result;
}

std::string yes_no(bool value) { return value ? "true" : "false"; }

template <class Row>
void add_provenance(std::vector<CsvColumn<Row>>& columns, const RunReport& report) {
  const auto add = [&columns](const std::string& heading, const std::string& text) {
    columns.push_back({heading, [text](const Row&) { return text; }});
  };
  add("scenario", report.scenario);
  add("model", report.model);
  add("machine", report.machine);
  add("profile", report.profile);
  add("profile_kind", report.profile_kind);
  add("seed", fmt::format("{}", report.seed));
  add("version", report.version);
}

template <class Row>
void add_caveats(std::vector<CsvColumn<Row>>& columns, const RunReport& report) {
  const std::string text = join(report.caveats, " | ");
  columns.push_back({"caveats", [text](const Row&) { return text; }});
}

using PointColumns = std::vector<CsvColumn<PointResult>>;

void add_identity(PointColumns& columns) {
  columns.push_back({"workload", [](const PointResult& p) { return p.workload; }});
  columns.push_back({"label", [](const PointResult& p) { return p.label; }});
  columns.push_back({"method", [](const PointResult& p) { return p.method; }});
  columns.push_back({"preset", [](const PointResult& p) { return p.preset; }});
  columns.push_back({"context", [](const PointResult& p) { return fmt::format("{}", p.context); }});
  columns.push_back({"batch", [](const PointResult& p) { return fmt::format("{}", p.batch); }});
  columns.push_back({"automatic_batch", [](const PointResult& p) { return yes_no(p.automatic_batch); }});
  columns.push_back({"fits", [](const PointResult& p) { return yes_no(p.fits); }});
  columns.push_back({"limit", [](const PointResult& p) { return p.limit; }});
}

void add_figure(PointColumns& columns, const std::string& heading, std::function<double(const PointResult&)> figure) {
  columns.push_back(
      {heading, [read = std::move(figure)](const PointResult& p) { return p.fits ? exact(read(p)) : std::string(); }});
}

void add_speed(PointColumns& columns, const RunReport& report) {
  add_figure(columns, "tokens_per_s", [](const PointResult& p) { return p.tokens_per_s; });
  columns.push_back({"baseline", [&report](const PointResult& p) {
                       const PointResult* baseline = baseline_of(report, p);
                       return baseline == nullptr ? std::string() : baseline->label;
                     }});
  add_figure(columns, "versus_baseline", [&report](const PointResult& p) { return versus_baseline(report, p); });
  add_figure(columns, "tpot_s", [](const PointResult& p) { return p.tpot.value(); });
  add_figure(columns, "step_p5_s", [](const PointResult& p) { return p.step_p5.value(); });
  add_figure(columns, "step_p95_s", [](const PointResult& p) { return p.step_p95.value(); });
  columns.push_back({"ttft_s", [](const PointResult& p) {
                       return p.fits && p.ttft.value() > 0.0 ? exact(p.ttft.value()) : std::string();
                     }});
}

void add_details(PointColumns& columns) {
  add_figure(columns, "prefill_bytes", [](const PointResult& p) { return p.prefill_bytes; });
  add_figure(columns, "gpu_idle", [](const PointResult& p) { return p.gpu_idle; });
  add_figure(columns, "cpu_ratio", [](const PointResult& p) { return p.facts.cpu_ratio; });
  add_figure(columns, "recall_interval", [](const PointResult& p) { return p.facts.recall_interval; });
  add_figure(columns, "turnover", [](const PointResult& p) { return p.facts.turnover; });
  add_figure(columns, "link_bytes_per_step", [](const PointResult& p) { return p.facts.link_bytes_per_step; });
  add_figure(columns, "ledger_dependency_s",
             [](const PointResult& p) { return p.ledger.dependency.seconds().value(); });
  add_figure(columns, "ledger_queue_s", [](const PointResult& p) { return p.ledger.queue.seconds().value(); });
  add_figure(columns, "ledger_contention_s",
             [](const PointResult& p) { return p.ledger.contention.seconds().value(); });
  add_figure(columns, "ledger_work_s", [](const PointResult& p) { return p.ledger.work.seconds().value(); });
  for (const auto tier : {MemoryUse::Tier::hbm, MemoryUse::Tier::dram, MemoryUse::Tier::pinned}) {
    const std::string_view name = tier == MemoryUse::Tier::pinned ? "pinned"
                                  : tier == MemoryUse::Tier::hbm  ? "hbm"
                                                                  : "dram";
    // Also for points that do not fit: it says by how much.
    columns.push_back(
        {fmt::format("{}_bytes", name), [tier](const PointResult& p) { return exact(tier_total(p, tier).value()); }});
  }
  columns.push_back({"limited_by", [](const PointResult& p) { return plain_causes(p.causes); }});
  columns.push_back({"fingerprint", [](const PointResult& p) { return fingerprint_text(p.fingerprint); }});
}

// Resources in the order in which the rows first name them.
std::vector<std::string> resources_of(const RunReport& report) {
  std::vector<std::string> names;
  for (const PointResult& point : report.points) {
    for (const Utilisation& use : point.utilisations) {
      if (std::find(names.begin(), names.end(), use.resource) == names.end()) names.push_back(use.resource);
    }
  }
  return names;
}

void add_utilisations(PointColumns& columns, const RunReport& report) {
  for (const std::string& name : resources_of(report)) {
    columns.push_back({"use of " + name, [name](const PointResult& p) {
                         const auto found = std::find_if(p.utilisations.begin(), p.utilisations.end(),
                                                         [&](const Utilisation& use) { return use.resource == name; });
                         return found == p.utilisations.end() ? std::string() : exact(found->share);
                       }});
  }
}

}  // namespace

std::string csv_field(std::string_view text) {
  const bool blank_end = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!blank_end && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"') result += '"';
    result += letter;
  }
  return result + "\"";
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string result;
  for (std::size_t i = 0; i < fields.size(); ++i) result += (i == 0 ? "" : ",") + csv_field(fields[i]);
  return result + "\n";
}

std::string results_csv(const RunReport& report) {
  PointColumns columns;
  add_provenance(columns, report);
  add_identity(columns);
  add_speed(columns, report);
  add_details(columns);
  add_caveats(columns, report);
  add_utilisations(columns, report);
  return csv_table(columns, report.points);
}

std::string claims_csv(const RunReport& report) {
  std::vector<CsvColumn<ClaimResult>> columns;
  add_provenance(columns, report);
  columns.push_back({"id", [](const ClaimResult& c) { return c.claim.id; }});
  columns.push_back({"claim", [](const ClaimResult& c) { return c.claim.text; }});
  columns.push_back({"metric", [](const ClaimResult& c) { return c.claim.metric; }});
  columns.push_back({"method", [](const ClaimResult& c) { return c.claim.method; }});
  columns.push_back({"baseline", [](const ClaimResult& c) { return c.claim.baseline; }});
  columns.push_back({"workload", [](const ClaimResult& c) { return c.claim.workload; }});
  columns.push_back({"context", [](const ClaimResult& c) { return fmt::format("{}", c.claim.context); }});
  columns.push_back({"batch", [](const ClaimResult& c) { return fmt::format("{}", c.claim.batch); }});
  columns.push_back({"relation", [](const ClaimResult& c) { return c.claim.relation; }});
  columns.push_back({"claimed", [](const ClaimResult& c) { return exact(c.claim.value); }});
  columns.push_back({"predicted", [](const ClaimResult& c) { return c.available ? exact(c.predicted) : ""; }});
  columns.push_back({"difference", [](const ClaimResult& c) { return c.available ? exact(c.difference) : ""; }});
  columns.push_back({"verdict", [](const ClaimResult& c) { return verdict(c); }});
  columns.push_back({"certainty", [](const ClaimResult& c) { return c.claim.certainty; }});
  columns.push_back({"source", [](const ClaimResult& c) { return c.claim.source; }});
  columns.push_back({"conditions", [](const ClaimResult& c) { return c.claim.conditions; }});
  columns.push_back({"note", [](const ClaimResult& c) { return c.note; }});
  add_caveats(columns, report);
  return csv_table(columns, report.claims);
}

}  // namespace outrider
