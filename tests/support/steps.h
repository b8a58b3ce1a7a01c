// Builders of small platforms, demands and steps for tests of the engine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/engine/demand.h"
#include "sim/engine/sim_backend.h"
#include "sim/graph/task_graph.h"

namespace outrider {

inline constexpr std::int64_t kPsPerUs = 1'000'000;
inline Duration microseconds(std::int64_t us) { return Duration::from_ps(us * kPsPerUs); }
inline Instant at_microseconds(std::int64_t us) { return Instant::from_ps(us * kPsPerUs); }

// Capacities are given per microsecond, so that hand calculations stay in small numbers.
inline Platform make_platform(std::initializer_list<std::pair<const char*, double>> resources_per_us,
                              std::initializer_list<std::pair<const char*, std::int64_t>> pools = {}) {
  Platform platform;
  for (const auto& [name, capacity] : resources_per_us) platform.resources.push_back({name, "B/s", capacity * 1e6});
  for (const auto& [name, slots] : pools) platform.pools.push_back({name, slots});
  for (int lane = 0; lane < kLanesPerDevice; ++lane) platform.lanes.emplace_back(to_string(static_cast<Lane>(lane)));
  return platform;
}

inline Demand latency_only(Duration latency) {
  Demand demand;
  demand.latency = latency;
  return demand;
}

// `units` units that take at least `alone_us` each and do `amount` on a resource; no pool, no latency.
inline Demand unit_work(std::int64_t units, double alone_us, std::initializer_list<std::pair<int, double>> uses = {}) {
  Demand demand;
  demand.units = units;
  demand.rate_cap = 1e6 / alone_us;
  for (const auto& [resource, amount] : uses) demand.use(ResourceId(static_cast<std::size_t>(resource)), amount);
  return demand;
}

inline Demand with_latency(Demand demand, Duration latency) {
  demand.latency = latency;
  return demand;
}

inline Demand in_pool(Demand demand, int pool, std::int64_t slots_per_unit = 1) {
  demand.pool = PoolId(static_cast<std::size_t>(pool));
  demand.slots_per_unit = slots_per_unit;
  return demand;
}

// The ops of a step with their demands.
struct StepPlan {
  TaskGraph graph;
  std::vector<Demand> demands;
};

class StepBuilder {
 public:
  OpId add(Lane lane, const Demand& demand, std::initializer_list<OpId> dependencies = {}) {
    return add(lane, demand, std::span(dependencies.begin(), dependencies.size()));
  }
  OpId add(Lane lane, const Demand& demand, std::span<const OpId> dependencies) {
    Op op;
    op.family = Family::gemm;
    op.lane = lane_id(lane);
    demands_.push_back(demand);
    return graph_.add(op, dependencies);
  }
  void await(OpId op, CarrySlot slot) { graph_.await(op, slot); }
  void fill(CarrySlot slot, OpId op) { graph_.fill(slot, op); }
  std::size_t size() const { return demands_.size(); }
  StepPlan seal(OpId last) && { return {std::move(graph_).seal(last), std::move(demands_)}; }

 private:
  GraphBuilder graph_;
  std::vector<Demand> demands_;
};

inline Trace simulate(const Platform& platform, const std::vector<StepPlan>& steps, RecordOptions record = {}) {
  SimBackend backend(platform, record);
  for (const StepPlan& step : steps) backend.run_step(step.graph, step.demands);
  return backend.finish();
}

}  // namespace outrider
