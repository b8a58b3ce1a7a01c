// Every method's steps, launched either way: what a schedule waits for and orders implies every dependency.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "kernels/backend/schedule.h"
#include "tests/support/design_points.h"

namespace outrider {
namespace {

// By lane, 1 + the last op known to have ended; lanes are FIFO, so all before it have.
using Known = std::array<OpIndex, kLanesPerDevice>;

void learn(Known& known, const Known& other) {
  for (std::size_t lane = 0; lane < known.size(); ++lane) known[lane] = std::max(known[lane], other[lane]);
}

// Replays a schedule and keeps what is known to have ended when each op starts, and once it has ended.
class Replay {
 public:
  explicit Replay(const Schedule& schedule) : schedule_(schedule), starts_(schedule.ops.size()), ends_(starts_) {}

  // The first dependency or lane order that nothing ensures; empty where there is none.
  std::string gap() {
    for (OpIndex index = 0; index < schedule_.ops.size(); ++index) {
      if (schedule_.ops[index].runner == Runner::barrier) {
        for (const OpIndex on : schedule_.dependencies[index]) learn(ends_[index], ends_[on]);
        continue;
      }
      start(index);
      const std::string missing = missing_at(index);
      if (!missing.empty()) return missing;
      end(index);
    }
    return {};
  }

 private:
  void start(OpIndex index) {
    const ScheduledOp& op = schedule_.ops[index];
    Known& known = starts_[index];
    for (const Wait& wait : op.waits) learn(known, ends_[wait.on]);
    switch (op.runner) {
      case Runner::host:
        return learn(known, host_);
      case Runner::pool:
        return learn(known, pool_);
      case Runner::background:
        learn(background_, known);  // its thread goes on with what it has waited for
        learn(known, background_);
        return learn(known, background_streams_[op.lane()]);
      case Runner::stream:
        learn(known, starts_[op.issuer]);
        return learn(known, op.lane() == Lane::compute ? compute_ : streams_[op.lane()]);
      case Runner::captured:
        if (graph_ != op.issuer) {
          learn(graph_known_, starts_[op.issuer]);
          learn(graph_known_, compute_);  // all captured so far, and what was launched there
          graph_ = op.issuer;
          graph_lanes_.clear();
        }
        learn(known, graph_known_);
        return learn(known, graph_lanes_[op.lane()]);
      case Runner::barrier:
        return;
    }
  }

  void end(OpIndex index) {
    const ScheduledOp& op = schedule_.ops[index];
    Known& known = ends_[index];
    known = starts_[index];
    OpIndex& own = known[static_cast<std::size_t>(op.lane())];
    own = std::max(own, index + 1);
    if (op.runner == Runner::host) learn(host_, known);
    if (op.runner == Runner::pool) learn(pool_, known);
    if (op.runner == Runner::background) learn(background_streams_[op.lane()], known);
    if (op.runner == Runner::stream) learn(op.lane() == Lane::compute ? compute_ : streams_[op.lane()], known);
    if (op.runner == Runner::captured) {
      learn(compute_, known);
      learn(graph_lanes_[op.lane()], known);
    }
  }

  bool ended(OpIndex on, OpIndex before) const {
    const ScheduledOp& op = schedule_.ops[before];
    const ScheduledOp& awaited = schedule_.ops[on];
    if (awaited.runner == Runner::barrier) {
      for (const OpIndex each : schedule_.dependencies[on]) {
        if (!ended(each, before)) return false;
      }
      return true;
    }
    // It was put there by that host op, or one behind it.
    if (awaited.runner == Runner::host && op.issuer != kNoOp && on <= op.issuer) return true;
    return starts_[before][static_cast<std::size_t>(awaited.lane())] > on;
  }

  std::string missing_at(OpIndex index) {
    for (const OpIndex on : schedule_.dependencies[index]) {
      if (!ended(on, index)) return "op " + std::to_string(index) + " may start before op " + std::to_string(on);
    }
    OpIndex& previous = previous_[schedule_.ops[index].lane()];
    if (previous > 0 && !ended(previous - 1, index)) return "op " + std::to_string(index) + " overtakes its lane";
    previous = index + 1;
    return {};
  }

  const Schedule& schedule_;
  std::vector<Known> starts_, ends_;
  Known host_{}, pool_{}, background_{}, compute_{}, graph_known_{};
  std::map<Lane, Known> streams_, background_streams_, graph_lanes_;
  std::map<Lane, OpIndex> previous_;
  OpIndex graph_ = kNoOp;
};

TEST(ScheduleProperty, EveryDependencyOfEveryMethodIsEnsured) {
  for (const MethodEntry& entry : methods()) {
    if (entry.info.probe) continue;  // without launches
    for (const Preset& preset : entry.info.presets) {
      for (const char* launch : {"graph", "eager"}) {
        PointSpec spec{.method = entry.info.name, .preset = preset.name, .layers = 5, .context = 4096};
        spec.set["launch"] = std::string(launch);
        DesignPoint point(spec);
        const std::vector<TaskGraph> graphs = point.graphs();
        EXPECT_EQ(Replay(make_schedule(graphs)).gap(), "") << entry.info.name << " " << preset.name << " " << launch;
      }
    }
  }
}

TEST(ScheduleProperty, AMissingWaitIsNoticed) {
  DesignPoint point({.method = "scout", .layers = 3, .context = 4096});
  const std::vector<TaskGraph> graphs = point.graphs();
  Schedule schedule = make_schedule(graphs);
  for (ScheduledOp& op : schedule.ops) {
    if (op.runner == Runner::pool) op.waits.clear();
  }
  EXPECT_NE(Replay(schedule).gap(), "");
}

TEST(ScheduleProperty, EveryOpOnTheGpuHasOneWayThere) {
  for (const MethodEntry& entry : methods()) {
    DesignPoint point({.method = entry.info.name, .layers = 3, .context = 4096});
    const std::vector<TaskGraph> graphs = point.graphs();
    const Schedule schedule = make_schedule(graphs);
    std::vector<int> issued(schedule.ops.size(), 0);
    for (const ScheduledOp& op : schedule.ops) {
      for (const OpIndex each : op.issues) ++issued[each];
    }
    for (OpIndex index = 0; index < schedule.ops.size(); ++index) {
      const ScheduledOp& op = schedule.ops[index];
      const int expected = op.runner == Runner::stream     ? (op.rest_issuer == kNoOp ? 1 : 2)
                           : op.runner == Runner::captured ? 1
                                                           : 0;
      EXPECT_EQ(issued[index], expected) << entry.info.name << " op " << index;
    }
  }
}

}  // namespace
}  // namespace outrider
