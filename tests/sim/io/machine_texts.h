// A machine file that tests change one place at a time.
#pragma once

namespace outrider {

inline constexpr const char* kMachineText = R"(name: bench
gpu_count: 1
gpu:
  source: datasheet
  name: G1
  sms: 132
  hbm_capacity: 80 GB
  hbm_bandwidth: 3350 GB/s
  hbm_latency: {value: 600 ns, source: microbenchmark}
  l2: 50 MiB
  shared_memory_per_sm: 228 KiB
  registers_per_sm: 65536
  threads_per_sm: 2048
  ctas_per_sm: 32
  peak: {fp32: 67 TFLOP/s, bf16: 989 TFLOP/s}
link:
  name: PCIe 5 x16
  h2d: 50 GB/s
  d2h: 48 GB/s
  bidirectional: 83.4 GB/s
  zero_copy: 46 GB/s
  pageable: 6.2 GB/s
  copy_engine_h2d:
    - {fragment: 4 KiB, rate: 1.5 GB/s}
    - {fragment: 4 MiB, rate: 48 GB/s}
  zero_copy_per_cta:
    - {fragment: 2 KiB, rate: 1.1 GB/s}
cpu:
  source: lscpu
  name: C1
  sockets: 2
  cores: 64
  clock: 2.6 GHz
  flops_per_cycle_bf16: 128
  dram_bandwidth: 358.4 GB/s
  dram_capacity: 1 TB
  core_bandwidth: 12 GB/s
  inter_socket: 60 GB/s
host:
  kernel_launch: 4.2 us
  copy_launch: 2.5 us
  graph_launch: 8 us
  synchronize: 5.4 us
  pool_dispatch: 3 us
  step_overhead: 50 us
topology:
  nodes:
    - {name: gpu0, kind: gpu}
    - {name: port, kind: root_port}
    - {name: dram0, kind: dram}
  links:
    - {from: gpu0, to: port, forward: 50 GB/s, backward: 48 GB/s, both: 83.4 GB/s}
    - {from: port, to: dram0, forward: 300 GB/s, backward: 300 GB/s}
)";

}  // namespace outrider
