// A store of selections that several threads ask for at once.
#include "sim/study/selection_groups.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "sim/study/parallel.h"

namespace outrider {
namespace {

TEST(SelectionStore, AllThatWaitAreToldThatDrawingFailed) {
  SelectionStore store(1 << 20);
  Scenario scenario;
  PlannedPoint widest;
  Workload workload;
  workload.decode_steps = 1;
  widest.workload = &workload;
  widest.layers = 1;
  widest.batch = std::int64_t{1} << 40;
  widest.need = {.blocks = 1 << 20, .selected = 1 << 19};  // more than memory holds
  std::atomic<int> told{0};
  parallel_for(4, 4, [&](std::size_t) {
    try {
      const SelectionStore::Lease lease(store, scenario, widest);
    } catch (const std::exception&) { ++told; }
  });
  EXPECT_EQ(told, 4);
}

}  // namespace
}  // namespace outrider
