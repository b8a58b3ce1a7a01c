// Hosts of runs: what is recorded, and which runs are of one machine.
#include "calibration/samples/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace outrider {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

HostFacts host(const std::string& cpu, int processors, const std::string& gpu) {
  HostFacts facts;
  facts.cpu = cpu;
  facts.processors = processors;
  facts.memory_bytes = 64e9;
  facts.gpu = gpu;
  return facts;
}

fs::path file_with(const std::string& text) {
  const fs::path file = fs::path(testing::TempDir()) / "runs.csv";
  fs::remove(file);
  if (!text.empty()) std::ofstream(file) << text;
  return file;
}

constexpr const char* kOld = "run,date,cpu,cpu_flags,gpu,driver,clocks\n1,2026-11-20,CPU A,avx2,GPU 1,d,c\n";

TEST(RunLog, IsReadAsItWasWritten) {
  const fs::path file = file_with("");
  log_run(file, 1, "2026-11-21", host("CPU, A", 64, "GPU 1"));
  log_run(file, 1, "2026-11-21", host("CPU, A", 64, "GPU 1"));
  log_run(file, 2, "2026-11-22", host("", 0, "GPU 1"));
  ConfigErrors errors;
  const std::vector<LoggedRun> runs = read_runs(file, errors);
  ASSERT_TRUE(errors.empty());
  ASSERT_EQ(runs.size(), 2u) << "a line once";
  EXPECT_EQ(runs[0].host.cpu, "CPU  A");
  EXPECT_EQ(runs[0].host.processors, 64);
  EXPECT_EQ(runs[0].host.memory_bytes, 64e9);
  EXPECT_EQ(runs[1].run, 2);
  EXPECT_EQ(runs[1].line, 3);
  EXPECT_EQ(runs[1].host.processors, 0);
  EXPECT_EQ(host_of(runs).processors, 64);
}

TEST(RunLog, AFileFromBeforeProcessorsWereRecordedIsReadAndAddedTo) {
  const fs::path file = file_with(kOld);
  ConfigErrors errors;
  EXPECT_EQ(read_runs(file, errors).at(0).host.processors, 0);
  log_run(file, 2, "2026-11-21", host("CPU A", 64, "GPU 1"));
  const std::vector<LoggedRun> runs = read_runs(file, errors);
  ASSERT_TRUE(errors.empty());
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].host.clocks, "c");
  EXPECT_EQ(runs[0].host.processors, 0);
  EXPECT_EQ(runs[1].host.processors, 64);
}

TEST(RunLog, EveryMistakeHasItsLineAndColumn) {
  const auto mistake = [](const std::string& text) {
    ConfigErrors errors;
    read_runs(file_with(text), errors);
    return errors.empty() ? std::string() : std::to_string(errors.all()[0].line) + " " + errors.all()[0].path;
  };
  const std::string header = "run,date,cpu,cpu_flags,gpu,driver,clocks,processors,memory_bytes\n";
  EXPECT_EQ(mistake("model\n"), "1 ");
  EXPECT_EQ(mistake(header + "1,d,c,f,g,d,c\n"), "2 ");
  EXPECT_EQ(mistake(std::string(kOld) + "1,d,c,f,g,d,c,2,1\n"), "3 ");
  EXPECT_EQ(mistake(header + "0,d,c,f,g,d,c,2,1\n"), "2 run");
  EXPECT_EQ(mistake(header + "1,d,c,f,g,d,c,-2,1\n"), "2 processors");
  EXPECT_EQ(mistake(header + "1,d,c,f,g,d,c,2,inf\n"), "2 memory_bytes");
  EXPECT_EQ(mistake(header + "1,d,c,f,g,d,c,,\n"), "");
}

TEST(RunLog, RunsOfDifferentMachinesMakeNone) {
  const auto mistake = [](const HostFacts& second) {
    ConfigErrors errors;
    check_one_machine("runs.csv",
                      {{.run = 1, .date = {}, .host = host("CPU A", 16, "GPU 1"), .line = 2},
                       {.run = 2, .date = {}, .host = second, .line = 3}},
                      errors);
    return errors.empty() ? std::string() : to_string(errors.all()[0]);
  };
  EXPECT_EQ(mistake(host("CPU A", 16, "GPU 1")), "");
  EXPECT_EQ(mistake(host("CPU A", 16, "")), "") << "a build without CUDA";
  EXPECT_EQ(mistake(host("", 0, "GPU 1")), "") << "an import";
  EXPECT_EQ(mistake(host("CPU B", 16, "GPU 1")),
            "runs.csv:3:1: run 2: expected the machine of run 1 in line 2 (CPU A, 16 processors, GPU 1), since one fit "
            "is of one machine, got CPU B, 16 processors, GPU 1");
  EXPECT_THAT(mistake(host("CPU A", 2, "GPU 1")), HasSubstr("got CPU A, 2 processors"));
  EXPECT_THAT(mistake(host("", 0, "GPU 2")), HasSubstr("got a CPU that is not recorded, GPU 2"));
}

TEST(RunLog, ARunGoesOnWhereItBegan) {
  const auto mistake = [](int run, const HostFacts& here) {
    ConfigErrors errors;
    check_resumable("runs.csv", {{.run = 1, .date = {}, .host = host("CPU A", 16, "GPU 1"), .line = 2}}, run, here,
                    errors);
    return errors.empty() ? std::string() : to_string(errors.all()[0]);
  };
  EXPECT_EQ(mistake(1, host("CPU A", 16, "GPU 1")), "");
  EXPECT_EQ(mistake(1, host("CPU A", 16, "")),
            "runs.csv:2:1: run 1: expected this host (CPU A, 16 processors, no GPU), got CPU A, 16 processors, GPU 1: "
            "use another --out, or --run 2");
  EXPECT_EQ(mistake(2, host("CPU A", 16, "")), "");
  EXPECT_THAT(mistake(1, host("CPU B", 16, "GPU 1")), testing::EndsWith("GPU 1: use another --out"))
      << "as another run it would be refused too";
  EXPECT_THAT(mistake(2, host("CPU A", 16, "GPU 2")), testing::EndsWith("GPU 1: use another --out"));
}

}  // namespace
}  // namespace outrider
