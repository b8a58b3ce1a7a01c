// CPU kernels: chunks, caps, fork and join.
#include "hwmodels/cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr double kChunksPerWorker = 4.0;  // finer chunks than this only add events
constexpr double kTokensPerItem = 64.0;   // a context is split among workers down to this

// What `workers` read, of whom `measured` many read at `rate` and one alone at `core`, as far as DRAM goes: a byte
// takes a worker some time of its own and some that all share, 1 / rate = own / workers + shared. (On 13 hosts with
// H200s, reads by 2 to 8 threads follow from those of 1 and 16 within 17 %, half of them within 5 %.)
double reads_of(double workers, double core, double rate, double measured, double dram_rate) {
  const bool shares = measured > 1.0 && core < rate && rate < measured * core;
  if (!shares) return std::min({workers * core, rate * std::max(1.0, workers / measured), dram_rate});
  const double own = (1.0 / core - 1.0 / rate) * measured / (measured - 1.0), shared = 1.0 / core - own;
  return std::min(1.0 / (own / workers + shared), dram_rate);
}

double chunks_of(double items, double workers) {
  if (items < workers) return std::max(1.0, std::ceil(items));
  return workers * std::min(kChunksPerWorker, std::floor(items / workers));
}

}  // namespace

CpuModel::CpuModel(const MachineSpec& machine, const Profile& profile, Platform& platform)
    : cpu_(machine.cpu),
      gpus_(machine.gpu_count),
      workers_(std::max(1.0, static_cast<double>(cpu_.cores - gpus_))),
      dram_rate_(cpu_.dram_bandwidth.value() * profile.value("cpu.dram_efficiency")),
      stream_efficiency_(profile.value("cpu.stream_dram_efficiency")),
      adam_efficiency_(profile.value("cpu.adam_dram_efficiency")),
      gather_piece_(profile.value("cpu.gather_piece")),
      core_flops_(cpu_.clock.value() * cpu_.flops_per_cycle_bf16 * profile.value("cpu.arithmetic_efficiency")) {
  const CpuSpec& cpu = cpu_;
  const bool reads_known = cpu.dram_measured > BytesPerSecond(0.0);
  const bool attention_known = cpu.attention_measured > BytesPerSecond(0.0);
  const double measured_cores = static_cast<double>(cpu.measured_cores), core = cpu.core_bandwidth.value();
  const double attention = attention_known  // as the cores compute it, as far as DRAM goes
                               ? std::min(cpu.attention_measured.value() * workers_ / measured_cores, dram_rate_)
                               : 0.0;
  read_rate_ = reads_known ? reads_of(workers_, core, cpu.dram_measured.value(), measured_cores, dram_rate_)
                           : reads_of(workers_, core, dram_rate_, static_cast<double>(cpu.cores), dram_rate_);
  read_rate_ = std::max(read_rate_, attention);
  attention_efficiency_ = attention_known ? attention / read_rate_ : profile.value("cpu.attention_dram_efficiency");
  h2d_cost_ = profile.value("cpu.h2d_read_cost") / read_rate_;
  d2h_cost_ = profile.value("cpu.d2h_read_cost") / read_rate_;
  fork_join_ = ceil_to_ticks(
      Seconds(profile.value("cpu.fork_join") + std::log2(workers_) * profile.value("cpu.fork_join_per_doubling")));
  attention_latency_ = profile.value("cpu.attention_latency");
  attention_part_ = profile.value("cpu.attention_part");
  attention_token_ = profile.value("cpu.attention_token");
  hash_bucket_ = profile.value("cpu.hash_bucket");
  hash_token_ = profile.value("cpu.hash_token");
  const auto add = [&](const char* name, const char* unit, double capacity) {
    platform.resources.push_back({name, unit, capacity});
    return ResourceId(platform.resources.size() - 1);
  };
  dram_ = add("DRAM", "B/s", dram_rate_);
  reads_ = add("CPU reads", "s/s", 1.0);
  arithmetic_ = add("CPU arithmetic", "FLOP/s", workers_ * core_flops_);
  if (cpu.sockets > 1 && cpu.inter_socket > BytesPerSecond(0.0)) {
    inter_socket_ = {.share = static_cast<double>(cpu.sockets - 1) / static_cast<double>(cpu.sockets),
                     .inward = add("inter-socket in", "B/s", cpu.inter_socket.value()),
                     .outward = add("inter-socket out", "B/s", cpu.inter_socket.value())};
  }
  pool_ = PoolId(platform.pools.size());
  platform.pools.push_back({"CPU cores", static_cast<std::int64_t>(workers_)});
}

InterSocket CpuModel::inter_socket(std::int64_t gpu) const {
  const bool on_first = gpu * cpu_.sockets / gpus_ == 0;
  return on_first ? inter_socket_ : InterSocket{inter_socket_.share, inter_socket_.outward, inter_socket_.inward};
}

Demand CpuModel::parallel_for(const Work& work) const {
  Demand demand;
  demand.latency = fork_join_;
  if (work.bytes <= 0.0 && work.flops <= 0.0) return demand;
  const double chunks = chunks_of(work.items, workers_);
  const double bytes = work.bytes / chunks, flops = work.flops / chunks;
  const double reading = bytes / cpu_.core_bandwidth.value(), computing = flops / core_flops_;
  demand.units = static_cast<std::int64_t>(chunks);
  demand.pool = pool_;
  demand.rate_cap = 1.0 / (reading + computing + work.beginning / chunks);
  demand.capped_by = computing > reading ? arithmetic_ : reads_;
  // What all workers get of DRAM they get beside others too, however much faster a core alone could read.
  const double of_all = workers_ * bytes / (work.efficiency * read_rate_);
  demand.weight = std::min(demand.rate_cap, of_all > 0.0 ? 1.0 / of_all : demand.rate_cap);
  use_memory(demand, bytes);
  demand.use(reads_, bytes / (work.efficiency * read_rate_));
  demand.use(arithmetic_, flops);
  return demand;
}

// Of the bytes read, 8 are a bucket's bounds and 4 each token's number, of which there are as many as FLOPs.
Demand CpuModel::look_up_hashes(const StreamShape& shape) const {
  constexpr double kBoundsBytes = 8.0, kIdBytes = 4.0;
  Demand demand;
  demand.latency = fork_join_;
  const double tokens = shape.flops.value(), buckets = (shape.read.value() - kIdBytes * tokens) / kBoundsBytes;
  if (buckets <= 0.0) return demand;
  const double chunks = chunks_of(shape.items, workers_);
  demand.units = static_cast<std::int64_t>(chunks);
  demand.pool = pool_;
  demand.rate_cap = chunks / (buckets * hash_bucket_ + tokens * hash_token_);
  use_memory(demand, shape.read.value() / chunks);
  return demand;
}

Demand CpuModel::by_host(double bytes) const {
  Demand demand;
  if (bytes <= 0.0) return demand;
  demand.units = 1;
  demand.rate_cap = stream_efficiency_ * cpu_.core_bandwidth.value() / bytes;
  use_memory(demand, bytes);
  return demand;
}

void CpuModel::use_memory(Demand& demand, double bytes) const {
  demand.use(dram_, bytes);
  if (inter_socket_.share <= 0.0) return;
  demand.use(inter_socket_.inward, 0.5 * inter_socket_.share * bytes);
  demand.use(inter_socket_.outward, 0.5 * inter_socket_.share * bytes);
}

// Nearly as kernels/cpu/attention_batch.cpp plans them, which rounds to whole blocks: of `heads` contexts of so many
// tokens each, the splits with which the last worker is done earliest, where starting a part takes as long as 64
// tokens.
double CpuModel::parts_of_a_worker(double heads, double tokens) const {
  constexpr double kMostParts = 16.0, kLeastTokens = 64.0, kStart = 64.0;
  double best = 0.0, least = std::numeric_limits<double>::infinity();
  for (double splits = 1.0, rounds = 0.0; rounds < kMostParts; ++splits) {
    const double each = std::max(tokens / splits, kLeastTokens);
    rounds = std::ceil(heads * std::ceil(tokens / each) / workers_);
    const double time = rounds * (each + kStart);
    if (time < least) {
      least = time;
      best = rounds;
    }
    if (each <= kLeastTokens) break;
  }
  return best;
}

Demand CpuModel::demand(const Op& op) const {
  if (const auto* shape = std::get_if<AttentionShape>(&op.shape)) {
    const double kv_heads = static_cast<double>(shape->kv_heads);
    const bool measured = cpu_.attention_measured > BytesPerSecond(0.0);  // with the arithmetic in it
    Demand demand = parallel_for(
        {.items = kv_heads * std::max(static_cast<double>(shape->sequences), shape->tokens / kTokensPerItem),
         .bytes = shape->kv_bytes().value(),
         .flops = measured ? 0.0
                           : 2.0 * shape->tokens * static_cast<double>(shape->q_heads) *
                                 static_cast<double>(shape->head_dim + shape->value_width()),
         .beginning = shape->block_tokens == 1 ? shape->tokens * kv_heads * attention_token_ : 0.0,
         .efficiency = attention_efficiency_});
    if (demand.units == 0) return demand;
    const double sequences = static_cast<double>(std::max<std::int64_t>(shape->sequences, 1));
    const double parts = parts_of_a_worker(sequences * kv_heads, shape->tokens / sequences);
    demand.latency += ceil_to_ticks(Seconds(attention_latency_ + parts * attention_part_));
    return demand;
  }
  const auto* shape = std::get_if<StreamShape>(&op.shape);
  CHECK(shape != nullptr, "a {} without the shape of a CPU kernel", to_string(op.family));
  const double bytes = (shape->read + shape->write).value();
  if (op.lane == lane_id(Lane::host, static_cast<int>(device_of(op.lane)))) return by_host(bytes);
  if (op.family == Family::cpu_hash_lookup) return look_up_hashes(*shape);
  return parallel_for({.items = shape->items,
                       .bytes = bytes,
                       .flops = shape->flops.value(),
                       .beginning = op.family == Family::cpu_gather ? shape->items * gather_piece_ : 0.0,
                       .efficiency = op.family == Family::cpu_adam ? adam_efficiency_ : stream_efficiency_});
}

}  // namespace outrider
