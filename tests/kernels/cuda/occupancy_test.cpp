// CTAs per SM of the kernels as they are launched: the model's answer beside the device's. OUTRIDER_RECORD names a file
// to which the device's answers are appended, for builds without a GPU.
#include "hwmodels/occupancy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <tuple>

#include "kernels/cuda/trials.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

std::vector<DeviceTrialPtr> every_kernel() {
  std::vector<DeviceTrialPtr> trials;
  trials.push_back(read_trial(1e8));
  trials.push_back(write_trial(1e8));
  trials.push_back(elementwise_trial(40960, 20480));
  trials.push_back(chain_trial());
  for (const std::int32_t group : {1, 4, 8, 16}) {
    trials.push_back(attention_trial({4, 8, group, 4096, false}));
    for (const std::int32_t bits : {8, 4, 2})
      trials.push_back(quantised_attention_trial({4, 8, group, 4096, false}, bits));
    trials.push_back(digest_score_trial({4, 8, group, 1024}));
  }
  trials.push_back(digest_build_trial(128, 8));
  for (const std::int32_t scores : {256, 4096, 65536}) trials.push_back(top_k_trial(64, scores, 64));
  trials.push_back(residency_trial(64, 64, 128));
  trials.push_back(merge_trial(256));
  for (const std::int32_t bits : {8, 4, 2}) {
    trials.push_back(quantise_trial(4096, bits, false));
    trials.push_back(quantise_trial(4096, bits, true));
  }
  trials.push_back(lookup_trial(8, 8192, 128));
  trials.push_back(features_trial(4096));
  trials.push_back(adam_trial(1000000));
  trials.push_back(gemm_trial(64, 4096, 4096));
  return trials;
}

class OccupancyOfKernels : public CudaTest {};

TEST_F(OccupancyOfKernels, EqualsTheDevicesAnswer) {
  cudaDeviceProp device{};
  ASSERT_EQ(cudaGetDeviceProperties(&device, 0), cudaSuccess);
  GpuSpec gpu;
  gpu.sms = device.multiProcessorCount;
  gpu.shared_memory_per_sm = Bytes(static_cast<double>(device.sharedMemPerMultiprocessor));
  gpu.registers_per_sm = device.regsPerMultiprocessor;
  gpu.threads_per_sm = device.maxThreadsPerMultiProcessor;
  gpu.ctas_per_sm = device.maxBlocksPerMultiProcessor;
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>> seen;
  for (const DeviceTrialPtr& trial : every_kernel()) {
    for (const KernelLaunch& each : trial->launches()) {
      seen.insert({each.threads, each.registers_per_thread, each.shared_bytes, each.ctas_per_sm});
      EXPECT_EQ(occupancy(gpu, {each.threads, each.registers_per_thread, each.shared_bytes}).ctas_per_sm,
                each.ctas_per_sm)
          << each.threads << " threads, " << each.registers_per_thread << " registers, " << each.shared_bytes
          << " bytes";
    }
  }
  EXPECT_GE(seen.size(), 15u);
  if (const char* const record = std::getenv("OUTRIDER_RECORD")) {
    std::ofstream file(record, std::ios::app);
    for (const auto& [threads, registers, shared, ctas] : seen)
      file << threads << "," << registers << "," << shared << "," << ctas << "\n";
  }
}

}  // namespace
}  // namespace outrider
