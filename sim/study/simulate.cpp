// Simulation of one design point and the reading of its figures.
#include "sim/study/simulate.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/check.h"
#include "sim/base/statistics.h"
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

void submit(Execution& execution, const TaskGraph& graph, std::size_t replica = 0) {
  for (const Op& op : graph.ops()) execution.watch.see(op);
  execution.backend.submit(graph, execution.machine.demands(graph), replica);
}

// All replicas begin together; each goes on with its next step as soon as one has ended.
Trace run_replicas(Execution& execution, const std::vector<std::unique_ptr<Method>>& replicas, std::int64_t steps) {
  std::vector<std::int64_t> next(replicas.size());
  const auto go_on = [&](std::size_t replica) {
    if (next[replica] == steps) return;
    submit(execution, on_device(replicas[replica]->step(next[replica]++), static_cast<int>(replica)), replica);
  };
  for (std::size_t replica = 0; replica < replicas.size(); ++replica) go_on(replica);
  const auto all = static_cast<std::int64_t>(replicas.size()) * steps;
  for (std::int64_t ended = 0; ended < all; ++ended) go_on(execution.backend.wait());
  return execution.backend.finish();
}

void note_extrapolations(PointResult& result, const char* part, std::vector<Extrapolation> marks) {
  for (Extrapolation& mark : marks) {
    mark.part = part;
    result.extrapolated.push_back(std::move(mark));
  }
}

// One prompt's prefill on one GPU: its time and what it sends to the host.
void charge_prefill(PointResult& result, const MachineModel& machine, Method& method) {
  Execution execution(machine);
  const TaskGraph graph = method.prefill();
  submit(execution, graph);
  execution.backend.wait();
  for (const Op& op : graph.ops()) {
    if (const auto* copy = std::get_if<CopyShape>(&op.shape)) result.prefill_bytes += copy->total().value();
  }
  const Trace trace = execution.backend.finish();
  result.ttft = mean_step_time(trace, {0, 1});
  const StepRange prefill{0, 1};
  note_extrapolations(result, "prefill", execution.watch.marks(trace, {&prefill, 1}));
}

// Of each step, its mean over the replicas.
std::vector<Duration> mean_times(const Trace& trace, StepRanges replicas) {
  std::vector<Duration> times(replicas.front().steps());
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (const StepRange range : replicas) times[i] += trace.steps[range.first + i].time();
    times[i] = Duration::from_ps(times[i].ps() / static_cast<std::int64_t>(replicas.size()));
  }
  return times;
}

void read_step_times(PointResult& result, const Trace& trace, StepRanges replicas) {
  const StepTrend trend = step_trend(mean_times(trace, replicas));
  result.step_trend = trend.ratio;
  result.trends = trend.trends;
  std::vector<Duration> times;
  for (const StepRange range : replicas) {
    const Seconds mean = mean_step_time(trace, range);
    result.tpot += mean / static_cast<double>(replicas.size());
    result.tpot_slowest = std::max(result.tpot_slowest, mean);
    result.tokens_per_s += result.tokens_per_step() / mean.value();
    for (std::size_t step = range.first; step < range.last; ++step) times.push_back(trace.steps[step].time());
  }
  result.step_p5 = nearest_quantile(times, 0.05).seconds();
  result.step_p95 = nearest_quantile(times, 0.95).seconds();
}

// Steps of training differ where their formats do, as they were asked to.
void note_trend(PointResult& result) {
  result.trends = result.trends && result.kind == WorkloadKind::decode;
  if (!result.trends) return;
  result.notes.push_back(fmt::format("step time {} {:.2f}× over {} steps: depends on decode_steps",
                                     result.step_trend > 1.0 ? "rises" : "falls to", result.step_trend,
                                     result.decode_steps));
}

// In decoding the cache grows by a token with each step.
void note_positions(PointResult& result, const PlannedPoint& plan, const ModelSpec& model) {
  const std::int64_t grown = result.kind == WorkloadKind::decode ? plan.steps() : 0;
  if (model.max_context == 0 || plan.context + grown <= model.max_context) return;
  result.notes.push_back(fmt::format("beyond the model's max_position_embeddings {}", model.max_context));
}

// Of what each GPU has of its own, the mean over the GPUs.
void read_utilisations(PointResult& result, const Trace& trace) {
  const double steps = static_cast<double>(trace.steps.size());
  Instant end;
  for (const Step& step : trace.steps) end = std::max(end, step.end);
  const double seconds = (end - Instant()).seconds().value();
  for (std::size_t i = 0; i < trace.resources.size(); ++i) {
    const ResourceInfo& resource = trace.resources[i];
    if (resource.replica > 0) continue;
    double amount = trace.amounts[i], capacity = resource.capacity;
    for (std::size_t other = i + 1; resource.replica == 0 && other < trace.resources.size(); ++other) {
      if (trace.resources[other].replica <= 0 || trace.resources[other].name != resource.name) continue;
      amount += trace.amounts[other];
      capacity += trace.resources[other].capacity;
    }
    std::string unit = resource.unit;
    unit.erase(unit.find("/s"), 2);
    result.utilisations.push_back({.resource = resource.name,
                                   .share = amount / (capacity * seconds),
                                   .amount_per_step = amount / steps,
                                   .unit = unit});
  }
}

// Of each replica's kernels, the mean.
double mean_idle(const Trace& trace, StepRanges replicas) {
  double sum = 0.0;
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const int device = static_cast<int>(i);
    sum += idle_share(trace, {lane_id(Lane::compute, device), lane_id(Lane::side, device)}, replicas[i]);
  }
  return sum / static_cast<double>(replicas.size());
}

MethodFacts mean_facts(const std::vector<std::unique_ptr<Method>>& replicas) {
  MethodFacts mean = replicas.front()->facts();
  const auto over_all = [&](const auto& read) {
    double sum = 0.0;
    for (const std::unique_ptr<Method>& replica : replicas) sum += read(replica->facts());
    return sum / static_cast<double>(replicas.size());
  };
  mean.cpu_ratio = over_all([](const MethodFacts& facts) { return facts.cpu_ratio; });
  mean.recall_interval = over_all([](const MethodFacts& facts) { return facts.recall_interval; });
  mean.recalls = over_all([](const MethodFacts& facts) { return facts.recalls; });
  mean.turnover = over_all([](const MethodFacts& facts) { return facts.turnover; });
  mean.link_bytes_per_step = over_all([](const MethodFacts& facts) { return facts.link_bytes_per_step; });
  for (std::size_t step = 0; step < mean.cpu_ratio_by_step.size(); ++step) {
    mean.cpu_ratio_by_step[step] = over_all([step](const MethodFacts& facts) { return facts.cpu_ratio_by_step[step]; });
  }
  return mean;
}

std::unique_ptr<Method> method_of(const Scenario& scenario, const PlannedPoint& plan, const Selections& selections,
                                  std::size_t gpu) {
  MethodPoint seen = method_point(scenario, plan);
  if (!selections.decode.empty()) seen.selection = &selections.decode[gpu];
  if (selections.profiling) seen.profiling = &*selections.profiling;
  return plan.entry->make(seen);
}

}  // namespace

PointResult row_of(const PlannedPoint& plan, const Scenario& scenario) {
  PointResult result;
  result.gpus = scenario.machine.gpu_count;
  result.label = plan.request->label;
  result.method = plan.request->method;
  result.preset = plan.request->preset;
  result.workload = plan.workload->name;
  result.kind = plan.workload->kind;
  result.micro_batches = plan.workload->micro_batches;
  result.context = plan.context;
  result.batch = plan.batch;
  result.given_batch = plan.given_batch;
  result.automatic_batch = plan.automatic_batch;
  result.decode_steps = plan.workload->decode_steps;
  result.fits = plan.fits();
  result.limit = plan.limit;
  result.memory = plan.memory;
  note_positions(result, plan, scenario.model);
  if (!plan.tried.empty()) result.notes.push_back(plan.tried);
  return result;
}

std::vector<TaskGraph> step_graphs(const Scenario& scenario, const PlannedPoint& plan, const Selections& selections,
                                   std::size_t gpu) {
  CHECK(plan.fits(), "steps of a point that does not fit: {}", plan.limit);
  const std::unique_ptr<Method> method = method_of(scenario, plan, selections, gpu);
  std::vector<TaskGraph> graphs;
  for (std::int64_t step = 0; step < plan.steps(); ++step) graphs.push_back(method->step(step));
  return graphs;
}

Selections draw_selections(const Scenario& scenario, const PlannedPoint& widest, int threads) {
  Selections selections;
  if (widest.need.blocks == 0 || widest.layers == 0) return selections;
  const RandomStream stream = RandomStream(scenario.seed).fork("selection");
  const auto drawn = [&](const SelectionShape& shape, std::string_view purpose) {
    SelectionTrace trace(shape);
    parallel_for(static_cast<std::size_t>(shape.layers), threads, [&](std::size_t layer) {
      trace.draw(scenario.locality, stream, static_cast<std::int64_t>(layer), purpose);
    });
    return trace;
  };
  SelectionShape shape{.layers = widest.layers,
                       .sequences = widest.batch,
                       .steps = widest.steps(),
                       .blocks = widest.need.blocks,
                       .selected = widest.need.selected};
  for (std::int64_t gpu = 0; gpu < scenario.machine.gpu_count; ++gpu) {
    selections.decode.push_back(drawn(shape, gpu == 0 ? "decode" : fmt::format("decode on GPU {}", gpu)));
  }
  if (widest.need.profiling_steps == 0) return selections;
  shape.sequences = kProfilingSequences;
  shape.steps = widest.need.profiling_steps;
  selections.profiling = drawn(shape, "profiling");
  return selections;
}

SimulatedPoint simulate_point(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan,
                              const Selections& selections, RecordOptions record) {
  SimulatedPoint point{.result = row_of(plan, scenario), .trace = {}, .measured = {}};
  if (!plan.fits()) return point;
  check_context() = {.now = {},
                     .op = plan.request->label,
                     .replay_command = "outrider run " + scenario.source_file,
                     .seed = scenario.seed};
  std::vector<std::unique_ptr<Method>> replicas;
  for (std::int64_t gpu = 0; gpu < scenario.machine.gpu_count; ++gpu) {
    replicas.push_back(method_of(scenario, plan, selections, static_cast<std::size_t>(gpu)));
  }
  Execution execution(machine, record);
  point.trace = run_replicas(execution, replicas, plan.steps());
  const auto steps = static_cast<std::size_t>(plan.steps());
  const auto warmup = static_cast<std::size_t>(plan.workload->warmup_steps);
  for (std::size_t i = 0; i < replicas.size(); ++i) point.measured.push_back({i * steps + warmup, (i + 1) * steps});
  PointResult& result = point.result;
  result.facts = mean_facts(replicas);
  result.notes.insert(result.notes.end(), result.facts.notes.begin(), result.facts.notes.end());
  read_step_times(result, point.trace, point.measured);
  note_trend(result);
  note_extrapolations(result, "step", execution.watch.marks(point.trace, point.measured));
  read_utilisations(result, point.trace);
  result.gpu_idle = mean_idle(point.trace, point.measured);
  result.causes = causes(point.trace, point.measured);
  result.parts = bound_parts(result.causes, machine.dram_bounds_cpu_reads());
  for (const StepRange range : point.measured) {
    for (const Ledger& ledger : ledger_by_name(point.trace, range)) result.ledger += ledger;
  }
  result.fingerprint = fingerprint(point.trace);
  if (plan.prefill) charge_prefill(result, machine, *replicas.front());
  return point;
}

}  // namespace outrider
