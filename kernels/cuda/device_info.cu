// What the driver says of the first GPU.
#include <cuda_runtime.h>

#include <string>

#include "kernels/cuda/trials.h"

namespace outrider {

DeviceInfo device_info() {
  DeviceInfo info;
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    info.missing =
        std::string("there is no GPU: ") + cudaGetErrorString(error == cudaSuccess ? cudaErrorNoDevice : error);
    return info;
  }
  cudaDeviceProp properties{};
  int driver = 0, runtime = 0, khz = 0;
  cudaGetDeviceProperties(&properties, 0);
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  cudaDeviceGetAttribute(&khz, cudaDevAttrClockRate, 0);
  const auto version = [](int number) {
    return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
  };
  info.name = properties.name;
  info.driver = "driver for CUDA " + version(driver) + ", runtime " + version(runtime);
  info.clocks = "up to " + std::to_string(khz / 1000) + " MHz, as found";
  return info;
}

}  // namespace outrider
