// A machine's hardware as datasheets and direct measurements state it; no efficiency, no fitted coefficient.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/spec/data_type.h"

namespace outrider {

struct GpuSpec {
  std::string name;
  std::int64_t sms = 0;
  Bytes hbm_capacity;
  BytesPerSecond hbm_bandwidth;
  Bytes l2;
  Bytes shared_memory_per_sm;
  std::int64_t registers_per_sm = 0;
  std::int64_t threads_per_sm = 0;
  std::int64_t ctas_per_sm = 0;
  std::array<FlopsPerSecond, kDataTypes> peak{};  // dense, by DataType; 0 where the GPU has no such unit
  Seconds hbm_latency;                            // load to use, unloaded
};

// Measured effective rate of a long row of copies of `fragment` bytes each.
struct TransferPoint {
  Bytes fragment;
  BytesPerSecond rate;
};

// The host link of one GPU (PCIe or C2C).
struct LinkSpec {
  std::string name;    // "PCIe 5 x16"
  BytesPerSecond h2d;  // sustained large-copy rate per direction
  BytesPerSecond d2h;
  BytesPerSecond bidirectional;                  // both directions at once, summed
  std::vector<TransferPoint> copy_engine_h2d;    // one cudaMemcpyAsync per fragment
  std::vector<TransferPoint> copy_engine_d2h;    // empty: as h2d
  std::vector<TransferPoint> batched_h2d;        // cuMemcpyBatchAsync; empty: not measured
  BytesPerSecond zero_copy;                      // SM loads from pinned memory, all CTAs
  std::vector<TransferPoint> zero_copy_per_cta;  // rate of one CTA by fragment size
  BytesPerSecond pageable;                       // copies from pageable memory, staged by the host thread
};

struct CpuSpec {
  std::string name;
  std::int64_t sockets = 1;
  std::int64_t cores = 0;             // all sockets, as visible to the process
  Hertz clock;                        // sustained all-core under vector load
  double flops_per_cycle_bf16 = 0.0;  // per core; fp32's where it has no bf16 instructions
  BytesPerSecond dram_bandwidth;      // all sockets, datasheet peak
  Bytes dram_capacity;
  BytesPerSecond core_bandwidth;      // one core streaming from local DRAM
  BytesPerSecond inter_socket;        // UPI / xGMI, each way; 0 on one socket
  std::int64_t measured_cores = 0;    // that took part in the two measurements below; 0: none
  BytesPerSecond dram_measured;       // those cores reading; 0: not measured
  BytesPerSecond attention_measured;  // KV bytes per second of decode attention on those cores, likewise
};

// Costs of the host thread and driver.
struct HostSpec {
  Seconds kernel_launch;  // host time per eager kernel launch
  Seconds copy_launch;    // host time per cudaMemcpyAsync call
  Seconds graph_launch;   // host time to launch a captured CUDA graph
  Seconds synchronize;    // from the last GPU op's end to the host thread running on
  Seconds pool_dispatch;  // host time to hand a parallel-for to the CPU pool
  Seconds step_overhead;  // scheduler and sampling bookkeeping per decode step
};

// A node or link of the interconnect graph. Without an explicit topology, one is made: each GPU on its own root port.
struct TopologyNode {
  std::string name;
  std::string kind;  // "gpu", "switch", "root_port", "socket", "dram"
};
struct TopologyLink {
  std::string from, to;
  BytesPerSecond forward, backward;
  BytesPerSecond both;  // cap over both directions; 0: none beyond the two
};
struct Topology {
  std::vector<TopologyNode> nodes;
  std::vector<TopologyLink> links;
};

struct MachineSpec {
  std::string name;
  std::string description;
  std::string source_file;
  std::int64_t gpu_count = 1;  // each runs its own copy of the model on its own sequences
  GpuSpec gpu;
  LinkSpec link;
  CpuSpec cpu;
  HostSpec host;
  Topology topology;
  // Dotted path of every figure → where it comes from ("unstated" where the file does not say).
  std::map<std::string, std::string> sources;

  // What each GPU's sequences may take of it.
  Bytes dram_per_gpu() const { return cpu.dram_capacity / static_cast<double>(gpu_count); }
};

}  // namespace outrider
