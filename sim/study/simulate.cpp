// Simulation of one design point and the reading of its figures.
#include "sim/study/simulate.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/check.h"
#include "sim/study/extrapolation.h"
#include "sim/study/parallel.h"
#include "sim/trace/trend.h"

namespace outrider {
namespace {

constexpr std::int64_t kProfilingSequences = 4;

// A backend with what it is given on the way.
struct Execution {
  explicit Execution(const MachineModel& model, RecordOptions record = {})
      : machine(model), backend(model.platform(), record), watch(model.ranges()) {}

  const MachineModel& machine;
  SimBackend backend;
  ExtrapolationWatch watch;
};

void run_graph(Execution& execution, const TaskGraph& graph) {
  for (const Op& op : graph.ops()) execution.watch.see(op);
  execution.backend.run_step(graph, execution.machine.demands(graph));
}

void note_extrapolations(PointResult& result, const char* part, std::vector<Extrapolation> marks) {
  for (Extrapolation& mark : marks) {
    mark.part = part;
    result.extrapolated.push_back(std::move(mark));
  }
}

// One prompt's prefill: its time and what it sends to the host.
void charge_prefill(PointResult& result, const MachineModel& machine, Method& method) {
  Execution execution(machine);
  const TaskGraph graph = method.prefill();
  run_graph(execution, graph);
  for (const Op& op : graph.ops()) {
    if (const auto* copy = std::get_if<CopyShape>(&op.shape)) result.prefill_bytes += copy->total().value();
  }
  const Trace trace = execution.backend.finish();
  result.ttft = mean_step_time(trace, {0, 1});
  note_extrapolations(result, "prefill", execution.watch.marks(trace, {0, 1}));
}

void read_step_times(PointResult& result, const Trace& trace, StepRange range) {
  std::vector<Duration> times;
  for (std::size_t step = range.first; step < range.last; ++step) {
    times.push_back(trace.steps[step].end - trace.steps[step].begin);
  }
  const StepTrend trend = step_trend(times);
  result.step_trend = trend.ratio;
  result.trends = trend.trends;
  std::sort(times.begin(), times.end());
  const auto quantile = [&](double p) {
    return times[static_cast<std::size_t>(p * static_cast<double>(times.size() - 1) + 0.5)].seconds();
  };
  result.tpot = mean_step_time(trace, range);
  result.step_p5 = quantile(0.05);
  result.step_p95 = quantile(0.95);
  result.tokens_per_s = static_cast<double>(result.batch) / result.tpot.value();
}

void note_trend(PointResult& result) {
  if (!result.trends) return;
  result.notes.push_back(fmt::format("step time {} {:.2f}× over {} steps: depends on decode_steps",
                                     result.step_trend > 1.0 ? "rises" : "falls to", result.step_trend,
                                     result.decode_steps));
}

// The cache grows by a token with each step.
void note_positions(PointResult& result, const PlannedPoint& plan, const ModelSpec& model) {
  if (model.max_context == 0 || plan.context + plan.steps() <= model.max_context) return;
  result.notes.push_back(fmt::format("beyond the model's max_position_embeddings {}", model.max_context));
}

void read_utilisations(PointResult& result, const Trace& trace) {
  const double steps = static_cast<double>(trace.steps.size());
  const double seconds = elapsed(trace, {0, trace.steps.size()}).seconds().value();
  for (std::size_t i = 0; i < trace.resources.size(); ++i) {
    const ResourceInfo& resource = trace.resources[i];
    std::string unit = resource.unit;
    unit.erase(unit.find("/s"), 2);
    result.utilisations.push_back({.resource = resource.name,
                                   .share = trace.amounts[i] / (resource.capacity * seconds),
                                   .amount_per_step = trace.amounts[i] / steps,
                                   .unit = unit});
  }
}

PointResult row_of(const PlannedPoint& plan, const ModelSpec& model) {
  PointResult result;
  result.label = plan.request->label;
  result.method = plan.request->method;
  result.preset = plan.request->preset;
  result.workload = plan.workload->name;
  result.context = plan.context;
  result.batch = plan.batch;
  result.given_batch = plan.given_batch;
  result.automatic_batch = plan.automatic_batch;
  result.decode_steps = plan.workload->decode_steps;
  result.fits = plan.fits();
  result.limit = plan.limit;
  result.memory = plan.memory;
  note_positions(result, plan, model);
  return result;
}

std::unique_ptr<Method> method_of(const Scenario& scenario, const PlannedPoint& plan, const Selections& selections) {
  MethodPoint seen = method_point(scenario, plan);
  if (selections.decode) seen.selection = &*selections.decode;
  if (selections.profiling) seen.profiling = &*selections.profiling;
  return plan.entry->make(seen);
}

}  // namespace

std::vector<TaskGraph> decode_graphs(const Scenario& scenario, const PlannedPoint& plan, const Selections& selections) {
  CHECK(plan.fits(), "steps of a point that does not fit: {}", plan.limit);
  const std::unique_ptr<Method> method = method_of(scenario, plan, selections);
  std::vector<TaskGraph> graphs;
  for (std::int64_t step = 0; step < plan.steps(); ++step) graphs.push_back(method->decode_step(step));
  return graphs;
}

Selections draw_selections(const Scenario& scenario, const PlannedPoint& widest, int threads) {
  Selections selections;
  const RandomStream stream = RandomStream(scenario.seed).fork("selection");
  const auto draw = [&](std::optional<SelectionTrace>& trace, const SelectionShape& shape, std::string_view purpose) {
    trace.emplace(shape);
    parallel_for(static_cast<std::size_t>(shape.layers), threads, [&](std::size_t layer) {
      trace->draw(scenario.locality, stream, static_cast<std::int64_t>(layer), purpose);
    });
  };
  if (widest.need.blocks == 0 || widest.layers == 0) return selections;
  SelectionShape shape{.layers = widest.layers,
                       .sequences = widest.batch,
                       .steps = widest.steps(),
                       .blocks = widest.need.blocks,
                       .selected = widest.need.selected};
  draw(selections.decode, shape, "decode");
  if (widest.need.profiling_steps == 0) return selections;
  shape.sequences = kProfilingSequences;
  shape.steps = widest.need.profiling_steps;
  draw(selections.profiling, shape, "profiling");
  return selections;
}

SimulatedPoint simulate_point(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan,
                              const Selections& selections, RecordOptions record) {
  SimulatedPoint point{.result = row_of(plan, scenario.model), .trace = {}, .measured = {}};
  if (!plan.fits()) return point;
  check_context() = {.now = {},
                     .op = plan.request->label,
                     .replay_command = "outrider run " + scenario.source_file,
                     .seed = scenario.seed};
  const std::unique_ptr<Method> method = method_of(scenario, plan, selections);
  Execution execution(machine, record);
  for (std::int64_t step = 0; step < plan.steps(); ++step) run_graph(execution, method->decode_step(step));
  point.trace = execution.backend.finish();
  point.measured = {static_cast<std::size_t>(plan.workload->warmup_steps), static_cast<std::size_t>(plan.steps())};
  PointResult& result = point.result;
  result.facts = method->facts();
  read_step_times(result, point.trace, point.measured);
  note_trend(result);
  note_extrapolations(result, "step", execution.watch.marks(point.trace, point.measured));
  read_utilisations(result, point.trace);
  result.gpu_idle = idle_share(point.trace, {lane_id(Lane::compute), lane_id(Lane::side)}, point.measured);
  result.causes = causes(point.trace, point.measured);
  for (const Ledger& ledger : ledger_by_name(point.trace, point.measured)) result.ledger += ledger;
  result.fingerprint = fingerprint(point.trace);
  if (plan.workload->prefill) charge_prefill(result, machine, *method);
  return point;
}

}  // namespace outrider
