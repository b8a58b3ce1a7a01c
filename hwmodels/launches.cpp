// One walk over a graph for who waits for whom, one for what was streamed between kernels.
#include "hwmodels/launches.h"

#include <algorithm>
#include <map>
#include <utility>

namespace outrider {
namespace {

enum class Launch : std::uint8_t { none, one_by_one, in_graph };

bool is_kernel(const Op& op) { return kind_of(op.family) == OpKind::gpu_kernel; }
bool on_gpu(const Op& op) { return is_kernel(op) || kind_of(op.family) == OpKind::copy; }

// Calls visit(dependency) for what an op waits for, barriers resolved.
template <class Visit>
void each_awaited(const TaskGraph& graph, OpId op, const Visit& visit) {
  for (const OpId dependency : graph.dependencies(op)) {
    if (graph.op(dependency).family == Family::barrier) {
      each_awaited(graph, dependency, visit);
    } else {
      visit(dependency);
    }
  }
}

std::vector<Launch> launches_of(const TaskGraph& graph) {
  std::vector<Launch> launches(graph.size(), Launch::none);
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (!is_kernel(graph.op(OpId(i)))) continue;
    for (const OpId dependency : graph.dependencies(OpId(i))) {
      const Family family = graph.op(dependency).family;
      if (family == Family::launch_kernel) launches[i] = Launch::one_by_one;
      if (family == Family::launch_graph && launches[i] == Launch::none) launches[i] = Launch::in_graph;
    }
  }
  return launches;
}

// Which ops of the GPU others of another lane wait for, and which kernels wait for such.
struct Branches {
  std::vector<bool> forks, joins;
};

Branches branches_of(const TaskGraph& graph) {
  Branches branches{std::vector<bool>(graph.size(), false), std::vector<bool>(graph.size(), false)};
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Op& op = graph.op(OpId(i));
    if (!on_gpu(op)) continue;
    each_awaited(graph, OpId(i), [&](OpId awaited) {
      const Op& other = graph.op(awaited);
      if (!on_gpu(other) || other.lane == op.lane) return;
      branches.forks[awaited.index()] = true;
      branches.joins[i] = true;
    });
  }
  return branches;
}

// What each GPU streamed, and how far it was when each kind of kernel last ran.
class Streamed {
 public:
  explicit Streamed(std::span<const ResourceId> hbm) : hbm_(hbm), devices_(hbm.size()) {}

  // True where more than L2 holds came between this kernel and the one before it of its kind.
  bool evicted(const Op& op, const Demand& demand, Bytes l2) {
    const std::size_t device = device_of(op.lane);
    Device& on = devices_[device];
    double bytes = 0.0;
    for (const Use& use : demand.used()) {
      if (use.resource == hbm_[device]) bytes += use.amount * static_cast<double>(demand.units);
    }
    const auto last = on.last.find({op.family, bytes});
    const bool cold = last == on.last.end() || on.all - last->second > l2.value();
    on.all += bytes;
    on.last[{op.family, bytes}] = on.all;
    return cold;
  }

 private:
  struct Device {
    double all = 0.0;
    std::map<std::pair<Family, double>, double> last;
  };
  std::span<const ResourceId> hbm_;
  std::vector<Device> devices_;
};

}  // namespace

LaunchCosts launch_costs(const Profile& profile, Bytes l2) {
  const auto of = [&](std::string_view name) { return ceil_to_ticks(Seconds(profile.value(name))); };
  return {of("gpu.launch_gap"), of("gpu.fork_latency"), of("gpu.join_latency"), of("gpu.cold_latency"), l2};
}

void add_launch_costs(const LaunchCosts& costs, const TaskGraph& graph, std::span<const ResourceId> hbm,
                      std::span<Demand> demands) {
  const std::vector<Launch> launches = launches_of(graph);
  const Branches branches = branches_of(graph);
  Streamed streamed(hbm);
  std::map<LaneId, bool> forked;  // whether the last kernel of a lane forked
  for (std::size_t i = 0; i < demands.size(); ++i) {
    const Op& op = graph.op(OpId(i));
    if (!is_kernel(op)) continue;
    Duration& latency = demands[i].latency;
    if (streamed.evicted(op, demands[i], costs.l2)) latency += costs.cold;
    if (launches[i] == Launch::one_by_one) latency += costs.gap;
    if (launches[i] == Launch::in_graph) {
      if (forked[op.lane]) latency += costs.fork;
      if (branches.joins[i]) demands[i].lead += costs.join;
    }
    forked[op.lane] = branches.forks[i];
  }
}

}  // namespace outrider
