// Groups of points, each with its selections drawn once.
#include "sim/study/points.h"

#include <mutex>

#include "sim/study/parallel.h"
#include "sim/study/selection_groups.h"

namespace outrider {

std::vector<std::vector<PointResult>> simulate_points(const PointsRequest& request) {
  const std::vector<PlannedPoint>& plans = request.plans;
  const std::size_t versions = request.machines.size();
  const auto versions_of = [&](std::size_t index) { return plans[index].timed ? versions : 1; };
  std::size_t all = 0;
  for (std::size_t i = 0; i < plans.size(); ++i) all += versions_of(i);
  std::vector<std::vector<PointResult>> results(versions, std::vector<PointResult>(plans.size()));
  std::mutex reporting;
  std::size_t done = 0;
  for (const auto& [key, group] : group_points(plans)) {
    const Selections selections = draw_selections(request.scenario, widest_of(plans, group), request.threads);
    std::vector<std::pair<std::size_t, std::size_t>> tasks;
    for (const std::size_t index : group) {
      for (std::size_t version = 0; version < versions_of(index); ++version) tasks.emplace_back(index, version);
    }
    parallel_for(tasks.size(), request.threads, [&](std::size_t task) {
      const auto [index, version] = tasks[task];
      SimulatedPoint point = simulate_point(request.scenario, request.machines[version], plans[index], selections, {});
      if (request.inspect && version == 0) request.inspect(index, point);
      results[version][index] = std::move(point.result);
      if (!request.progress) return;
      const std::lock_guard lock(reporting);
      request.progress(++done, all);
    });
  }
  for (std::size_t i = 0; i < plans.size(); ++i) {
    for (std::size_t version = versions_of(i); version < versions; ++version) results[version][i] = results[0][i];
  }
  return results;
}

}  // namespace outrider
