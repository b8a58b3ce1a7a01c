// Runs of `outrider sweep` as a user starts them, and as a crash ends them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "sim/base/random.h"

namespace outrider {

namespace fs = std::filesystem;

inline std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// 36 design points of two methods each, of which 12 are others' twins.
inline constexpr const char* kSmallStudy =
    "name: small\n"
    "scenario: examples/quick\n"
    "set:\n"
    "  methods: [full_kv, scout]\n"
    "  workloads: [{name: decode, contexts: [4K], batches: [2], decode_steps: 2, warmup_steps: 0, prefill: false}]\n"
    "grid:\n"
    "  machine.cpu.cores: 16..64 step 16\n"
    "  machine.gpu.hbm_bandwidth: [2 TB/s, 3 TB/s, 4 TB/s]\n"
    "  machine.cpu.clock: [2 GHz, 3 GHz, 3 GHz]\n";

class SweepRuns : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("outrider_sweep_test_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    write("small.yaml", kSmallStudy);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  // Exit code; 128 + signal where a signal ended it. `before` stands before the program's name on the line.
  int run(const std::string& arguments, const std::string& before = "") const {
    const std::string line =
        fmt::format("cd '{0}' && OUTRIDER_HOME='{1}' XDG_CACHE_HOME='{0}/cache' {2} '{3}' {4} >'{0}/out' 2>'{0}/error'",
                    folder_.string(), OUTRIDER_SOURCE_DIR, before, OUTRIDER_PROGRAM, arguments);
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string out() const { return content_of(folder_ / "out"); }
  std::string error() const { return content_of(folder_ / "error"); }
  std::string result(const std::string& folder, const std::string& file) const {
    return content_of(folder_ / folder / file);
  }
  std::size_t finished(const std::string& folder) const {
    const std::string text = result(folder, "points.journal");
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    return lines > 0 ? lines - 1 : 0;
  }

  // Kills the sweep that often at random times, and lets it end at last. The files must be those of one that nothing
  // disturbed, and what is in the journal stays there.
  void kill_and_resume(int kills, std::uint64_t seed) {
    ASSERT_EQ(run("sweep small.yaml --no-cache --out whole"), 0) << error();
    RandomStream random(seed);
    std::size_t before = 0, interrupted = 0;
    for (int i = 0; i < kills; ++i) {
      const double delay = 0.02 + 0.4 * random.uniform();
      const int code = run("sweep small.yaml --no-cache --threads 2 --out killed --resume",
                           fmt::format("timeout -s KILL {:.3f}", delay));
      interrupted += code == 137 ? 1 : 0;
      EXPECT_TRUE(code == 137 || code == 0) << error();
      EXPECT_GE(finished("killed"), before);
      before = finished("killed");
      if (code != 0) continue;
      EXPECT_EQ(result("killed", "results.csv"), result("whole", "results.csv"));
      fs::remove_all(folder_ / "killed");
      before = 0;
    }
    ASSERT_EQ(run("sweep small.yaml --no-cache --out killed --resume"), 0) << error();
    EXPECT_GT(interrupted, 0u);
    EXPECT_EQ(result("killed", "results.csv"), result("whole", "results.csv"));
    EXPECT_EQ(result("killed", "results.sqlite"), result("whole", "results.sqlite"));
  }

  fs::path folder_;
};

}  // namespace outrider
