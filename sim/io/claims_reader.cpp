// Reading of claims.
#include "sim/io/claims_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider {
namespace {

std::string known_name(Section& item, const char* key, const std::string& name, const std::vector<std::string>& names) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
    item.complain(key, fmt::format("one of {}", fmt::join(names, ", ")), "'" + name + "'", nearest_of(name, names));
  }
  return name;
}

}  // namespace

Claim read_claim(Section& item, const Scenario& scenario) {
  std::vector<std::string> labels, workloads;
  for (const MethodRequest& request : scenario.methods) labels.push_back(request.label);
  for (const Workload& workload : scenario.workloads) workloads.push_back(workload.name);
  const std::vector<std::string> relations = {"equals", "at_most", "at_least"};
  const std::vector<std::string> certainties = {"P", "S", "I", "R"};
  const std::vector<std::string> metrics = {
      "throughput_ratio", "largest_throughput_ratio", "batch_scaling", "gpu_idle",
      "cpu_ratio",        "recall_interval",          "turnover",      "not_simulated"};
  Claim claim;
  claim.id = item.text("id");
  claim.text = item.text("text");
  claim.metric = known_name(item, "metric", item.text("metric"), metrics);
  claim.method = known_name(item, "method", item.text("method"), labels);
  claim.baseline = known_name(item, "baseline", item.text_or("baseline", ""), labels);
  claim.workload = known_name(item, "workload", item.text("workload"), workloads);
  claim.context = item.tokens_or("context", 0, {1.0, 1e8});
  claim.batch = item.integer_or("batch", 0, {1.0, 65536.0});
  claim.baseline_batch = item.integer_or("baseline_batch", -1, {1.0, 65536.0});
  claim.value = item.number("value");
  claim.relation = item.choice_or("relation", "equals", relations);
  claim.certainty = item.choice_or("certainty", "R", certainties);
  claim.source = item.text("source");
  claim.conditions = item.text_or("conditions", "");
  item.finish();
  if (claim.metric.ends_with("throughput_ratio") && claim.baseline.empty())
    item.complain("baseline", "the label to compare with", "nothing: the key is missing");
  return claim;
}

}  // namespace outrider
