// What tests of CUDA kernels share: arrays on the device, random inputs, a fixture that skips without a GPU.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <vector>

#include "sim/base/random.h"

namespace outrider {

inline constexpr float kPoison = 1e30f;
inline constexpr std::int32_t kPoisonId = 0x7badbad;
inline constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

inline void check(cudaError_t error) { ASSERT_EQ(error, cudaSuccess) << cudaGetErrorString(error); }

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& host) : size_(host.size()) {
    check(cudaMalloc(reinterpret_cast<void**>(&data_), std::max<std::size_t>(size_, 1) * sizeof(T)));
    check(cudaMemcpy(data_, host.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  DeviceArray(std::size_t size, T value) : DeviceArray(std::vector<T>(size, value)) {}
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() const { return data_; }
  std::vector<T> host() const {
    std::vector<T> copy(size_);
    check(cudaDeviceSynchronize());
    check(cudaMemcpy(copy.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return copy;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

class CudaTest : public testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU here";
  }
};

inline double real(__nv_bfloat16 value) { return static_cast<double>(__bfloat162float(value)); }

inline std::vector<__nv_bfloat16> normals(std::size_t count, RandomStream& random) {
  std::vector<__nv_bfloat16> values(count);
  for (auto& each : values) each = __float2bfloat16(static_cast<float>(random.normal()));
  return values;
}
inline std::vector<float> normal_floats(std::size_t count, RandomStream& random) {
  std::vector<float> values(count);
  for (auto& each : values) each = static_cast<float>(random.normal());
  return values;
}

// `count` different ids below `bound`, in random order.
inline std::vector<std::int32_t> shuffled(std::size_t count, std::size_t bound, RandomStream& random) {
  std::vector<std::int32_t> ids(bound);
  std::iota(ids.begin(), ids.end(), 0);
  for (std::size_t i = 0; i < count; ++i) std::swap(ids[i], ids[i + random.below(bound - i)]);
  ids.resize(count);
  return ids;
}

}  // namespace outrider
