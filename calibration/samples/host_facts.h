// What a host is, as far as it tells.
#pragma once

#include <string>

namespace outrider {

struct HostFacts {
  std::string cpu;        // model name
  std::string cpu_flags;  // those that decide which kernels run
  int processors = 1;     // that this process may use
  int numa_nodes = 1;
  double memory_bytes = 0.0;
  std::string gpu, driver;  // empty without a GPU, or in a build without CUDA
  std::string clocks;       // of the GPU, as found
};

}  // namespace outrider
