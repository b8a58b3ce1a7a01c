// CPU kernels: chunks, caps, fork and join.
#include "hwmodels/cpu.h"

#include <algorithm>
#include <cmath>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr double kChunksPerCore = 4.0;  // finer chunks than this only add events

double dram_rate_of(const CpuSpec& cpu, const Profile& profile) {
  return cpu.dram_bandwidth.value() * profile.value("cpu.dram_efficiency");
}

// A rate measured on some of the cores, on all of them: in proportion, as far as DRAM goes.
double on_all_cores(const CpuSpec& cpu, BytesPerSecond measured, double dram_rate) {
  return std::min(measured.value() * static_cast<double>(cpu.cores) / static_cast<double>(cpu.measured_cores),
                  dram_rate);
}

double read_rate_of(const CpuSpec& cpu, const Profile& profile) {
  const double dram_rate = dram_rate_of(cpu, profile);
  return cpu.dram_measured > BytesPerSecond(0.0) ? on_all_cores(cpu, cpu.dram_measured, dram_rate) : dram_rate;
}

double attention_rate_of(const CpuSpec& cpu, const Profile& profile) {
  if (cpu.attention_measured > BytesPerSecond(0.0)) {
    return on_all_cores(cpu, cpu.attention_measured, dram_rate_of(cpu, profile));
  }
  return read_rate_of(cpu, profile) * profile.value("cpu.attention_dram_efficiency");
}

}  // namespace

CpuModel::CpuModel(const CpuSpec& cpu, const Profile& profile, Platform& platform)
    : cpu_(cpu),
      cores_(std::max(1.0, static_cast<double>(cpu.cores - 1))),
      attention_rate_(attention_rate_of(cpu, profile)),
      stream_rate_(read_rate_of(cpu, profile) * profile.value("cpu.stream_dram_efficiency")) {
  const double cycles = cpu.clock.value() * profile.value("cpu.arithmetic_efficiency");
  core_flops_bf16_ = cycles * cpu.flops_per_cycle_bf16;
  fork_join_ =
      ceil_to_ticks(Seconds(profile.value("cpu.fork_join") + cores_ * profile.value("cpu.fork_join_per_thread")));
  dram_ = ResourceId(platform.resources.size());
  platform.resources.push_back({"DRAM", "B/s", dram_rate_of(cpu, profile)});
  if (cpu.sockets > 1 && cpu.inter_socket > BytesPerSecond(0.0)) {
    inter_socket_ = {.share = static_cast<double>(cpu.sockets - 1) / static_cast<double>(cpu.sockets),
                     .to_first = ResourceId(platform.resources.size()),
                     .from_first = ResourceId(platform.resources.size() + 1)};
    platform.resources.push_back({"inter-socket in", "B/s", cpu.inter_socket.value()});
    platform.resources.push_back({"inter-socket out", "B/s", cpu.inter_socket.value()});
  }
  pool_ = PoolId(platform.pools.size());
  platform.pools.push_back({"CPU cores", static_cast<std::int64_t>(cores_)});
}

Demand CpuModel::parallel_for(const Work& work) const {
  Demand demand;
  demand.latency = fork_join_;
  if (work.bytes <= 0.0 && work.flops <= 0.0) return demand;
  const double chunks = std::clamp(std::ceil(work.chunks), 1.0, kChunksPerCore * cores_);
  const double at_once = std::min(chunks, cores_);
  const double bytes = work.bytes / chunks, flops = work.flops / chunks;
  double cap = 1e15;
  if (bytes > 0.0) cap = std::min({cap, cpu_.core_bandwidth.value() / bytes, work.dram_rate / (at_once * bytes)});
  if (flops > 0.0) cap = std::min(cap, core_flops_bf16_ / flops);
  demand.units = static_cast<std::int64_t>(chunks);
  demand.pool = pool_;
  demand.rate_cap = cap;
  demand.use(dram_, bytes);
  if (inter_socket_.share > 0.0) {
    demand.use(inter_socket_.to_first, 0.5 * inter_socket_.share * bytes);
    demand.use(inter_socket_.from_first, 0.5 * inter_socket_.share * bytes);
  }
  return demand;
}

Demand CpuModel::demand(const Op& op) const {
  if (const auto* shape = std::get_if<AttentionShape>(&op.shape)) {
    const double width = static_cast<double>(shape->head_dim + shape->v_head_dim);
    const bool measured = cpu_.attention_measured > BytesPerSecond(0.0);  // with the arithmetic in it
    return parallel_for(
        {.chunks = static_cast<double>(shape->sequences * shape->kv_heads),
         .bytes = shape->tokens * static_cast<double>(shape->kv_heads) * width * bytes_of(shape->type).value(),
         .flops = measured ? 0.0
                           : 2.0 * shape->tokens * static_cast<double>(shape->q_heads) *
                                 static_cast<double>(shape->head_dim + shape->value_width()),
         .dram_rate = attention_rate_});
  }
  const auto* shape = std::get_if<StreamShape>(&op.shape);
  CHECK(shape != nullptr, "a {} without the shape of a CPU kernel", to_string(op.family));
  return parallel_for({.chunks = shape->items,
                       .bytes = (shape->read + shape->write).value(),
                       .flops = shape->flops.value(),
                       .dram_rate = stream_rate_});
}

}  // namespace outrider
