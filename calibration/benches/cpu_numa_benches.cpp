// Threads on one node's processors over pages that another node's were the first to touch.
#include "calibration/benches/cpu_numa_benches.h"

#include <stdexcept>

#include "kernels/cpu/numa.h"
#include "kernels/cpu/pages.h"
#include "kernels/cpu/stream.h"

namespace outrider {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 30, kChunk = std::size_t{1} << 20;
constexpr std::size_t kWords = kChunk / sizeof(std::uint64_t);

class NumaExperiment final : public Experiment {
 public:
  NumaExperiment(std::vector<int> cores, const std::vector<int>& near_memory, bool reads)
      : cores_(std::move(cores)), reads_(reads), memory_(huge_pages(kBytes)), sums_(kBytes / kChunk) {
    if (memory_ == nullptr) throw std::runtime_error("no memory for reading by NUMA node");
    each_chunk(near_memory, [this](std::size_t chunk) { write_stream(words(chunk), kWords, chunk); });
  }

  Trial trial() override {
    const double seconds = each_chunk(cores_, [this](std::size_t chunk) {
      if (reads_) {
        sums_[chunk] = read_stream(words(chunk), kWords);
      } else {
        write_stream(words(chunk), kWords, chunk);
      }
    });
    return {seconds, false};
  }

 private:
  std::uint64_t* words(std::size_t chunk) const { return static_cast<std::uint64_t*>(memory_.get()) + chunk * kWords; }

  // Dealt out in turn to the processors.
  double each_chunk(const std::vector<int>& processors, const std::function<void(std::size_t)>& work) const {
    return run_on(processors, [&](std::size_t i) {
      for (std::size_t chunk = i; chunk < sums_.size(); chunk += processors.size()) work(chunk);
    });
  }

  std::vector<int> cores_;
  bool reads_;
  Pages memory_;
  std::vector<std::uint64_t> sums_;
};

}  // namespace

std::vector<Microbench> cpu_numa_benches(const std::vector<std::vector<int>>& nodes) {
  std::vector<Microbench> list;
  for (const bool reads : {true, false}) {
    const char* const family = reads ? "dram_read_numa" : "dram_write_numa";
    if (nodes.size() < 2) {
      Microbench waived;
      waived.family = family;
      waived.waived = "there is one NUMA node";
      list.push_back(std::move(waived));
      continue;
    }
    for (std::size_t of_cores = 0; of_cores < nodes.size(); ++of_cores) {
      for (std::size_t of_memory = 0; of_memory < nodes.size(); ++of_memory) {
        Microbench bench;
        bench.family = family;
        bench.shape = {{"cores_of", static_cast<double>(of_cores + 1)},
                       {"memory_of", static_cast<double>(of_memory + 1)},
                       {"threads", static_cast<double>(nodes[of_cores].size())},
                       {"bytes", static_cast<double>(kBytes)}};
        bench.prepare = [=] { return std::make_unique<NumaExperiment>(nodes[of_cores], nodes[of_memory], reads); };
        list.push_back(std::move(bench));
      }
    }
  }
  return list;
}

}  // namespace outrider
