// Sweeps from the command line: the same bytes however they ran, each point once, mistakes with their place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/io/csv_table.h"
#include "sim/study/sqlite.h"
#include "tests/sim/cli/sweep_runs.h"

namespace outrider {
namespace {

using testing::HasSubstr;

TEST_F(SweepRuns, FilesAreTheSameForAnyNumberOfThreadsAndFromTheCache) {
  ASSERT_EQ(run("sweep small.yaml --threads 1 --out one"), 0) << error();
  EXPECT_THAT(out(), HasSubstr("36 design points: 48 rows simulated, 24 known before"));
  ASSERT_EQ(run("sweep small.yaml --threads 5 --no-cache --out five"), 0) << error();
  EXPECT_THAT(out(), HasSubstr("36 design points: 48 rows simulated, 24 known before"));
  ASSERT_EQ(run("sweep small.yaml --threads 2 --out cached"), 0) << error();
  EXPECT_THAT(out(), HasSubstr("36 design points: 0 rows simulated, 72 known before"));
  for (const char* file : {"results.csv", "results.sqlite"}) {
    EXPECT_EQ(result("five", file), result("one", file)) << file;
    EXPECT_EQ(result("cached", file), result("one", file)) << file;
  }
}

TEST_F(SweepRuns, AKilledSweepGoesOnAsIfNothingHadHappened) { kill_and_resume(4, 1); }

TEST_F(SweepRuns, RowsAreThoseOfRunsWithTheSameSettings) {
  ASSERT_EQ(run("sweep small.yaml --out swept"), 0) << error();
  ASSERT_EQ(run("run examples/quick --set methods='[full_kv, scout]' --set workloads='[{name: decode, contexts: [4K], "
                "batches: [2], decode_steps: 2, warmup_steps: 0, prefill: false}]' --set machine.cpu.cores=32 --set "
                "'machine.gpu.hbm_bandwidth=3 TB/s' --set 'machine.cpu.clock=2 GHz' --out single"),
            0)
      << error();
  // Both rows of that design point, by the fingerprints of their traces.
  const std::vector<std::string> swept = split_cells(result("swept", "results.csv"), '\n');
  std::size_t found = 0;
  for (const std::string& cell : split_cells(result("single", "results.csv"), ',')) {
    if (cell.size() != 16 || cell.find_first_not_of("0123456789abcdef") != std::string::npos) continue;
    found += std::count_if(swept.begin(), swept.end(), [&](const std::string& line) {
      return line.find(",32,3000000000000,2000000000,") != std::string::npos && line.find(cell) != std::string::npos;
    });
  }
  EXPECT_EQ(found, 2u);
}

TEST_F(SweepRuns, TheDatabaseHasTheRowsAsNumbersAndSaysWhatTheyMean) {
  ASSERT_EQ(run("sweep small.yaml --out swept"), 0) << error();
  SqliteDatabase database((folder_ / "swept/results.sqlite").string());
  SqliteStatement count(database,
                        "SELECT count(*), sum(typeof(tokens_per_s) = 'real'), sum(\"machine.cpu.cores\" = 64), "
                        "sum(typeof(fingerprint) = 'text') FROM rows WHERE label = 'scout'");
  ASSERT_TRUE(count.step());
  EXPECT_EQ(count.integer(0), 36);
  EXPECT_EQ(count.integer(1), 36);
  EXPECT_EQ(count.integer(2), 9);
  EXPECT_EQ(count.integer(3), 36);
  SqliteStatement unexplained(database, "SELECT count(*) FROM columns WHERE meaning = '' OR meaning IS NULL");
  ASSERT_TRUE(unexplained.step());
  EXPECT_EQ(unexplained.integer(0), 0);
}

TEST_F(SweepRuns, AnUnfinishedSweepIsNotBegunAnewUnasked) {
  ASSERT_EQ(run("sweep small.yaml --out swept"), 0) << error();
  const std::string journal = result("swept", "points.journal");
  write("swept/points.journal", journal.substr(0, journal.size() / 2));
  EXPECT_EQ(run("sweep small.yaml --out swept"), 1);
  EXPECT_THAT(error(), HasSubstr("--resume goes on with it"));
  EXPECT_EQ(run("sweep small.yaml --out swept --resume"), 0) << error();
  EXPECT_THAT(out(), HasSubstr("design points were finished already"));
  write("small.yaml", std::string(kSmallStudy) + "where: cores < 64\n");
  write("swept/points.journal", journal.substr(0, journal.size() / 2));
  EXPECT_EQ(run("sweep small.yaml --out swept --resume"), 1);
  EXPECT_THAT(error(), HasSubstr("is of another study"));
}

TEST_F(SweepRuns, MistakesAreRefusedBeforeAnythingRuns) {
  write(
      "bad.yaml",
      "name: bad\nscenario: examples/quick\ngrid:\n  machine.cpu.coers: [8, 16]\n  machine.cpu.clock:\n    - 2 GB/s\n");
  EXPECT_EQ(run("sweep bad.yaml"), 2);
  EXPECT_THAT(error(), HasSubstr("bad.yaml:4: cpu.coers: expected"));
  EXPECT_THAT(error(), HasSubstr("bad.yaml:6: cpu.clock: expected"));
  EXPECT_FALSE(fs::exists(folder_ / "results"));
  EXPECT_EQ(run("sweep nowhere"), 2);
  EXPECT_THAT(error(), HasSubstr("no file and no shipped study is called 'nowhere'"));
}

TEST_F(SweepRuns, EveryShippedStudyHasPoints) {
  ASSERT_EQ(run("list studies --names"), 0);
  for (const std::string& name : split_cells(out(), '\n')) {
    if (name.empty()) continue;
    EXPECT_EQ(run("sweep --dry-run " + name), 0) << name << ": " << error();
  }
}

}  // namespace
}  // namespace outrider
