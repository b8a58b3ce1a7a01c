// Reading of /proc and /sys.
#include "calibration/benches/this_host.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "calibration/benches/gpu_probe.h"
#include "kernels/cpu/thread_pool.h"

namespace outrider {
namespace {

constexpr const char* kTelling[] = {"avx2", "fma", "avx512f", "avx512bw", "avx512_bf16", "amx_tile", "amx_bf16"};

// The value behind "key : " of the first such line.
std::string cpu_info(const std::string& key) {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

std::string telling_flags() {
  std::stringstream words(cpu_info("flags"));
  std::string result;
  for (std::string word; words >> word;) {
    for (const char* telling : kTelling) {
      if (word == telling) result += (result.empty() ? "" : " ") + word;
    }
  }
  return result;
}

int count_numa_nodes() {
  namespace fs = std::filesystem;
  int nodes = 0;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator("/sys/devices/system/node", failed)) {
    const std::string name = entry.path().filename().string();
    if (name.compare(0, 4, "node") == 0 && name.find_first_not_of("0123456789", 4) == std::string::npos) ++nodes;
  }
  return nodes > 0 ? nodes : 1;
}

}  // namespace

HostFacts host_facts() {
  HostFacts facts;
  facts.cpu = cpu_info("model name");
  facts.cpu_flags = telling_flags();
  facts.processors = static_cast<int>(usable_processors().size());
  facts.numa_nodes = count_numa_nodes();
  facts.memory_bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  const GpuFacts gpu = gpu_facts();
  facts.gpu = gpu.name;
  facts.driver = gpu.driver;
  facts.clocks = gpu.clocks;
  return facts;
}

}  // namespace outrider
