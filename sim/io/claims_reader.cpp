// Reading of claims.
#include "sim/io/claims_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/trace/claim_metrics.h"

namespace outrider {
namespace {

// Any text while recording, since a scenario's own names are no part of the format; and where none could be read.
std::string known_name(Section& item, Key key, const std::vector<std::string>& names) {
  return item.recording() || names.empty() ? item.text(key) : item.choice(key, names);
}

std::string known_name_or_none(Section& item, Key key, const std::vector<std::string>& names) {
  return item.recording() || names.empty() ? item.text_or(key, "") : item.choice_or(key, "", names);
}

// What the metric needs besides a method and a workload.
void check_needs(Section& item, const Claim& claim) {
  const auto need = [&](const char* key, const char* what) {
    if (!item.has(key)) item.complain(key, what, "nothing: the key is missing");
  };
  const bool anywhere =
      claim.metric == "largest_throughput_ratio" || claim.metric == "not_simulated" || claim.metric.empty();
  const bool between_rows = claim.metric.ends_with("_ratio") && claim.metric != "cpu_ratio";
  if (between_rows) need("baseline", "the label to compare with");
  if (!anywhere) need("context", "the context it was stated for, like 32K");
  if (claim.metric == "batch_scaling") {
    need("batch", "the larger batch");
    need("baseline_batch", "the smaller batch");
  }
}

// A path that begins with "claim." is of the claim itself.
std::vector<Unknown> read_unknowns(Section& claim, const std::string& id) {
  constexpr std::string_view kItself = "claim.";
  std::vector<Unknown> unknowns;
  const Key key("unknown", "conditions that the source leaves open, one at a time; the card is a range over them");
  for (Section& item : claim.sections(key, false)) {
    Unknown unknown;
    unknown.path = item.text({"path", "dotted, as of --set; claim.batch and the like are the claim's own"});
    if (unknown.path.starts_with(kItself))
      unknown.path = fmt::format("claims.{}.{}", id, unknown.path.substr(kItself.size()));
    unknown.values = item.text_list({"values", "in place of what the scenario takes, each a quoted text of YAML"});
    if (unknown.values.empty()) item.complain("values", "at least one value", "none");
    unknown.why = item.text({"why", "these are plausible"});
    item.finish();
    unknowns.push_back(std::move(unknown));
  }
  return unknowns;
}

Claim read_claim(Section& item, const ClaimNames& names) {
  std::vector<std::string> metrics;
  for (const ClaimMetric& metric : claim_metrics()) metrics.emplace_back(metric.name);
  const std::vector<std::string> relations = {"equals", "at_most", "at_least"};
  const std::vector<std::string> certainties = {"P", "S", "I", "R"};
  constexpr Range kTokens{1.0, 1e8}, kBatch{1.0, 65536.0}, kBatchOrMemory{0.0, 65536.0};
  Claim claim;
  claim.id = item.name("id");
  claim.text = item.text({"text", "what is claimed, in our words"});
  claim.metric = item.choice("metric", metrics);
  claim.method = known_name(item, {"method", "a label of the scenario"}, names.labels);
  claim.baseline = known_name_or_none(item, {"baseline", "a label; none for absolute figures"}, names.labels);
  claim.workload = known_name(item, {"workload", "the name of the workload it is read from"}, names.workloads);
  claim.context = item.tokens_or("context", 0, kTokens);
  claim.batch = item.integer_or({"batch", "by default what memory holds"}, 0, kBatch);
  claim.baseline_batch =
      item.integer_or({"baseline_batch", "by default as batch; 0: what memory holds"}, -1, kBatchOrMemory);
  claim.value = item.number({"value", "the published figure; shares from 0 to 1"});
  claim.relation = item.choice_or("relation", "equals", relations);
  claim.input = item.flag_or({"input", "the figure sets something in the scenario, and is no test of it"}, false);
  claim.certainty = item.choice_or({"certainty", "read in the Paper, Secondary, Inferred, Recalled"}, "R", certainties);
  claim.source = item.text("source");
  claim.conditions = item.text_or({"conditions", "what the source says, and leaves unsaid, about them"}, "");
  claim.unknown = read_unknowns(item, claim.id);
  check_needs(item, claim);
  item.finish();
  return claim;
}

}  // namespace

std::vector<Claim> read_claims(Section& root, Key key, const ClaimNames& names) {
  std::vector<Claim> claims;
  for (Section& item : root.sections(key, true)) {
    Claim claim = read_claim(item, names);
    const auto same_id = [&](const Claim& other) { return !claim.id.empty() && other.id == claim.id; };
    if (std::any_of(claims.begin(), claims.end(), same_id))
      item.complain("id", "an id of its own", "'" + claim.id + "' again");
    claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace outrider
