// Trials of one kernel, described by its memory and its launch.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/cuda/timing.h"

namespace outrider {

// `launch` is called for each of the sets, in a row, when the trial is captured. What it uses of device memory lives as
// long as the trial.
struct Prepared {
  static constexpr std::size_t kSmall = 32;  // sets of kernels whose data may stay in L2
  std::size_t sets = kSmall;
  std::function<cudaError_t(std::size_t set, cudaStream_t stream)> launch;
  std::vector<std::unique_ptr<CudaMemory>> memory;

  template <class T>
  T* room(std::size_t count) {
    memory.push_back(std::make_unique<CudaMemory>(CudaMemory::Where::device, count * sizeof(T) + 16));
    return memory.back()->as<T>();
  }
  template <class T>
  T* copy_of(const std::vector<T>& values) {
    T* const copy = room<T>(values.size());
    check_cuda(cudaMemcpy(copy, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    return copy;
  }
  __nv_bfloat16* random(std::size_t count);  // of [−1, 1)
};

// How many sets of so many bytes no cache holds.
std::size_t sets_beyond_l2(std::size_t bytes_of_set);

DeviceTrialPtr prepared_trial(Prepared kernels);

}  // namespace outrider
