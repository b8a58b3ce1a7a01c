// Runs all points of a scenario, then judges its claims.
#include "sim/study/run.h"

#include <algorithm>

#include "hwmodels/machine_model.h"
#include "sim/base/check.h"
#include "sim/study/claims.h"
#include "sim/study/intervals.h"
#include "sim/study/points.h"
#include "sim/study/simulate.h"
#include "sim/study/trials.h"

namespace outrider {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string transfer_caveat(const Scenario& scenario, const Profile& profile) {
  if (profile.machine == scenario.machine.name) {
    return "efficiencies were fitted on " + profile.machine +
           " as it is, and are transferred to the altered one, their intervals widened: nothing was measured on that";
  }
  return "efficiencies are transferred from machine " + profile.machine +
         ", and their intervals widened: nothing was measured on this one";
}

std::vector<std::string> caveats_of(const Scenario& scenario, const Profile& profile) {
  std::vector<std::string> caveats;
  if (!scenario.machine_changes.empty())
    caveats.push_back("machine " + scenario.machine.name + " is altered: " + joined(scenario.machine_changes));
  if (scenario.profile_beside_machine)
    caveats.push_back("the profile is the profile.yaml beside the machine's file, since the scenario names none");
  if (profile.kind == ProfileKind::assumed) {
    caveats.push_back(
        "efficiencies are stated assumptions with wide intervals, not calibrated on this machine (profile " +
        profile.name + ")");
  }
  if (profile.kind == ProfileKind::transferred) caveats.push_back(transfer_caveat(scenario, profile));
  if (profile.kind == ProfileKind::fitted && profile.fit) {
    caveats.push_back("coefficients were fitted on this kind of machine on " + profile.fit->date + " (" +
                      std::to_string(profile.fit->samples) + " samples); those that say so are assumed");
  }
  const bool decodes = std::any_of(scenario.workloads.begin(), scenario.workloads.end(),
                                   [](const Workload& each) { return each.kind == WorkloadKind::decode; });
  if (decodes && !scenario.locality.preset.empty()) {
    caveats.push_back("block selection is a stochastic process (locality " + scenario.locality.preset +
                      "), not a recorded trace");
  }
  if (scenario.machine.gpu_count > 1) {
    caveats.push_back("each of the machine's " + std::to_string(scenario.machine.gpu_count) +
                      " GPUs runs its own copy of the model on its own sequences: batch, step times and memory are one "
                      "GPU's, with its share of DRAM's capacity; tokens/s are of all together, which share DRAM's "
                      "bandwidth and the cores");
  }
  return caveats;
}

std::string intervals_caveat(int draws) {
  return "intervals are P5 to P95 of " + std::to_string(draws) +
         " simulations with coefficients and errors of operations drawn as the profile's intervals and residuals say; "
         "which blocks are selected does not vary, nor what no profile speaks of. A row is ahead of another where it "
         "is so in 95 % of them; else they tie";
}

const MethodRequest& request_of(const Scenario& scenario, const std::string& label) {
  const auto found = std::find_if(scenario.methods.begin(), scenario.methods.end(),
                                  [&](const MethodRequest& each) { return each.label == label; });
  CHECK(found != scenario.methods.end(), "no method labelled '{}'", label);
  return *found;
}

// The first workload that runs the label at that context (0: any).
const Workload& workload_of(const Scenario& scenario, const std::string& label, std::int64_t context) {
  const Workload* fallback = nullptr;
  for (const Workload& workload : scenario.workloads) {
    const bool runs = workload.methods.empty() ||
                      std::find(workload.methods.begin(), workload.methods.end(), label) != workload.methods.end();
    if (!runs) continue;
    if (fallback == nullptr) fallback = &workload;
    if (std::find(workload.contexts.begin(), workload.contexts.end(), context) != workload.contexts.end())
      return workload;
  }
  CHECK(fallback != nullptr, "no workload runs '{}'", label);
  return *fallback;
}

PlannedPoint plan_of(const Scenario& scenario, const std::string& label, std::int64_t context, std::int64_t batch) {
  const Workload& workload = workload_of(scenario, label, context);
  if (context == 0) context = workload.contexts.front();
  if (batch == 0 && !workload.batches.empty()) batch = workload.batches.front();
  return plan_point(scenario, request_of(scenario, label), workload, context, batch);
}

// What a draw's figures are read from; the rest of its rows is as in the report, or of no use.
PointResult figures_only(PointResult row) {
  row.notes.clear();
  row.extrapolated.clear();
  row.facts.cpu_ratio_by_step.clear();
  return row;
}

std::vector<ClaimResult> judged(const Scenario& scenario, const std::vector<PointResult>& points) {
  std::vector<ClaimResult> claims;
  for (const Claim& claim : scenario.claims) claims.push_back(judge(claim, points));
  return claims;
}

void simulate_into(RunReport& report, const Scenario& scenario, const Profile& profile, const RunOptions& options) {
  const std::vector<MachineModel> machines = machine_with_draws(scenario, profile, options.draws);
  const std::vector<PlannedPoint> plans =
      settled(scenario, machines.front(),
              options.claims_only ? plan_claims(scenario) : plan_points(scenario, options.labels), options.threads);
  std::vector<std::vector<PointResult>> results = simulate_points({.scenario = scenario,
                                                                   .plans = plans,
                                                                   .machines = machines,
                                                                   .threads = options.threads,
                                                                   .progress = options.progress,
                                                                   .inspect = options.inspect});
  report.points = std::move(results.front());
  report.claims = judged(scenario, report.points);
  for (std::size_t i = 1; i < results.size(); ++i) {
    RunReport& draw = report.draws.emplace_back();
    for (PointResult& row : results[i]) draw.points.push_back(figures_only(std::move(row)));
    draw.claims = judged(scenario, draw.points);
  }
  add_claim_intervals(report);
}

}  // namespace

RunReport run_scenario(const Scenario& scenario, const Profile& profile, const RunOptions& options) {
  RunReport report{.scenario = scenario.name,
                   .model = scenario.model.name,
                   .machine = scenario.machine.name,
                   .profile = profile.name,
                   .profile_kind = std::string(to_string(profile.kind)),
                   .version = OUTRIDER_VERSION,
                   .machine_changes = scenario.machine_changes,
                   .seed = scenario.seed,
                   .caveats = caveats_of(scenario, profile),
                   .points = {},
                   .claims = {}};
  if (options.draws > 0) report.caveats.push_back(intervals_caveat(options.draws));
  simulate_into(report, scenario, profile, options);
  return report;
}

PointDetail run_point(const Scenario& scenario, const Profile& profile, const std::string& label, std::int64_t context,
                      std::int64_t batch) {
  const MachineModel machine(scenario.machine, profile);
  const PlannedPoint plan = settled(scenario, machine, plan_of(scenario, label, context, batch));
  const Selections selections = draw_selections(scenario, plan, 0);
  SimulatedPoint point = simulate_point(scenario, machine, plan, selections, {.usage = true, .edges = true});
  return {.result = std::move(point.result), .trace = std::move(point.trace), .measured = point.measured};
}

}  // namespace outrider
