// Results of attention, checked by right kernels and by ones that are wrong in one way each.
#include "kernels/backend/result_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace outrider {
namespace {

using ::testing::HasSubstr;

constexpr ResultShape kShape{
    .q_heads = 8, .kv_heads = 2, .head_dim = 128, .blocks = 40, .selected = 16, .offloaded = 5};

// The CPU's kernels, with mistakes that tests plant.
class Faulty : public AttentionKernels {
 public:
  using Fault = void (*)(PartialResult& first, PartialResult& second);
  using Selecting = void (*)(BlockLists& lists);

  explicit Faulty(std::unique_ptr<AttentionKernels> right) : right_(std::move(right)) {}
  std::string name() const override { return right_->name(); }
  double attend_bound() const override { return right_->attend_bound(); }
  double merge_bound() const override { return right_->merge_bound(); }

  BlockLists select(std::int64_t k) override {
    BlockLists lists = right_->select(k);
    if (selecting != nullptr) selecting(lists);
    return lists;
  }
  PartialResult attend(const BlockLists& blocks) override {
    BlockLists attended = blocks;
    for (auto& list : attended) list.resize(list.size() - std::min(list.size(), lost_blocks));
    PartialResult result = right_->attend(attended);
    if (attending != nullptr) attending(result, result);
    return result;
  }
  PartialResult merge(const PartialResult& first, const PartialResult& second) override {
    PartialResult a = first, b = second;
    if (merging != nullptr) merging(a, b);
    return right_->merge(a, b);
  }

  Fault attending = nullptr, merging = nullptr;
  Selecting selecting = nullptr;
  std::size_t lost_blocks = 0;  // by attend()

 private:
  std::unique_ptr<AttentionKernels> right_;
};

class ResultCheckTest : public testing::Test {
 protected:
  // What does not pass with these faults.
  std::vector<ResultCheck> failing(Faulty::Fault attending, Faulty::Fault merging, Faulty::Selecting selecting,
                                   const ResultShape& shape = kShape) {
    const KernelMaker right = [&](const AttentionProblem& problem) { return make_cpu_kernels(problem, pool_); };
    const KernelMaker faulty = [&](const AttentionProblem& problem) {
      auto kernels = std::make_unique<Faulty>(right(problem));
      kernels->attending = attending;
      kernels->merging = merging;
      kernels->selecting = selecting;
      return kernels;
    };
    std::vector<ResultCheck> checks = check_results(shape, faulty, right, pool_);
    std::erase_if(checks, [](const ResultCheck& each) { return each.passes(); });
    return checks;
  }

  static std::vector<std::string> names(const std::vector<ResultCheck>& checks) {
    std::vector<std::string> found;
    for (const ResultCheck& each : checks) found.push_back(each.what);
    return found;
  }

  ThreadPool pool_{{.threads = 1}};
};

TEST_F(ResultCheckTest, TheCpusKernelsPassEveryCheckWithinTheirBounds) {
  const std::vector<ResultCheck> checks = check_results(kShape, pool_);
  ASSERT_GE(checks.size(), 4U);
  EXPECT_EQ(checks[0].what, "dense");
  EXPECT_EQ(checks[1].what, "all blocks selected");
  EXPECT_EQ(checks[2].what, "selection");
  EXPECT_EQ(checks[3].what, "parts merged");
  for (const ResultCheck& each : checks) {
    EXPECT_TRUE(each.passes()) << each.kernels << ", " << each.what << ": " << each.error << " of " << each.bound;
    EXPECT_GT(each.error, 0.0) << "two ways to compute it round differently";
    EXPECT_LT(each.bound, 0.06) << "no wide bound";
  }
}

TEST_F(ResultCheckTest, EveryShapePasses) {
  for (const ResultShape& shape :
       {ResultShape{.q_heads = 5, .kv_heads = 5, .head_dim = 64, .blocks = 9, .selected = 9, .offloaded = 9},
        ResultShape{.q_heads = 4, .kv_heads = 1, .head_dim = 128, .blocks = 1, .selected = 1, .offloaded = 0},
        ResultShape{.q_heads = 16, .kv_heads = 2, .head_dim = 80, .blocks = 33, .selected = 7, .offloaded = 1},
        within_limit(
            {.q_heads = 2, .kv_heads = 1, .head_dim = 128, .blocks = 2000, .selected = 300, .offloaded = 100})}) {
    for (const ResultCheck& each : check_results(shape, pool_))
      EXPECT_TRUE(each.passes()) << shape.blocks << " blocks, " << each.kernels << ", " << each.what << ": "
                                 << each.error << " of " << each.bound;
  }
}

TEST(ResultShape, LongContextsAreCutInProportion) {
  const ResultShape longest =
      within_limit({.q_heads = 8, .kv_heads = 2, .head_dim = 128, .blocks = 2048, .selected = 64, .offloaded = 20});
  EXPECT_EQ(longest.blocks, 512);
  EXPECT_EQ(longest.selected, 16);
  EXPECT_EQ(longest.offloaded, 5);
  EXPECT_EQ(within_limit(kShape), kShape);
}

TEST_F(ResultCheckTest, EveryPathPassesAtTheLongestContextThatIsChecked) {
  const ResultShape shape{.q_heads = 2, .kv_heads = 1, .head_dim = 128, .blocks = 512, .selected = 64, .offloaded = 20};
  for (const CpuPath path : {CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16, CpuPath::amx_bf16}) {
    if (!can_run(path)) continue;
    const KernelMaker kernels = [&](const AttentionProblem& problem) { return make_cpu_kernels(problem, pool_, path); };
    for (const ResultCheck& each : check_results(shape, kernels, kernels, pool_))
      EXPECT_TRUE(each.passes()) << each.kernels << ", " << each.what << ": " << each.error << " of " << each.bound;
  }
}

TEST_F(ResultCheckTest, AMergeThatForgetsTheWeightsFails) {
  const auto checks = failing(
      nullptr, [](PartialResult& a, PartialResult& b) { b.lse = a.lse; }, nullptr);
  EXPECT_EQ(names(checks), (std::vector<std::string>{"all blocks selected", "parts merged"}));
}

TEST_F(ResultCheckTest, AMergeWithWeightsToTheWrongBaseFails) {
  const auto checks = failing(
      nullptr,
      [](PartialResult& a, PartialResult& b) {
        for (auto* part : {&a, &b}) {
          for (float& lse : part->lse) lse *= 1.4427f;  // log2 for ln
        }
      },
      nullptr);
  EXPECT_EQ(names(checks), (std::vector<std::string>{"all blocks selected", "parts merged"}));
}

TEST_F(ResultCheckTest, AMergeOfSwappedPartsFails) {
  const auto checks = failing(
      nullptr, [](PartialResult& a, PartialResult& b) { std::swap(a.lse, b.lse); }, nullptr);
  EXPECT_EQ(names(checks).size(), 2U);
}

TEST_F(ResultCheckTest, AttentionThatIsScaledFailsEveryComparisonWithExactArithmetic) {
  const auto checks = failing(
      [](PartialResult& a, PartialResult&) {
        for (float& value : a.output) value *= 1.02f;
      },
      nullptr, nullptr);
  EXPECT_THAT(names(checks), testing::IsSupersetOf({"dense", "selection"}));
}

TEST_F(ResultCheckTest, AttentionThatLosesOneBlockOfTheLongestContextFails) {
  const ResultShape shape{.q_heads = 2, .kv_heads = 1, .head_dim = 128, .blocks = 512, .selected = 512, .offloaded = 0};
  const KernelMaker losing = [&](const AttentionProblem& problem) {
    auto kernels = std::make_unique<Faulty>(make_cpu_kernels(problem, pool_));
    kernels->lost_blocks = 1;
    return kernels;
  };
  const std::vector<ResultCheck> checks = check_results(shape, losing, losing, pool_);
  EXPECT_EQ(checks.front().what, "dense");
  EXPECT_FALSE(checks.front().passes()) << checks.front().error << " of " << checks.front().bound;
}

TEST_F(ResultCheckTest, NotANumberFails) {
  const auto checks =
      failing([](PartialResult& a, PartialResult&) { a.output[3] = std::numeric_limits<float>::quiet_NaN(); }, nullptr,
              nullptr);
  EXPECT_EQ(names(checks).size(), 4U);
}

TEST_F(ResultCheckTest, ASelectionThatLosesABlockIsNamed) {
  const auto checks = failing(nullptr, nullptr, [](BlockLists& lists) { lists.back().pop_back(); });
  ASSERT_EQ(names(checks), (std::vector<std::string>{"all blocks selected", "selection"}));
  EXPECT_EQ(checks[0].wrong, "39 blocks selected for 40 of KV head 1");
}

TEST_F(ResultCheckTest, ASelectionThatTakesABlockTwiceIsNamed) {
  const auto checks = failing(nullptr, nullptr, [](BlockLists& lists) { lists.front()[1] = lists.front()[0]; });
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_THAT(checks[0].wrong, HasSubstr("KV head 0 are not ascending blocks"));
}

TEST_F(ResultCheckTest, AttentionInOnePieceHasNothingToMerge) {
  ResultShape whole = kShape;
  whole.offloaded = 0;
  const auto never = [](PartialResult& a, PartialResult&) { a.output[0] = 1e9f; };
  EXPECT_TRUE(failing(nullptr, never, nullptr, whole).empty());
}

}  // namespace
}  // namespace outrider
