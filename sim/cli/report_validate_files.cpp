// The files of `validate`: steps.csv, shares.csv, operations.csv and validation.json.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/cli/csv_columns.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_validate.h"

namespace outrider {
namespace {

using Json = nlohmann::ordered_json;

std::string seconds(double value) { return fmt::format("{:.6g}", value); }
std::string seconds(Seconds value) { return seconds(value.value()); }
std::string seconds(Duration value) { return seconds(value.seconds()); }
std::string share(double value) { return fmt::format("{:.4f}", value); }

// As a cell that needs no quotes, which whoever reads these files does not know.
std::string without_separators(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ',' || c == '\n' || c == '\r' || c == '"'; }, ' ');
  while (text.ends_with(' ')) text.pop_back();
  text.erase(0, text.find_first_not_of(' '));
  return text;
}

template <class Row>
using Columns = std::vector<CsvColumn<Row>>;

// `point_of` finds the point that a row is of.
template <class Row, class PointOf>
void add_point(Columns<Row>& columns, PointOf point_of) {
  const auto add = [&](const char* heading, const char* meaning, auto read) {
    columns.push_back({heading, meaning, [=](const Row& row) { return read(point_of(row).predicted); }});
  };
  add("workload", "name of the workload", [](const PointResult& p) { return without_separators(p.workload); });
  add("context", "tokens cached when decoding starts", [](const PointResult& p) { return std::to_string(p.context); });
  add("batch", "sequences on each GPU", [](const PointResult& p) { return std::to_string(p.batch); });
}

using StepColumns = Columns<MeasuredPoint>;

// Empty where the point was not executed, or `there` says that there is none.
template <class Read>
void add_if_ran(StepColumns& columns, const char* heading, const char* meaning, Read read) {
  columns.push_back({heading, meaning, [read](const MeasuredPoint& p) { return p.ran() ? read(p) : std::string(); }});
}

template <class Read>
void add_of_worst(StepColumns& columns, const char* heading, const char* meaning, Read read) {
  columns.push_back({heading, meaning, [read](const MeasuredPoint& p) {
                       return p.ran() && !p.operations.worst.empty() ? read(p.operations.worst.front()) : std::string();
                     }});
}

StepColumns step_columns() {
  using P = const MeasuredPoint&;
  StepColumns columns{
      {"method", "the scenario's name of the method", [](P p) { return without_separators(p.predicted.label); }},
      {"preset", "of the system's parameters", [](P p) { return without_separators(p.predicted.preset); }}};
  add_point(columns, [](P p) -> P { return p; });
  columns.push_back({"gpus", "that ran it side by side: times are means over them",
                     [](P p) { return std::to_string(p.predicted.gpus); }});
  columns.push_back({"decode_steps", "measured", [](P p) { return std::to_string(p.predicted.decode_steps); }});
  columns.push_back({"repeats", "runs of all steps", [](P p) { return std::to_string(p.repeats.size()); }});
  add_if_ran(columns, "measured_s", "mean step time, median of the runs", [](P p) { return seconds(p.measured); });
  add_if_ran(columns, "spread", "(largest − smallest) ÷ median of the runs: the noise floor",
             [](P p) { return share(p.spread); });
  add_if_ran(columns, "dram_read",
             "bytes per second that all processors read just before, which is the ceiling it is simulated with; empty: "
             "not measured, since the CPU has nothing to do",
             [](P p) { return p.host.dram_read.value() > 0.0 ? seconds(p.host.dram_read.value()) : std::string(); });
  add_if_ran(columns, "cpu_workers",
             "threads of the CPU's attention and gathers, with which it is simulated; empty: none",
             [](P p) { return p.host.cpu_workers > 0 ? std::to_string(p.host.cpu_workers) : std::string(); });
  add_if_ran(columns, "simulated_s", "mean step time", [](P p) { return seconds(p.predicted.tpot); });
  add_if_ran(columns, "error", "simulated ÷ measured − 1", [](P p) { return share(p.error()); });
  add_if_ran(columns, "measured_slowest_s", "likewise of the GPU that took longest in each run",
             [](P p) { return seconds(p.measured_slowest); });
  add_if_ran(columns, "simulated_slowest_s", "likewise, simulated",
             [](P p) { return seconds(p.predicted.tpot_slowest); });
  add_if_ran(columns, "timed_s", "mean step time, median of the runs that timed operations",
             [](P p) { return p.timed.value() > 0.0 ? seconds(p.timed) : std::string(); });
  using Op = const OpDiff&;
  add_of_worst(columns, "worst_op", "the operation furthest from its simulation", [](Op op) { return op.name; });
  add_of_worst(columns, "worst_op_layer", "its layer; −1: of none", [](Op op) { return std::to_string(op.layer); });
  add_of_worst(columns, "worst_op_step", "its step, warm-up included", [](Op op) { return std::to_string(op.step); });
  add_of_worst(columns, "worst_op_measured_s", "its time", [](Op op) { return seconds(op.ran.measured); });
  add_of_worst(columns, "worst_op_simulated_s", "likewise, simulated", [](Op op) { return seconds(op.ran.predicted); });
  columns.push_back({"not_executed", "why not; empty: it was", [](P p) { return without_separators(p.impossible); }});
  return columns;
}

template <class Part>
struct PartRow {
  const MeasuredPoint* point = nullptr;
  const Part* part = nullptr;
};

template <class Part, class PartsOf>
std::vector<PartRow<Part>> rows_of(const std::vector<MeasuredPoint>& points, PartsOf parts_of) {
  std::vector<PartRow<Part>> rows;
  for (const MeasuredPoint& point : points) {
    for (const Part& part : parts_of(point)) rows.push_back({&point, &part});
  }
  return rows;
}

template <class Part>
Columns<PartRow<Part>> columns_of_point() {
  using Row = PartRow<Part>;
  Columns<Row> columns{{"method", "the scenario's name of the method",
                        [](const Row& row) { return without_separators(row.point->predicted.label); }}};
  add_point(columns, [](const Row& row) -> const MeasuredPoint& { return *row.point; });
  return columns;
}

using OperationRow = PartRow<FamilyDiff>;
using ShareRow = PartRow<ActivityDiff>;

Columns<OperationRow> operation_columns() {
  using R = const OperationRow&;
  Columns<OperationRow> columns = columns_of_point<FamilyDiff>();
  columns.push_back({"operation", "family of operations", [](R r) { return r.part->name; }});
  columns.push_back({"ops", "how many, in all measured steps", [](R r) { return std::to_string(r.part->ops); }});
  columns.push_back({"measured_s", "their times, summed: each from its start to its end",
                     [](R r) { return seconds(r.part->ran.measured); }});
  columns.push_back({"simulated_s", "likewise", [](R r) { return seconds(r.part->ran.predicted); }});
  columns.push_back({"queue_measured_s",
                     "ready, but not started: waits for lanes and slots, launch latencies and the watching of flags, "
                     "which a real trace does not tell apart",
                     [](R r) { return seconds(r.part->queue.measured); }});
  columns.push_back(
      {"queue_simulated_s", "ready, but without a lane or slot", [](R r) { return seconds(r.part->queue.predicted); }});
  columns.push_back({"contention_simulated_s",
                     "of simulated_s, what they ran slower than alone on the machine; a real trace does not tell its "
                     "own",
                     [](R r) { return seconds(r.part->predicted_contention); }});
  return columns;
}

bool is_overlap(const ActivityDiff& diff) { return diff.name == "overlap"; }

Columns<ShareRow> share_columns() {
  using R = const ShareRow&;
  Columns<ShareRow> columns = columns_of_point<ActivityDiff>();
  const auto add = [&](const char* heading, const char* meaning, auto read) {
    columns.push_back({heading, meaning, [read](R r) { return read(*r.part); }});
  };
  using D = const ActivityDiff&;
  add("activity", "gpu_compute, copies_h2d (also by kernels), copies_d2h, cpu; overlap: two or more of these at once",
      [](D d) { return d.name; });
  add("busy_measured",
      "share of the elapsed time in which one ran at least, median of the runs: of the cpu in runs that time steps "
      "only, of all others put together from runs that time one operation in eight",
      [](D d) { return share(d.measured); });
  add("spread", "largest − smallest of the runs", [](D d) { return share(d.spread); });
  add("busy_simulated", "likewise, of the simulation", [](D d) { return share(d.simulated); });
  add("difference_points", "busy_simulated − busy_measured in percentage points; of the idle shares its negative",
      [](D d) { return fmt::format("{:.2f}", 100.0 * d.difference()); });
  add("idle_measured", "1 − busy_measured", [](D d) { return is_overlap(d) ? "" : share(1.0 - d.measured); });
  add("idle_simulated", "1 − busy_simulated", [](D d) { return is_overlap(d) ? "" : share(1.0 - d.simulated); });
  add("ops", "its operations, mean per step", [](D d) { return is_overlap(d) ? "" : fmt::format("{:.6g}", d.ops); });
  const auto if_timed = [](auto read) {
    return [read](D d) { return d.has_ledger ? seconds(read(d)) : std::string(); };
  };
  add("queue_measured_s", "as in operations.csv, of all its operations, mean per step; empty: not timed",
      if_timed([](D d) { return d.measured_ledger.queue; }));
  add("queue_simulated_s", "likewise", if_timed([](D d) { return d.simulated_ledger.queue; }));
  add("contention_simulated_s", "likewise", if_timed([](D d) { return d.simulated_ledger.contention; }));
  return columns;
}

Json share_json(const ActivityDiff& diff) {
  const auto if_timed = [&](Duration time) { return diff.has_ledger ? Json(time.seconds().value()) : Json(nullptr); };
  const auto idle = [&](double busy) { return is_overlap(diff) ? Json(nullptr) : Json(1.0 - busy); };
  return {{"activity", diff.name},
          {"busy_measured", diff.measured},
          {"spread", diff.spread},
          {"ops", is_overlap(diff) ? Json(nullptr) : Json(diff.ops)},
          {"busy_simulated", diff.simulated},
          {"difference_points", 100.0 * diff.difference()},
          {"idle_measured", idle(diff.measured)},
          {"idle_simulated", idle(diff.simulated)},
          {"queue_measured_s", if_timed(diff.measured_ledger.queue)},
          {"queue_simulated_s", if_timed(diff.simulated_ledger.queue)},
          {"contention_simulated_s", if_timed(diff.simulated_ledger.contention)}};
}

Json operation_json(const FamilyDiff& family) {
  return {{"operation", family.name},
          {"ops", family.ops},
          {"measured_s", family.ran.measured.seconds().value()},
          {"simulated_s", family.ran.predicted.seconds().value()},
          {"queue_measured_s", family.queue.measured.seconds().value()},
          {"queue_simulated_s", family.queue.predicted.seconds().value()},
          {"contention_simulated_s", family.predicted_contention.seconds().value()}};
}

Json worst_json(const OpDiff& op) {
  return {{"operation", op.name},
          {"lane", op.lane},
          {"layer", op.layer},
          {"step", op.step},
          {"measured_s", op.ran.measured.seconds().value()},
          {"simulated_s", op.ran.predicted.seconds().value()}};
}

template <class Parts, class Write>
Json array_of(const Parts& parts, Write write) {
  Json json = Json::array();
  for (const auto& each : parts) json.push_back(write(each));
  return json;
}

Json point_json(const MeasuredPoint& point) {
  const PointResult& row = point.predicted;
  Json json{{"label", row.label},
            {"method", row.method},
            {"preset", row.preset},
            {"workload", row.workload},
            {"context", row.context},
            {"batch", row.batch},
            {"gpus", row.gpus},
            {"decode_steps", row.decode_steps},
            {"not_executed", point.impossible}};
  if (!point.ran()) return json;
  const bool timed = point.timed.value() > 0.0;
  json["device"] = point.facts.device;
  json["cpu_workers"] = point.facts.cpu_workers;
  json["dram_read"] = point.host.dram_read.value() > 0.0 ? Json(point.host.dram_read.value()) : Json(nullptr);
  json["measured_s"] = point.measured.value();
  json["repeats_s"] = array_of(point.repeats, [](Seconds each) { return Json(each.value()); });
  json["spread"] = point.spread;
  json["simulated_s"] = row.tpot.value();
  json["error"] = point.error();
  json["measured_slowest_s"] = point.measured_slowest.value();
  json["simulated_slowest_s"] = row.tpot_slowest.value();
  json["timed_s"] = timed ? Json(point.timed.value()) : Json(nullptr);
  json["lengthened"] = timed ? Json(point.lengthened()) : Json(nullptr);
  json["shares"] = array_of(point.activities, share_json);
  json["operations"] = array_of(point.operations.families, operation_json);
  json["worst"] = array_of(point.operations.worst, worst_json);
  return json;
}

Json result_json(const CheckedResult& result) {
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); };
  const ResultShape& shape = result.shape;
  return {{"label", result.label},       {"context", result.context},           {"q_heads", shape.q_heads},
          {"kv_heads", shape.kv_heads},  {"head_dim", shape.head_dim},          {"blocks", shape.blocks},
          {"selected", shape.selected},  {"offloaded", shape.offloaded},        {"kernels", result.check.kernels},
          {"check", result.check.what},  {"error", number(result.check.error)}, {"bound", number(result.check.bound)},
          {"wrong", result.check.wrong}, {"passes", result.check.passes()}};
}

}  // namespace

std::string steps_csv(const std::vector<MeasuredPoint>& points) { return csv_table(step_columns(), points); }

std::string operations_csv(const std::vector<MeasuredPoint>& points) {
  return csv_table(operation_columns(),
                   rows_of<FamilyDiff>(
                       points, [](const auto& p) -> const auto& { return p.operations.families; }));
}

std::string shares_csv(const std::vector<MeasuredPoint>& points) {
  return csv_table(share_columns(), rows_of<ActivityDiff>(
                                        points, [](const auto& p) -> const auto& { return p.activities; }));
}

std::vector<CsvColumnInfo> steps_columns() { return infos_of(step_columns()); }
std::vector<CsvColumnInfo> operations_columns() { return infos_of(operation_columns()); }
std::vector<CsvColumnInfo> shares_columns() { return infos_of(share_columns()); }

Json validation_json(const ValidationReport& report) {
  Json json = provenance_json(report.about);
  json["points"] = array_of(report.points, point_json);
  json["results"] = array_of(report.results, result_json);
  return json;
}

}  // namespace outrider
