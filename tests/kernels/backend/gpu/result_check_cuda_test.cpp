// Results of attention that GPU and CPU share, on a GPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/backend/device.h"
#include "kernels/backend/result_check.h"

namespace outrider {
namespace {

using ::testing::StartsWith;

class ResultCheckCuda : public testing::Test {
 protected:
  void SetUp() override {
    if (!missing_device().empty()) GTEST_SKIP() << missing_device();
  }

  static std::vector<ResultCheck> with_gpu(const ResultShape& shape) {
    ThreadPool pool;
    std::vector<ResultCheck> checks = check_results(shape, pool);
    std::erase_if(checks, [](const ResultCheck& each) { return !each.kernels.starts_with("GPU and CPU"); });
    return checks;
  }
};

TEST_F(ResultCheckCuda, PartsOfGpuAndCpuMergeToAttentionInOnePiece) {
  for (const ResultShape& shape :
       {ResultShape{.q_heads = 40, .kv_heads = 8, .head_dim = 128, .blocks = 256, .selected = 64, .offloaded = 9},
        ResultShape{.q_heads = 16, .kv_heads = 1, .head_dim = 128, .blocks = 33, .selected = 7, .offloaded = 6},
        ResultShape{.q_heads = 4, .kv_heads = 2, .head_dim = 128, .blocks = 512, .selected = 512, .offloaded = 512}}) {
    const std::vector<ResultCheck> checks = with_gpu(shape);
    EXPECT_EQ(checks.size(), 4U);
    for (const ResultCheck& each : checks)
      EXPECT_TRUE(each.passes()) << shape.blocks << " blocks, " << each.what << ": " << each.error << " of "
                                 << each.bound << " " << each.wrong;
  }
}

TEST_F(ResultCheckCuda, AMergeByTheGpuThatForgetsTheWeightsFails) {
  class Forgetful final : public AttentionKernels {
   public:
    explicit Forgetful(std::unique_ptr<AttentionKernels> right) : right_(std::move(right)) {}
    std::string name() const override { return right_->name(); }
    double attend_bound() const override { return right_->attend_bound(); }
    double merge_bound() const override { return right_->merge_bound(); }
    BlockLists select(std::int64_t k) override { return right_->select(k); }
    PartialResult attend(const BlockLists& blocks) override { return right_->attend(blocks); }
    PartialResult merge(const PartialResult& first, const PartialResult& second) override {
      return right_->merge(first, {second.output, first.lse});
    }

   private:
    std::unique_ptr<AttentionKernels> right_;
  };
  ThreadPool pool;
  const KernelMaker cpu = [&](const AttentionProblem& problem) { return make_cpu_kernels(problem, pool); };
  const KernelMaker gpu = [](const AttentionProblem& problem) {
    return std::make_unique<Forgetful>(make_gpu_kernels(problem));
  };
  const std::vector<ResultCheck> checks = check_results(
      {.q_heads = 8, .kv_heads = 2, .head_dim = 128, .blocks = 40, .selected = 16, .offloaded = 5}, gpu, cpu, pool);
  ASSERT_EQ(checks.size(), 4U);
  EXPECT_THAT(checks[0].kernels, StartsWith("GPU and CPU"));
  EXPECT_TRUE(checks[0].passes());
  EXPECT_FALSE(checks[1].passes());
  EXPECT_TRUE(checks[2].passes());
  EXPECT_FALSE(checks[3].passes());
}

}  // namespace
}  // namespace outrider
