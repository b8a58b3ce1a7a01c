// The design points of a scenario, each with the batch that memory allows.
#pragma once

#include <string>
#include <vector>

#include "sim/study/results.h"

namespace outrider {

struct PlannedPoint {
  const MethodEntry* entry = nullptr;
  const MethodRequest* request = nullptr;
  const Workload* workload = nullptr;
  Params params;      // the request's, with what was tried for it
  std::string tried;  // what that was; empty: nothing
  std::int64_t context = 0;
  std::int64_t batch = 0;        // 0 where it does not fit
  std::int64_t given_batch = 0;  // 0: automatic
  bool automatic_batch = false;
  std::string limit;  // what bounds the batch, or what does not fit
  std::vector<MemoryUse> memory;
  SelectionNeed need;
  std::int64_t layers = 0;  // whose KV is offloaded
  bool prefill = false;     // charged too
  bool timed = true;        // times are read off it; else counts and memory only, of which no profile has a say

  std::int64_t steps() const { return workload->warmup_steps + workload->decode_steps; }
  bool fits() const { return batch > 0; }
};

// Points by workload, context, batch, then method. Labels: empty for all.
std::vector<PlannedPoint> plan_points(const Scenario& scenario, const std::vector<std::string>& labels);

// One point; `given_batch` 0 asks for the batch that memory holds.
PlannedPoint plan_point(const Scenario& scenario, const MethodRequest& request, const Workload& workload,
                        std::int64_t context, std::int64_t given_batch);

// The point as its method sees it, selections left out.
MethodPoint method_point(const Scenario& scenario, const PlannedPoint& plan);

}  // namespace outrider
