// Nodes as sysfs tells them, and threads where they are wanted.
#include "kernels/cpu/numa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kernels/cpu/thread_pool.h"

namespace outrider {
namespace {

using testing::ElementsAre;
namespace fs = std::filesystem;

class NumaNodes : public testing::Test {
 protected:
  void SetUp() override { root_ = fs::path(testing::TempDir()) / ("outrider_numa_" + std::to_string(::getpid())); }
  void TearDown() override { fs::remove_all(root_); }
  void node(const std::string& name, const std::string& processors) const {
    fs::create_directories(root_ / name);
    std::ofstream(root_ / name / "cpulist") << processors << "\n";
  }
  fs::path root_;
};

TEST_F(NumaNodes, HoldTheUsableProcessorsInOrderOfTheirNumbers) {
  node("node10", "6-7");
  node("node0", "0-1,4");
  node("node1", "2-3,5");
  node("power", "0-7");
  EXPECT_THAT(numa_nodes(std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}, root_),
              ElementsAre(ElementsAre(0, 1, 4), ElementsAre(2, 3, 5), ElementsAre(6, 7)));
  EXPECT_THAT(numa_nodes(std::vector<int>{1, 6}, root_), ElementsAre(ElementsAre(1), ElementsAre(6)));
}

TEST_F(NumaNodes, AreOneWhereTheSystemDoesNotTellOfAll) {
  EXPECT_THAT(numa_nodes(std::vector<int>{0, 1}, root_), ElementsAre(ElementsAre(0, 1)));
  node("node0", "0");
  EXPECT_THAT(numa_nodes(std::vector<int>{0, 1}, root_), ElementsAre(ElementsAre(0, 1)));
  node("node0", "nonsense,-,7-");
  EXPECT_THAT(numa_nodes(std::vector<int>{0}, root_), ElementsAre(ElementsAre(0)));
}

TEST(RunOn, HasAThreadOnEachProcessor) {
  const std::vector<int> processors = usable_processors();
  std::vector<int> ran(processors.size(), -1);
  EXPECT_GT(run_on(processors, [&](std::size_t i) { ran[i] = sched_getcpu(); }), 0.0);
  EXPECT_EQ(ran, processors);
}

}  // namespace
}  // namespace outrider
