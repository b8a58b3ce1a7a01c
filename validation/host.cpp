// Timed passes over memory.
#include "validation/host.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "kernels/cpu/stream.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 30, kChunk = std::size_t{1} << 20;
constexpr int kPasses = 31;

}  // namespace

DramReads::DramReads() : memory_(huge_pages(kBytes)), sums_(kBytes / kChunk) {
  if (memory_ == nullptr) throw std::runtime_error("no memory to read DRAM's rate with");
  auto* const bytes = static_cast<char*>(memory_.get());
  pool_.parallel_for(sums_.size(), [&](std::size_t chunk, int) {
    write_stream(reinterpret_cast<std::uint64_t*>(bytes + chunk * kChunk), kChunk / sizeof(std::uint64_t), chunk);
  });
}

BytesPerSecond DramReads::rate() {
  const auto* const bytes = static_cast<const char*>(memory_.get());
  std::vector<double> rates;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto begin = std::chrono::steady_clock::now();
    pool_.parallel_for(sums_.size(), [&](std::size_t chunk, int) {
      const auto* const words = reinterpret_cast<const std::uint64_t*>(bytes + chunk * kChunk);
      sums_[chunk] = read_stream(words, kChunk / sizeof(std::uint64_t));
    });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    rates.push_back(static_cast<double>(kBytes) / took.count());
  }
  return BytesPerSecond(nearest_quantile(rates, 0.5));
}

MachineModel model_of_host(const MachineSpec& machine, const Profile& profile, const HostState& host) {
  MachineSpec here = machine;
  Profile of_here = profile;
  if (host.cpu_workers > 0) here.cpu.cores = host.cpu_workers + machine.gpu_count;
  if (host.dram_read > BytesPerSecond(0.0)) {
    here.cpu.dram_measured = host.dram_read;
    here.cpu.measured_cores = machine.cpu.cores;
    double& all = of_here.coefficients.find("cpu.dram_efficiency")->second.value;
    all = std::max(all, host.dram_read / machine.cpu.dram_bandwidth);
  }
  return MachineModel(here, of_here);
}

}  // namespace outrider
