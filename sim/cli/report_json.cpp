// results.json, field by field.
#include "sim/cli/report_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/cli/report_intervals.h"
#include "sim/cli/report_rows.h"

namespace outrider {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
// Bytes are whole but for rounding.
Json whole(double value) { return std::isfinite(value) ? Json(std::llround(value)) : Json(nullptr); }
Json number_if(bool given, double value) { return given ? number(value) : Json(nullptr); }

Json facts_json(const MethodFacts& facts) {
  Json json;
  json["cpu_ratio"] = number(facts.cpu_ratio);
  json["cpu_ratio_by_step"] = Json::array();
  for (const double ratio : facts.cpu_ratio_by_step) json["cpu_ratio_by_step"].push_back(number(ratio));
  json["recall_interval"] = number(facts.recall_interval);
  json["turnover"] = number(facts.turnover);
  json["link_bytes_per_step"] = number(facts.link_bytes_per_step);
  return json;
}

void add_identity(Json& json, const PointResult& point) {
  json["label"] = point.label;
  json["method"] = point.method;
  json["preset"] = point.preset;
  json["workload"] = point.workload;
  json["kind"] = point.kind == WorkloadKind::training ? "training" : "decode";
  json["gpus"] = point.gpus;
  json["context"] = point.context;
  const std::int64_t batch = point.fits ? point.batch : point.given_batch;
  json["batch"] = batch > 0 ? Json(batch) : Json(nullptr);
  json["automatic_batch"] = point.automatic_batch;
  json["micro_batches"] = point.micro_batches;
  json["decode_steps"] = point.decode_steps;
  json["fits"] = point.fits;
  json["limit"] = point.limit;
  json["notes"] = point.notes;
  json["extrapolated"] = extrapolated_json(point.extrapolated);
}

void add_speed(Json& json, const RunReport& report, const PointResult& point) {
  const PointResult* baseline = baseline_of(report, point);
  json["tokens_per_s"] = number_if(point.fits, point.tokens_per_s);
  json["tokens_per_s_per_gpu"] = number_if(point.fits, point.tokens_per_s_per_gpu());
  json["baseline"] = baseline == nullptr ? Json(nullptr) : Json(baseline->label);
  json["versus_baseline"] = number_if(point.fits && baseline != nullptr, versus_baseline(report, point));
  const bool decodes = point.fits && point.kind == WorkloadKind::decode;
  json["step_s"] = number_if(point.fits, point.tpot.value());
  json["tpot_s"] = number_if(decodes, point.tpot.value());
  json["tpot_slowest_s"] = number_if(decodes, point.tpot_slowest.value());
  json["step_p5_s"] = number_if(point.fits, point.step_p5.value());
  json["step_p95_s"] = number_if(point.fits, point.step_p95.value());
  json["step_trend"] = number_if(point.fits, point.step_trend);
  json["ttft_s"] = number_if(point.fits && point.ttft.value() > 0.0, point.ttft.value());
  json["prefill_bytes"] = point.fits ? whole(point.prefill_bytes) : Json(nullptr);
  json["gpu_idle"] = number_if(point.fits, point.gpu_idle);
}

Json interval_json(const std::optional<Interval>& interval) {
  return interval ? Json::array({number(interval->low), number(interval->high)}) : Json(nullptr);
}

Json intervals_json(const RunReport& report, const PointResult& point) {
  if (report.draws.empty() || !point.fits) return nullptr;
  Json json;
  for (const FigureWithInterval& figure : figures_with_intervals())
    json[figure.name] = interval_json(interval_named(report, point, figure.name));
  const Rank rank = rank_in_workload(report, point);
  json["rank"] = {rank.best, rank.worst};
  return json;
}

Json point_json(const RunReport& report, const PointResult& point) {
  Json json;
  add_identity(json, point);
  add_speed(json, report, point);
  json["intervals"] = intervals_json(report, point);
  json["facts"] = point.fits ? facts_json(point.facts) : Json(nullptr);
  json["training"] = training_json(point);
  json["parts"] = parts_json(point.parts);
  json["limited_by"] = plain_causes(point.causes);
  json["causes"] = causes_json(point.causes);
  json["ledger"] = point.fits ? ledger_json(point.ledger) : Json(nullptr);
  json["utilisations"] = utilisations_json(point.utilisations);
  json["memory"] = memory_json(point);
  json["fingerprint"] = point.fits ? Json(fingerprint_text(point.fingerprint)) : Json(nullptr);
  return json;
}

}  // namespace

Json claim_json(const ClaimResult& result) {
  const Claim& claim = result.claim;
  Json json;
  json["id"] = claim.id;
  json["text"] = claim.text;
  json["metric"] = claim.metric;
  json["method"] = claim.method;
  json["baseline"] = claim.baseline;
  json["workload"] = claim.workload;
  json["context"] = claim.context;
  json["batch"] = claim.batch;
  json["relation"] = claim.relation;
  json["claimed"] = number(claim.value);
  json["available"] = result.available;
  json["predicted"] = number_if(result.available, result.predicted);
  json["interval"] = interval_json(result.interval);
  json["holding_share"] = result.holding_share ? number(*result.holding_share) : Json(nullptr);
  json["difference"] = number_if(result.available, result.difference);
  json["tested_difference"] = number_if(result.available, result.tested_difference);
  json["verdict"] = verdict(result);
  json["input"] = claim.input;
  json["rests_on_trend"] = result.rests_on_trend;
  json["certainty"] = claim.certainty;
  json["source"] = claim.source;
  json["conditions"] = claim.conditions;
  json["note"] = result.note;
  return json;
}

Json provenance_json(const RunReport& report) {
  Json json;
  json["schema_version"] = kSchemaVersion;
  json["program"] = "outrider";
  json["version"] = report.version;
  json["scenario"] = report.scenario;
  json["model"] = report.model;
  json["machine"] = report.machine;
  json["machine_changes"] = report.machine_changes;
  json["profile"] = report.profile;
  json["profile_kind"] = report.profile_kind;
  json["seed"] = report.seed;
  json["caveats"] = report.caveats;
  return json;
}

Json causes_json(const std::vector<Cause>& causes) {
  Json json = Json::array();
  for (const Cause& cause : causes) {
    json.push_back({{"lane", cause.lane},
                    {"operation", cause.name},
                    {"bottleneck", cause.bottleneck},
                    {"time_s", number(cause.time.seconds().value())},
                    {"share", number(cause.share)}});
  }
  return json;
}

Json parts_json(const std::vector<BoundPart>& parts) {
  Json json = Json::array();
  for (const BoundPart& part : parts) json.push_back({{"part", part.name}, {"share", number(part.share)}});
  return json;
}

Json training_json(const PointResult& point) {
  if (!point.fits || point.kind != WorkloadKind::training) return nullptr;
  const TrainingFacts& facts = point.facts.training;
  return {{"cost", number(facts.cost)},
          {"ffn_share", number(facts.ffn_share)},
          {"projection_share", number(facts.projection_share)},
          {"attention_share", number(facts.attention_share)}};
}

Json extrapolated_json(const std::vector<Extrapolation>& marks) {
  Json json = Json::array();
  for (const Extrapolation& mark : marks) {
    json.push_back({{"part", mark.part},
                    {"operation", mark.operation},
                    {"size", mark.size},
                    {"value", number(mark.value)},
                    {"sampled_low", number(mark.low)},
                    {"sampled_high", number(mark.high)},
                    {"share", number(mark.share)}});
  }
  return json;
}

Json ledger_json(const Ledger& ledger) {
  return {{"dependency_s", ledger.dependency.seconds().value()},
          {"queue_s", ledger.queue.seconds().value()},
          {"contention_s", ledger.contention.seconds().value()},
          {"work_s", ledger.work.seconds().value()}};
}

Json utilisations_json(const std::vector<Utilisation>& utilisations) {
  Json json = Json::array();
  for (const Utilisation& use : utilisations) {
    json.push_back({{"resource", use.resource},
                    {"share", number(use.share)},
                    {"amount_per_step", number(use.amount_per_step)},
                    {"unit", use.unit}});
  }
  return json;
}

Json memory_json(const PointResult& point) {
  Json json = Json::array();
  for (const MemoryUse& use : point.memory) {
    json.push_back({{"what", use.what},
                    {"tier", tier_name(use.tier)},
                    {"fixed_bytes", whole(use.fixed.value())},
                    {"per_sequence_bytes", whole(use.per_sequence.value())},
                    {"total_bytes", point.fits ? whole(total_at(use, point.batch).value()) : Json(nullptr)}});
  }
  return json;
}

Json report_json(const RunReport& report) {
  Json json = provenance_json(report);
  json["points"] = Json::array();
  for (const PointResult& point : report.points) json["points"].push_back(point_json(report, point));
  json["claims"] = Json::array();
  for (const ClaimResult& claim : report.claims) json["claims"].push_back(claim_json(claim));
  return json;
}

std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace outrider
