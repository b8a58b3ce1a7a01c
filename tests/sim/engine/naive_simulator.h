// The engine's rules once more, in fixed steps of time and without any cleverness: an oracle for whole graphs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "sim/engine/demand.h"
#include "sim/graph/task_graph.h"
#include "tests/sim/engine/naive_rates.h"

namespace outrider {

// Simulates one step that starts at 0; `run` gives the end of every op in seconds, each late by at most the time steps
// of its path.
class NaiveSimulator {
 public:
  NaiveSimulator(const Platform& platform, const TaskGraph& graph, const std::vector<Demand>& demands)
      : platform_(platform), graph_(graph), demands_(demands), ops_(demands.size()), queues_(platform.pools.size()) {
    for (const PoolInfo& pool : platform.pools) free_.push_back(pool.slots);
  }

  std::vector<double> run(double dt) {
    std::size_t ended = 0;
    for (std::int64_t tick = 0; ended < ops_.size(); ++tick) {
      const double now = static_cast<double>(tick) * dt;
      for (std::size_t change = 1; change > 0; ended += change) change = end_ops(now) + admit_ops(now);
      ended =
          static_cast<std::size_t>(std::count_if(ops_.begin(), ops_.end(), [](const State& op) { return op.ended; }));
      place_units();
      if (changed_) NaiveRates(platform_, demands_, units_).fill();
      changed_ = false;
      for (NaiveUnit& unit : units_) unit.left -= unit.rate * dt;
    }
    std::vector<double> ends;
    for (const State& op : ops_) ends.push_back(op.end);
    return ends;
  }

 private:
  struct State {
    bool admitted = false, arrived = false, ended = false;
    double arrives = 0.0, end = 0.0;
    std::int64_t to_place = 0, to_end = 0;
  };

  bool ready(std::size_t op, double now) const {
    const LaneId lane = graph_.op(OpId(op)).lane;
    for (const OpId dependency : graph_.dependencies(OpId(op))) {
      const State& before = ops_[dependency.index()];
      const Duration signal = platform_.signals.time[demands_[dependency.index()].ends_as][demands_[op].waits_as];
      const bool own_lane = graph_.op(dependency).lane == lane;
      if (!before.ended || before.end + (own_lane ? 0.0 : signal.seconds().value()) > now) return false;
    }
    if (lane == lane_id(Lane::none)) return true;
    for (std::size_t before = 0; before < op; ++before) {
      if (graph_.op(OpId(before)).lane == lane && !ops_[before].ended) return false;
    }
    return true;
  }

  // Units that are done free their slots, ops whose units are done end; before that, ops arrive.
  std::size_t end_ops(double now) {
    std::size_t changes = 0;
    for (const NaiveUnit& unit : units_) {
      if (unit.left > 0.0) continue;
      const Demand& demand = demands_[unit.op];
      if (demand.pool.valid()) free_[demand.pool.index()] += demand.slots_per_unit;
      --ops_[unit.op].to_end;
      changed_ = true;
    }
    std::erase_if(units_, [](const NaiveUnit& unit) { return unit.left <= 0.0; });
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      State& op = ops_[i];
      if (op.admitted && !op.arrived && op.arrives <= now) arrive(i);
      if (!op.arrived || op.ended || op.to_end > 0) continue;
      op.ended = true;
      op.end = now;
      ++changes;
    }
    return changes;
  }

  void arrive(std::size_t i) {
    ops_[i].arrived = true;
    ops_[i].to_place = ops_[i].to_end = demands_[i].units;
    if (demands_[i].units == 0) return;
    if (demands_[i].pool.valid()) {
      queues_[demands_[i].pool.index()].push_back(i);
    } else {
      for (; ops_[i].to_place > 0; --ops_[i].to_place) start_unit(i);
    }
  }

  std::size_t admit_ops(double now) {
    std::size_t changes = 0;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (ops_[i].admitted || !ready(i, now)) continue;
      ops_[i].admitted = true;
      ops_[i].arrives = now + demands_[i].latency.seconds().value();
      ++changes;
    }
    return changes;
  }

  void place_units() {
    for (std::size_t pool = 0; pool < queues_.size(); ++pool) {
      std::deque<std::size_t>& queue = queues_[pool];
      while (!queue.empty() && free_[pool] >= demands_[queue.front()].slots_per_unit) {
        free_[pool] -= demands_[queue.front()].slots_per_unit;
        start_unit(queue.front());
        if (--ops_[queue.front()].to_place == 0) queue.pop_front();
      }
    }
  }

  void start_unit(std::size_t op) {
    units_.push_back({op});
    changed_ = true;
  }

  const Platform& platform_;
  const TaskGraph& graph_;
  const std::vector<Demand>& demands_;
  std::vector<State> ops_;
  std::vector<NaiveUnit> units_;
  std::vector<std::int64_t> free_;               // slots, by pool
  std::vector<std::deque<std::size_t>> queues_;  // ops with units to place, by pool
  bool changed_ = false;
};

}  // namespace outrider
