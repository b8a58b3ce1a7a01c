// Figures that outlive the study that simulated them, and the keys they are found by.
#include "sim/study/point_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "sim/study/point_key.h"
#include "sim/study/sqlite.h"
#include "tests/support/scenarios.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

class Cache : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("outrider_cache_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    file_ = folder_ / "below" / "points.sqlite";
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_, file_;
};

TEST_F(Cache, KeepsWhatWasPutForOthers) {
  PointCache one(file_), other(file_);
  one.put({1, 2}, "figures");
  EXPECT_EQ(other.find({1, 2}), "figures");
  EXPECT_EQ(other.find({2, 1}), std::nullopt);
  other.put({1, 2}, "newer");
  EXPECT_EQ(one.find({1, 2}), "newer");
}

TEST_F(Cache, AnEntryThatWasDamagedIsNotThere) {
  PointCache cache(file_);
  cache.put({1, 2}, "figures");
  SqliteDatabase(file_.string()).execute("UPDATE points SET figures = 'figurez'");
  EXPECT_EQ(cache.find({1, 2}), std::nullopt);
}

TEST_F(Cache, WithoutAFileEndsWithItsOwner) {
  PointCache cache(std::nullopt), other(std::nullopt);
  cache.put({1, 2}, "figures");
  EXPECT_EQ(cache.find({1, 2}), "figures");
  EXPECT_EQ(other.find({1, 2}), std::nullopt);
}

Digest key_of(const Scenario& scenario, const std::string& program = "p", Digest profile_digest = {}) {
  const Profile profile = assumed_profile();
  return point_key({program, scenario, profile, profile_digest}, plan_points(scenario, {}).front());
}

TEST(PointKey, ChangesWithEveryInput) {
  const Scenario base = small_scenario({"scout"});
  const Digest key = key_of(base);
  const std::vector<std::function<void(Scenario&)>> changes = {
      [](Scenario& s) { s.model_digest[0] = 1; },
      [](Scenario& s) { s.machine_digest[1] = 1; },
      [](Scenario& s) { s.seed = 2; },
      [](Scenario& s) { s.locality.step_correlation *= 0.5; },
      [](Scenario& s) { s.methods[0].params.set("periodic_recall", false); },
      [](Scenario& s) { s.methods = {request_for("infinigen")}; },
      [](Scenario& s) { s.workloads[0].contexts = {4096}; },
      [](Scenario& s) { s.workloads[0].batches = {4}; },
      [](Scenario& s) { s.workloads[0].batches = {}; },
      [](Scenario& s) { s.workloads[0].decode_steps = 4; },
      [](Scenario& s) { s.workloads[0].warmup_steps = 2; },
      [](Scenario& s) { s.workloads[0].prefill = true; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Scenario changed = base;
    changes[i](changed);
    EXPECT_NE(key_of(changed), key) << i;
  }
  EXPECT_NE(key_of(base, "q"), key);
  EXPECT_NE(key_of(base, "p", {1, 1}), key);
}

TEST(PointKey, IsBlindToNames) {
  const Scenario base = small_scenario({"scout"});
  Scenario renamed = base;
  renamed.name = renamed.workloads[0].name = renamed.methods[0].label = "other";
  EXPECT_EQ(key_of(renamed), key_of(base));
}

}  // namespace
}  // namespace outrider
