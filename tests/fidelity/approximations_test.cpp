// What must hold of every approximation: exact where its budget covers everything, more mass for more budget, and bytes
// that its budget allows.
#include <gtest/gtest.h>

#include "fidelity/approximation.h"
#include "fidelity/exact.h"
#include "fidelity/index.h"
#include "tests/fidelity/heads.h"

namespace outrider {
namespace {

struct Judged {
  double error = 0.0, mass = 0.0, bytes = 0.0;  // means over steps; bytes without the index's
  double tokens = 0.0;
};

struct Case {
  Head head = small_head();
  std::vector<ExactStep> exact = exact_attention(head);
};
const Case& the_case() {
  static const Case made;
  return made;
}

Judged judge(const ApproximationEntry& entry, std::int64_t budget, const std::map<std::string, ParamValue>& set = {}) {
  const auto& [head, exact] = the_case();
  const Params params = resolve_params(entry.info, entry.info.presets.front().name, set);
  const auto approximation =
      entry.make({.head = head, .params = params, .path = CpuPath::scalar, .stream = RandomStream(11)});
  approximation->start(budget);
  Judged judged;
  const double share = 1.0 / static_cast<double>(exact.size());
  for (std::size_t step = 0; step < exact.size(); ++step) {
    const Attended attended = approximation->attend(step);
    judged.error += share * relative_error(head, exact[step], attended.output);
    judged.mass += share * covered_mass(head, exact[step], attended.tokens);
    judged.bytes += share * (attended.bytes.kv + attended.bytes.state);
    judged.tokens += share * static_cast<double>(attended.tokens.front().size());
  }
  return judged;
}

class EveryApproximation : public testing::TestWithParam<std::string> {
 protected:
  const ApproximationEntry& entry() const { return *approximation_named(GetParam()); }
};

// Keys of full rank and codes of 8 bits: what is left is rounding, of INT8 for these.
TEST_P(EveryApproximation, IsExactWhereItsBudgetCoversEverything) {
  std::map<std::string, ParamValue> set;
  if (GetParam() == "shadowkv") set["key_rank"] = std::int64_t{64};
  if (GetParam() == "turbo") set = {{"bits", std::int64_t{8}}, {"threshold", -1000.0}};
  const Judged all = judge(entry(), the_case().head.tokens, set);
  EXPECT_LT(all.error, GetParam() == "turbo" ? 0.1 : GetParam() == "shadowkv" ? 5e-3 : 1e-5);
  EXPECT_NEAR(all.mass, 1.0, 1e-5);
}

TEST_P(EveryApproximation, CoversMoreMassWithMoreBudget) {
  if (!entry().budgeted) GTEST_SKIP() << "reads every token";
  const double sampling = GetParam() == "magicpig" ? 0.02 : 1e-6;
  double before = 0.0;
  for (const std::int64_t budget : {128, 256, 512, 768}) {
    const Judged judged = judge(entry(), budget, {});
    EXPECT_GE(judged.mass, before - sampling) << budget;
    EXPECT_GT(judged.mass, 0.1) << budget;
    before = judged.mass;
  }
  EXPECT_LT(judge(entry(), 768).error, judge(entry(), 128).error);
}

// A budget is in tokens of K and V, but for what stands below; chunks of ShadowKV that are always attended count too.
TEST_P(EveryApproximation, ReadsWhatItsBudgetAllows) {
  if (!entry().budgeted) GTEST_SKIP() << "reads every token";
  const Head& head = the_case().head;
  const double token = 2.0 * static_cast<double>(head.head_dim) * kElementBytes;
  const double slack = GetParam() == "magicpig" ? 1.15 : 1.0;  // hits are drawn
  EXPECT_LE(judge(entry(), 512).bytes, slack * 512.0 * token);
  EXPECT_GE(judge(entry(), 512).bytes, 0.6 * 512.0 * token) << "and not much less";
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const ApproximationEntry& entry : approximations()) result.push_back(entry.info.name);
  return result;
}
INSTANTIATE_TEST_SUITE_P(Fidelity, EveryApproximation, testing::ValuesIn(names()),
                         [](const auto& one) { return one.param; });

TEST(TopK, CoversTheMostMassOfAll) {
  const double most = judge(*approximation_named("top_k"), 128).mass;
  for (const ApproximationEntry& entry : approximations()) {
    if (!entry.budgeted || entry.info.name == "magicpig" || entry.info.name == "shadowkv") continue;
    EXPECT_LE(judge(entry, 128).mass, most + 1e-6) << entry.info.name;
  }
}

TEST(Turbo, ErrsMoreWithFewerBits) {
  double before = 0.0;
  for (const std::int64_t bits : {8, 4, 3, 2}) {
    const double error = judge(*approximation_named("turbo"), 0, {{"bits", bits}, {"threshold", -1000.0}}).error;
    EXPECT_GT(error, 1.2 * before) << bits;
    before = error;
  }
}

TEST(Scout, ErrsMoreTheWorseItsPrediction) {
  const ApproximationEntry& scout = *approximation_named("scout");
  const auto error = [&](double cosine) {
    return judge(scout, 128, {{"cosine", cosine}, {"block_tokens", std::int64_t{4}}}).error;
  };
  EXPECT_LT(error(1.0), error(0.9));
  EXPECT_LT(error(0.9), error(0.5));
}

// With the query as it is, ScoutAttention attends the blocks that Quest would of its size, wherever they lie.
TEST(Scout, WithExactPredictionIsBlockSelection) {
  const Judged scout = judge(*approximation_named("scout"), 256, {{"cosine", 1.0}});
  const Judged blocks = judge(*approximation_named("arkvale"), 256);
  EXPECT_NEAR(scout.error, blocks.error, 1e-5);
  EXPECT_NEAR(scout.mass, blocks.mass, 1e-6);
}

TEST(Scout, DroppingWhatIsNotResidentCostsMass) {
  const ApproximationEntry& scout = *approximation_named("scout");
  const auto mass = [&](const char* misses) {
    return judge(scout, 128,
                 {{"misses", std::string(misses)},
                  {"cosine", 0.5},
                  {"lasting_error", false},
                  {"block_tokens", std::int64_t{4}}})
        .mass;
  };
  EXPECT_LT(mass("drop"), mass("cpu_attend"));
}

// 1024 tokens of 64 channels in bf16.
TEST(Index, ReadsTheBytesOfItsFormula) {
  const Head& head = the_case().head;
  EXPECT_EQ(key_index(head)->bytes_read(), 1024.0 * 64.0 * 2.0);
  EXPECT_EQ(digest_index(head, 32, CpuPath::scalar)->bytes_read(), 32.0 * 2.0 * 64.0 * 2.0);
  EXPECT_EQ(mean_index(head, 8)->bytes_read(), 128.0 * 64.0 * 2.0);
  EXPECT_EQ(pq_index(head, {.parts = 2, .bits = 6}, RandomStream(1))->bytes_read(), 1024.0 * 2.0 * 6.0 / 8.0);
  // ⌈0.05 · 1024⌉ entries of 6 bytes in 8 lists for each of 2 query heads, and 64 centroids of 64 channels.
  EXPECT_EQ(list_index(head, {}, RandomStream(1))->bytes_read(), 2.0 * 8.0 * 52.0 * 6.0 + 64.0 * 64.0 * 2.0);
}

TEST(Index, KeysScoreTheMassOfTheGroup) {
  const auto& [head, exact] = the_case();
  const std::vector<float> scores = key_index(head)->scores(head.query(0));
  for (std::size_t i = 0; i < scores.size(); ++i)
    EXPECT_NEAR(scores[i], exact[0].probabilities[i] + exact[0].probabilities[1024 + i], 1e-5);
}

}  // namespace
}  // namespace outrider
