// The simulation loop: from one instant to the next, end what ends, admit what became ready, place units on slots.
#include "sim/engine/sim_backend.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "sim/base/check.h"
#include "sim/engine/demand_table.h"
#include "sim/engine/event_queue.h"
#include "sim/engine/flow_network.h"
#include "sim/engine/lanes.h"
#include "sim/engine/op_window.h"
#include "sim/engine/pools.h"
#include "sim/engine/replica_steps.h"

namespace outrider {
namespace {

// An op between its arrival and its end. Few exist at once, and their records are reused.
struct RunningOp {
  SpanId span;
  std::uint32_t demand = 0;
  std::int64_t unplaced = 0, outstanding = 0;  // units
  Instant arrived;
  ResourceId limit;  // what limits its units now; invalid: a cap of their own
  Instant limited_since;
  std::array<Duration, Demand::kMaxUses> limited{};  // by use: time for which its resource was the limit
};

std::vector<double> capacities_of(const Platform& platform) {
  std::vector<double> capacities;
  for (const ResourceInfo& resource : platform.resources) capacities.push_back(resource.capacity);
  return capacities;
}

}  // namespace

struct SimBackend::State {
  State(Platform given, RecordOptions options);

  void submit(const TaskGraph& graph, std::span<const Demand> demands, std::size_t replica);
  void advance();
  void settle();

  Span& span_of(SpanId id) { return trace.spans[id.index()]; }
  bool ended(SpanId id) const { return trace.spans[id.index()].end != Instant::never(); }

  // Submission.
  void add_op(const TaskGraph& graph, OpId op, const Demand& demand, std::int32_t step);
  void wait_for(SpanId from, SpanId to);

  // The life of an op.
  void signal(SpanId from, SpanId to);
  void learn(SpanId id, SpanId of);
  void admit(SpanId id, SpanId behind);
  void pass_latency(SpanId id);
  void arrive(SpanId id);
  void enter_pool(SpanId id);
  void place(PoolId pool);
  void start_units(std::uint32_t slot, std::int64_t units);
  void end_units(const CompletedFlow& flow);
  void end_op(SpanId id);

  // Records.
  void name_in_checks(const Span& span) { context->op = trace.names[span.name]; }
  std::uint32_t take_running();
  void update_limits();
  void charge_limit(RunningOp& op);
  ResourceId longest_limit(const RunningOp& op) const;
  void record_usage();

  Platform platform;
  RecordOptions record;
  Trace trace;
  Instant now;
  CheckContext* context = nullptr;  // of the thread that drives the simulation now

  FlowNetwork network;
  EventQueue timers;  // payload: a span whose latency ends, or that learns of the end of span kind − 1
  DemandTable demands;
  Lanes lanes;
  Pools pools;
  OpWindow window;
  ReplicaSteps steps;
  std::vector<SpanId> released_by;  // by pool: whose units freed slots last

  std::vector<RunningOp> running;
  std::vector<std::uint32_t> free_running;
  std::vector<std::uint32_t> flowing;  // those with placed units

  // Work of the current instant.
  std::vector<SpanId> admitted, arrivals;
  std::vector<CompletedFlow> completed;
  std::vector<bool> pool_touched;
  bool network_changed = false;
  std::vector<double> recorded_rate;
};

SimBackend::State::State(Platform given, RecordOptions options)
    : platform(std::move(given)),
      record(options),
      network(capacities_of(platform)),
      demands(platform, network),
      lanes(platform.lanes.size()),
      pools(platform.pools),
      released_by(platform.pools.size()),
      pool_touched(platform.pools.size(), false),
      recorded_rate(platform.resources.size(), 0.0) {
  for (int family = 0; family < kFamilies; ++family) {
    trace.names.emplace_back(to_string(static_cast<Family>(family)));
  }
  trace.lanes = platform.lanes;
  trace.resources = platform.resources;
}

void SimBackend::State::submit(const TaskGraph& graph, std::span<const Demand> given, std::size_t replica) {
  CHECK(given.size() == graph.size(), "{} demands for {} ops", given.size(), graph.size());
  const std::size_t first = trace.spans.size();
  const std::size_t step = trace.steps.size();
  trace.steps.push_back({now, Instant::never(), static_cast<std::uint32_t>(first),
                         static_cast<std::uint32_t>(graph.size()), static_cast<std::uint16_t>(replica)});
  steps.begin({.replica = replica, .step = step, .last = SpanId(first + graph.last().index())});
  window.begin_step();
  auto awaits = graph.awaits().begin();
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const SpanId id(first + i);
    add_op(graph, OpId(i), given[i], static_cast<std::int32_t>(step));
    for (; awaits != graph.awaits().end() && awaits->op.index() == i; ++awaits) {
      if (const SpanId filled = steps.carried(replica, awaits->slot); filled.valid()) wait_for(filled, id);
    }
    const bool heads = lanes.join(span_of(id).lane, id);
    if (window[id].missing > 0) continue;
    span_of(id).ready = now;
    if (heads) admit(id, SpanId());
  }
  for (const Carry& fill : graph.fills()) steps.carry(replica, fill.slot, SpanId(first + fill.op.index()));
  settle();
}

void SimBackend::State::add_op(const TaskGraph& graph, OpId op, const Demand& demand, std::int32_t step) {
  const Op& given = graph.op(op);
  CHECK(given.lane.valid() && (given.lane.index() < lanes.size() || !is_fifo(given.lane)), "op {} is on lane {} of {}",
        op.value, given.lane.value, lanes.size());
  if (given.lane.index() >= trace.lanes.size()) trace.lanes.resize(given.lane.index() + 1);
  Span span;
  span.created = now;
  span.end = Instant::never();
  span.name = static_cast<std::uint16_t>(given.family);
  span.lane = given.lane;
  span.layer = given.layer;
  span.step = step;
  trace.spans.push_back(span);
  name_in_checks(span);
  const SpanId id = window.add(demands.intern(demand));
  const std::size_t first = id.index() - op.index();
  for (const OpId dependency : graph.dependencies(op)) wait_for(SpanId(first + dependency.index()), id);
}

void SimBackend::State::wait_for(SpanId from, SpanId to) {
  if (record.edges) trace.edges.emplace_back(from, to);
  if (!ended(from)) return window.link(from, to);
  SpanId& last = span_of(to).last_dependency;
  if (!last.valid() || span_of(from).end >= span_of(last).end) last = from;
}

// Goes to the next instant at which anything happens, and does all that happens then.
void SimBackend::State::advance() {
  const Instant flow = network.next_completion();
  const Instant timer = timers.empty() ? Instant::never() : timers.next_time();
  now = std::min(flow, timer);
  CHECK(now != Instant::never(), "{} ops wait for something that never happens", window.unfinished());
  context->now = now;
  if (flow == now) {
    completed.clear();
    network.take_completed(now, completed);
    network_changed = true;
    for (const CompletedFlow& done : completed) end_units(done);
  }
  while (!timers.empty() && timers.next_time() == now) {
    const Event event = timers.pop().event;
    event.kind == 0 ? arrive(SpanId(event.payload)) : learn(SpanId(event.payload), SpanId(event.kind - 1));
  }
  settle();
}

// Everything has ended that ends now: admit, then let arrivals queue in op order, then place units.
void SimBackend::State::settle() {
  while (!admitted.empty()) {
    const SpanId id = admitted.back();
    admitted.pop_back();
    pass_latency(id);
  }
  std::sort(arrivals.begin(), arrivals.end());
  for (const SpanId id : arrivals) enter_pool(id);
  arrivals.clear();
  for (std::size_t pool = 0; pool < pool_touched.size(); ++pool) {
    if (pool_touched[pool]) place(PoolId(pool));
    pool_touched[pool] = false;
  }
  if (!network_changed) return;
  network_changed = false;
  network.next_completion();  // solves
  update_limits();
  if (record.usage) record_usage();
}

void SimBackend::State::signal(SpanId from, SpanId to) {
  const std::uint8_t ends_as = demands[window[from].demand].demand.ends_as;
  const std::uint8_t waits_as = demands[window[to].demand].demand.waits_as;
  const Duration takes = platform.signals.time[ends_as][waits_as];
  if (takes == Duration() || span_of(from).lane == span_of(to).lane) return learn(to, from);
  timers.schedule(now + takes, Phase::complete, {.kind = from.value + 1, .payload = to.value});
}

void SimBackend::State::learn(SpanId id, SpanId of) {
  if (!window.learn(id)) return;
  Span& span = span_of(id);
  span.ready = now;
  span.last_dependency = of;
  if (lanes.heads(span.lane, id)) admit(id, SpanId());
}

// `behind`: what the op queued behind in its lane, if it did.
void SimBackend::State::admit(SpanId id, SpanId behind) {
  Span& span = span_of(id);
  span.start = now + demands[window[id].demand].demand.lead;
  if (span.ready < now) span.queued_behind = behind;
  admitted.push_back(id);
}

void SimBackend::State::pass_latency(SpanId id) {
  const Instant arrives = span_of(id).start + demands[window[id].demand].demand.latency;
  if (arrives == now) return arrive(id);
  timers.schedule(arrives, Phase::complete, {.kind = 0, .payload = id.value});
}

void SimBackend::State::arrive(SpanId id) {
  if (demands[window[id].demand].demand.units == 0) return end_op(id);
  arrivals.push_back(id);
}

void SimBackend::State::enter_pool(SpanId id) {
  const std::uint32_t slot = take_running();
  RunningOp& op = running[slot];
  op.span = id;
  op.demand = window[id].demand;
  op.arrived = now;
  const Demand& demand = demands[op.demand].demand;
  op.unplaced = demand.units;
  name_in_checks(span_of(id));
  if (!demand.pool.valid()) return start_units(slot, demand.units);
  pools.arrive(demand.pool, slot, demand.units, demand.slots_per_unit);
  pool_touched[demand.pool.index()] = true;
}

void SimBackend::State::place(PoolId pool) {
  for (UnitGroup group = pools.place(pool); group.units > 0; group = pools.place(pool)) {
    RunningOp& op = running[group.tag];
    const bool first = op.unplaced == demands[op.demand].demand.units;
    if (first && op.arrived < now) {
      Span& span = span_of(op.span);
      span.start = now - demands[op.demand].demand.latency;
      span.queued_behind = released_by[pool.index()];
    }
    start_units(group.tag, group.units);
  }
}

void SimBackend::State::start_units(std::uint32_t slot, std::int64_t units) {
  RunningOp& op = running[slot];
  const DemandTable::Entry& entry = demands[op.demand];
  if (op.unplaced == entry.demand.units) flowing.push_back(slot);
  op.unplaced -= units;
  op.outstanding += units;
  CHECK(units <= 0xffffffffll, "a group of {} units", units);
  network.start(entry.flow_class, 1.0, static_cast<std::uint32_t>(units), slot, now);
  network_changed = true;
}

void SimBackend::State::end_units(const CompletedFlow& flow) {
  RunningOp& op = running[flow.tag];
  const DemandTable::Entry& entry = demands[op.demand];
  name_in_checks(span_of(op.span));
  op.outstanding -= flow.multiplicity;
  if (entry.demand.pool.valid()) {
    pools.release(entry.demand.pool, flow.multiplicity * entry.demand.slots_per_unit);
    released_by[entry.demand.pool.index()] = op.span;
    pool_touched[entry.demand.pool.index()] = true;
  }
  if (op.unplaced > 0 || op.outstanding > 0) return;
  charge_limit(op);
  span_of(op.span).bottleneck = longest_limit(op);
  const auto slot = static_cast<std::uint32_t>(flow.tag);
  *std::find(flowing.begin(), flowing.end(), slot) = flowing.back();
  flowing.pop_back();
  free_running.push_back(slot);
  end_op(op.span);
}

void SimBackend::State::end_op(SpanId id) {
  Span& span = span_of(id);
  span.end = now;
  span.work = std::min(demands[window[id].demand].isolated, span.end - span.start);
  const SpanId next = lanes.leave(span.lane, id);
  if (next.valid() && window[next].missing == 0) admit(next, id);
  window.end(id, [&](SpanId waiting) { signal(id, waiting); });
}

std::uint32_t SimBackend::State::take_running() {
  if (free_running.empty()) {
    running.emplace_back();
    return static_cast<std::uint32_t>(running.size() - 1);
  }
  const std::uint32_t slot = free_running.back();
  free_running.pop_back();
  running[slot] = {};
  return slot;
}

// After a solve: few ops run at once, and asking each for its limit is cheaper than tracking which classes changed.
void SimBackend::State::update_limits() {
  for (const std::uint32_t slot : flowing) {
    RunningOp& op = running[slot];
    const DemandTable::Entry& entry = demands[op.demand];
    ResourceId limit;
    if (op.outstanding > 0) limit = network.bottleneck(entry.flow_class);
    if (op.outstanding > 0 && !limit.valid()) limit = entry.demand.capped_by;
    if (limit == op.limit) continue;
    charge_limit(op);
    op.limit = limit;
  }
}

void SimBackend::State::charge_limit(RunningOp& op) {
  const Duration since = now - std::exchange(op.limited_since, now);
  if (!op.limit.valid()) return;
  const auto used = demands[op.demand].demand.used();
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i].resource == op.limit) op.limited[i] += since;
  }
}

ResourceId SimBackend::State::longest_limit(const RunningOp& op) const {
  const auto used = demands[op.demand].demand.used();
  ResourceId longest;
  Duration most;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (op.limited[i] <= most) continue;
    most = op.limited[i];
    longest = used[i].resource;
  }
  return longest;
}

void SimBackend::State::record_usage() {
  for (const ResourceId resource : network.changed()) {
    const double rate = network.usage(resource);
    if (rate == std::exchange(recorded_rate[resource.index()], rate)) continue;
    trace.usage.push_back({now, resource, rate});
  }
}

SimBackend::SimBackend(Platform platform, RecordOptions record)
    : state_(std::make_unique<State>(std::move(platform), record)) {}
SimBackend::~SimBackend() = default;

void SimBackend::submit(const TaskGraph& graph, std::span<const Demand> demands, std::size_t replica) {
  CHECK(state_ != nullptr, "a finished backend runs no more steps");
  state_->context = &check_context();
  state_->submit(graph, demands, replica);
}

std::size_t SimBackend::wait() {
  CHECK(state_ != nullptr && state_->steps.any(), "no step runs that could end");
  State& state = *state_;
  state.context = &check_context();
  const auto ended = [&](SpanId last) { return state.ended(last); };
  std::optional<RunningStep> step = state.steps.take_ended(ended);
  for (; !step; step = state.steps.take_ended(ended)) state.advance();
  state.trace.steps[step->step].end = state.now;
  return step->replica;
}

Trace SimBackend::finish() {
  CHECK(state_ != nullptr && !state_->steps.any(), "a backend finishes once, and after all of its steps");
  State& state = *state_;
  state.context = &check_context();
  while (state.window.unfinished() > 0) state.advance();
  for (std::size_t i = 0; i < state.platform.resources.size(); ++i) {
    state.trace.amounts.push_back(state.network.moved(ResourceId(i), state.now));
  }
  Trace trace = std::move(state.trace);
  state_.reset();
  sort_by_replica(trace);
  return trace;
}

}  // namespace outrider
