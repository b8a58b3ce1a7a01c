// Runners by kind and launch; waits from dependencies and the order of lanes.
#include "kernels/backend/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace outrider {
namespace {

class Scheduler {
 public:
  explicit Scheduler(std::span<const TaskGraph> steps) : steps_(steps) {}

  Schedule take() {
    for (std::size_t step = 0; step < steps_.size(); ++step) add_step(step);
    schedule_.first_op.push_back(count());
    for (OpIndex index = 0; index < count(); ++index) find_rest_issuer(index);
    previous_on_.fill(kNoOp);
    for (OpIndex index = 0; index < count(); ++index) find_waits(index);
    for (OpIndex index = 0; index < count(); ++index) {
      for (const Wait& wait : at(index).waits) note_wait(at(index), wait);
    }
    for (const OpIndex last : schedule_.last) close_step(last);
    return std::move(schedule_);
  }

 private:
  OpIndex count() const { return static_cast<OpIndex>(schedule_.ops.size()); }
  ScheduledOp& at(OpIndex index) { return schedule_.ops[index]; }

  void add_step(std::size_t step) {
    const TaskGraph& graph = steps_[step];
    const OpIndex first = count();
    schedule_.first_op.push_back(first);
    schedule_.last.push_back(first + graph.last().value);
    auto awaits = graph.awaits().begin();
    for (std::size_t i = 0; i < graph.size(); ++i) {
      std::vector<OpIndex> dependencies;
      for (const OpId dependency : graph.dependencies(OpId(i))) dependencies.push_back(first + dependency.value);
      for (; awaits != graph.awaits().end() && awaits->op.index() == i; ++awaits) {
        if (awaits->slot < carried_.size() && carried_[awaits->slot] != kNoOp)
          dependencies.push_back(carried_[awaits->slot]);
      }
      schedule_.dependencies.push_back(std::move(dependencies));
      add_op(graph.op(OpId(i)), static_cast<std::uint32_t>(step), first);
    }
    for (const Carry& fill : graph.fills()) {
      if (fill.slot >= carried_.size()) carried_.resize(fill.slot + 1, kNoOp);
      carried_[fill.slot] = first + fill.op.value;
    }
  }

  void add_op(const Op& op, std::uint32_t step, OpIndex first_of_step) {
    const OpIndex index = count();
    schedule_.ops.push_back({});
    ScheduledOp& added = schedule_.ops.back();
    added.op = &op;
    added.step = step;
    const OpKind kind = kind_of(op.family);
    const bool known = op.lane.valid() && op.lane.index() < static_cast<std::size_t>(kLanesPerDevice);
    const Lane lane = known ? added.lane() : Lane::none;
    const bool gathers = op.family == Family::cpu_gather && lane == Lane::host;
    const bool fits = kind == OpKind::host_step    ? lane == Lane::host
                      : kind == OpKind::cpu_kernel ? lane == Lane::cpu || gathers
                      : kind == OpKind::barrier    ? lane == Lane::none && known
                                                   : lane > Lane::host && lane < Lane::cpu;
    if (!fits) {
      throw std::invalid_argument(fmt::format("step {}, op {}: a {} cannot run on lane {} of one GPU's process", step,
                                              index - first_of_step, to_string(op.family), op.lane.value));
    }
    added.runner = lane == Lane::host ? Runner::host : kind == OpKind::cpu_kernel ? Runner::pool : Runner::barrier;
    if (kind == OpKind::gpu_kernel || kind == OpKind::copy) find_issuer(index, first_of_step);
  }

  void find_issuer(OpIndex index, OpIndex first_of_step) {
    ScheduledOp& op = at(index);
    op.runner = Runner::background;
    for (const OpIndex dependency : schedule_.dependencies[index]) {
      if (dependency < first_of_step || at(dependency).runner != Runner::host) continue;
      const bool graph = at(dependency).op->family == Family::launch_graph;
      if (op.runner == Runner::captured && !graph) continue;
      const bool later = op.issuer == kNoOp || dependency > op.issuer;
      if (later || (graph && op.runner != Runner::captured)) op.issuer = dependency;
      op.runner = graph ? Runner::captured : Runner::stream;
    }
    if (op.issuer != kNoOp) at(op.issuer).issues.push_back(index);
  }

  // A barrier over a copy and a later launch_copy that issues nothing of its own.
  void find_rest_issuer(OpIndex index) {
    if (at(index).runner != Runner::barrier) return;
    OpIndex copy = kNoOp, launch = kNoOp;
    for (const OpIndex dependency : schedule_.dependencies[index]) {
      const ScheduledOp& op = at(dependency);
      if (op.runner == Runner::stream && kind_of(op.op->family) == OpKind::copy) copy = dependency;
      if (op.op->family == Family::launch_copy && op.issues.empty()) launch = dependency;
    }
    if (copy == kNoOp || launch == kNoOp || launch < copy) return;
    at(copy).rest_issuer = launch;
    at(launch).issues.push_back(copy);
  }

  // The last op of each lane that must have ended, barriers resolved; by lane, since lanes are FIFO.
  using LastOfLanes = std::array<OpIndex, kLanesPerDevice>;
  void collect(OpIndex index, LastOfLanes& last) {
    for (const OpIndex dependency : schedule_.dependencies[index]) {
      if (at(dependency).runner == Runner::barrier) {
        collect(dependency, last);
      } else {
        note(dependency, last);
      }
    }
  }
  void note(OpIndex index, LastOfLanes& last) {
    OpIndex& latest = last[static_cast<std::size_t>(at(index).lane())];
    if (latest == kNoOp || index > latest) latest = index;
  }

  void find_waits(OpIndex index) {
    ScheduledOp& op = at(index);
    if (op.runner == Runner::barrier) return;
    LastOfLanes last;
    last.fill(kNoOp);
    collect(index, last);
    OpIndex& previous = previous_on_[static_cast<std::size_t>(op.lane())];
    if (previous != kNoOp) note(previous, last);
    previous = index;
    for (const OpIndex on : last) {
      if (on == kNoOp) continue;
      const std::optional<WaitBy> by = way_to_wait(op, at(on), on);
      if (by) op.waits.push_back({on, *by});
    }
  }

  // Nothing where the order in which things are issued or walked is enough.
  std::optional<WaitBy> way_to_wait(const ScheduledOp& op, const ScheduledOp& on, OpIndex on_index) const {
    switch (op.runner) {
      case Runner::host:
        if (on.runner == Runner::host) return std::nullopt;
        return on.runner == Runner::stream || on.runner == Runner::captured ? WaitBy::event : WaitBy::flag;
      case Runner::pool:
        return on.runner == Runner::pool ? std::nullopt : std::optional(WaitBy::flag);
      case Runner::background: {
        const bool in_order = on.runner == Runner::background && on.lane() == op.lane();
        return in_order ? std::nullopt : std::optional(WaitBy::flag);
      }
      case Runner::stream:
      case Runner::captured:
        return way_on_stream(op, on, on_index);
      case Runner::barrier:
        break;
    }
    return std::nullopt;
  }

  std::optional<WaitBy> way_on_stream(const ScheduledOp& op, const ScheduledOp& on, OpIndex on_index) const {
    if (on.runner == Runner::host && on_index <= op.issuer) return std::nullopt;
    if (on.runner != Runner::stream && on.runner != Runner::captured) return WaitBy::flag;
    const bool one_graph = op.runner == Runner::captured && on.runner == Runner::captured && op.issuer == on.issuer;
    if (one_graph) return on.lane() == op.lane() ? std::nullopt : std::optional(WaitBy::event);
    if (on.last_issuer() > op.issuer) return WaitBy::flag;  // issued behind: there is no event yet
    // A CUDA graph counts as a whole on the compute stream.
    const Lane waiting = op.runner == Runner::captured ? Lane::compute : op.lane();
    const Lane awaited = on.runner == Runner::captured ? Lane::compute : on.lane();
    return waiting == awaited ? std::nullopt : std::optional(WaitBy::event);
  }

  void note_wait(const ScheduledOp& op, const Wait& wait) {
    ScheduledOp& on = at(wait.on);
    const bool within_graph = op.runner == Runner::captured && on.runner == Runner::captured && op.issuer == on.issuer;
    if (wait.by == WaitBy::event && !within_graph) on.records_event = true;
    if (wait.by == WaitBy::flag && on_gpu(on.runner)) on.raises_flag = true;
  }

  void close_step(OpIndex last) {
    LastOfLanes ended;
    ended.fill(kNoOp);
    at(last).runner == Runner::barrier ? collect(last, ended) : note(last, ended);
    ScheduledOp closing;
    closing.runner = Runner::host;
    for (const OpIndex on : ended) {
      if (on == kNoOp) continue;
      const std::optional<WaitBy> by = way_to_wait(closing, at(on), on);
      if (by) closing.waits.push_back({on, *by});
    }
    for (const Wait& wait : closing.waits) note_wait(closing, wait);
    schedule_.closing.push_back(closing.waits);
  }

  std::span<const TaskGraph> steps_;
  Schedule schedule_;
  std::vector<OpIndex> carried_;  // by slot
  LastOfLanes previous_on_{};
};

}  // namespace

Schedule make_schedule(std::span<const TaskGraph> steps) { return Scheduler(steps).take(); }

}  // namespace outrider
