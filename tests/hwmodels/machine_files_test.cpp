// The shipped machines load without errors and say where every figure comes from.
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

class MachineFileTest : public testing::TestWithParam<const char*> {};
TEST_P(MachineFileTest, LoadsAndStatesASourceForEveryFigure) {
  const MachineSpec machine = machine_named(GetParam());
  EXPECT_EQ(machine.name, GetParam());
  for (const auto& [path, source] : machine.sources) EXPECT_NE(source, "unstated") << path;
}
INSTANTIATE_TEST_SUITE_P(Shipped, MachineFileTest, testing::ValuesIn(kMachines));

}  // namespace
}  // namespace outrider
