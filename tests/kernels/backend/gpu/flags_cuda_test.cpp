// A stream that waits for a flag goes on once it is raised, on a stream and in a graph, and raises one of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "kernels/cuda/flags.h"
#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

class FlagsCuda : public testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = device_info().missing;
    if (!missing.empty()) GTEST_SKIP() << missing;
    memory_ = std::make_unique<CudaMemory>(CudaMemory::Where::host, 4096);
    data_ = std::make_unique<CudaMemory>(CudaMemory::Where::device, 4096);
    *asked() = *answered() = *value() = *result() = 0;
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    queue();  // loads the kernels
    raise();
    check_cuda(cudaStreamSynchronize(stream_));
    *asked() = *answered() = *value() = *result() = 0;
  }
  void TearDown() override {
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }

  std::uint32_t* word(int i) const { return memory_->as<std::uint32_t>() + 64 * i; }
  std::uint32_t* asked() const { return word(0); }
  std::uint32_t* answered() const { return word(1); }
  std::uint32_t* value() const { return word(2); }
  std::uint32_t* result() const { return word(3); }
  void raise() const { std::atomic_ref(*asked()).store(1, std::memory_order_release); }
  bool is_answered() const { return std::atomic_ref(*answered()).load(std::memory_order_acquire) != 0; }

  // Once asked, what the host wrote before goes to the GPU and back.
  void queue() const {
    check_cuda(launch_await(asked(), stream_));
    check_cuda(cudaMemcpyAsync(data_->as(), value(), 4, cudaMemcpyHostToDevice, stream_));
    check_cuda(cudaMemcpyAsync(result(), data_->as(), 4, cudaMemcpyDeviceToHost, stream_));
    check_cuda(launch_raise(answered(), stream_));
  }

  void expect_answer_after_asking(std::uint32_t number) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_FALSE(is_answered());
    *value() = number;
    raise();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!is_answered() && std::chrono::steady_clock::now() < until) {}
    ASSERT_TRUE(is_answered());
    EXPECT_EQ(*result(), number);
    check_cuda(cudaStreamSynchronize(stream_));
    *asked() = *answered() = 0;
  }

  std::unique_ptr<CudaMemory> memory_, data_;
  cudaStream_t stream_ = nullptr;
};

TEST_F(FlagsCuda, AStreamGoesOnOnceItsFlagIsRaised) {
  for (const std::uint32_t number : {7u, 8u, 9u}) {
    queue();
    expect_answer_after_asking(number);
  }
}

TEST_F(FlagsCuda, SoDoesAGraphEachTimeItIsLaunched) {
  check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  queue();
  cudaGraph_t graph = nullptr;
  check_cuda(cudaStreamEndCapture(stream_, &graph));
  cudaGraphExec_t replay = nullptr;
  check_cuda(cudaGraphInstantiate(&replay, graph, 0));
  for (const std::uint32_t number : {17u, 18u, 19u}) {
    check_cuda(cudaGraphLaunch(replay, stream_));
    expect_answer_after_asking(number);
  }
  cudaGraphExecDestroy(replay);
  cudaGraphDestroy(graph);
}

// What the architecture says a wait costs.
TEST_F(FlagsCuda, AWaitForARaisedFlagTakesAFewMicroseconds) {
  constexpr int kWaits = 200;
  raise();
  GatedStream gated;
  check_cuda(launch_nothing(gated.stream()));  // loads the kernels: behind a closed gate that would wait for ever
  check_cuda(launch_await(asked(), gated.stream()));
  check_cuda(cudaStreamSynchronize(gated.stream()));
  const auto time = [&](bool wait) {
    return gated
               .time([&](cudaStream_t stream) {
                 for (int i = 0; i < kWaits; ++i) {
                   check_cuda(launch_nothing(stream));
                   if (wait) check_cuda(launch_await(asked(), stream));
                 }
               })
               .seconds /
           kWaits * 1e6;
  };
  time(true);
  const double without = time(false), with = time(true);
  std::printf("a wait takes %.2f us, a kernel %.2f us\n", with - without, without);
  EXPECT_LT(with - without, 10.0);
}

}  // namespace
}  // namespace outrider
