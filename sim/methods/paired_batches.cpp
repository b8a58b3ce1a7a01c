// The pipeline of two sub-batches, and who is in which.
#include "sim/methods/paired_batches.h"

#include <cmath>

namespace outrider {

PairedBatches::PairedBatches(const MethodPoint& point, const Shares& shares)
    : DecodeMethod(point), shares_(emit_.offloaded_layers().empty() ? Shares{} : shares) {}

std::vector<PairedBatches::SubBatch> PairedBatches::sub_batches() const {
  constexpr double kWhole = 1e-9;  // a share of the batch may be a whole number but for rounding
  const auto in_dram = static_cast<std::int64_t>(std::ceil(shares_.cpu * batch() - kWhole));
  const auto first_ones = static_cast<std::int64_t>(shares_.first * static_cast<double>(in_dram) + kWhole);
  const SubBatch first{.in_hbm = point_.batch - in_dram, .in_dram = first_ones};
  const SubBatch second{.in_dram = in_dram - first.in_dram};
  if (second.in_dram == 0) return {first};
  if (first.rows() == 0.0) return {second};
  return {first, second};
}

TaskGraph PairedBatches::decode_step(std::int64_t step) {
  const std::vector<SubBatch> parts = sub_batches();
  emit_.begin(batch());
  std::vector<OpId> attended(parts.size());
  const OpId embedded = emit_.open_step();
  for (int layer = 0; layer < layers(); ++layer) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      emit_.rows(parts[i].rows());
      const OpId x = layer == 0 ? embedded : emit_.finish(layer - 1, attended[i]);
      attended[i] = attend(parts[i], layer, step, emit_.project(layer, emit_.normalise(layer, x)));
    }
    note_attended(layer, step, parts);
  }
  OpId last;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    emit_.rows(parts[i].rows());
    const OpId done = emit_.finish(layers() - 1, attended[i]);
    last = last.valid() ? emit_.join(layers() - 1, {last, done}) : done;
  }
  emit_.rows(batch());
  note_step();
  return emit_.close_step(last, batch());
}

OpId PairedBatches::attend(const SubBatch& part, int layer, std::int64_t step, OpId q) {
  if (!emit_.offloads(layer)) return emit_.attend_resident(layer, point_.context + step, q);
  OpId on_gpu, from_cpu;
  if (part.in_dram > 0) from_cpu = attend_on_cpu(layer, step, static_cast<double>(part.in_dram), q);
  if (part.in_hbm > 0) {
    const AttentionShape shape = dense_attention(layer, step, static_cast<double>(part.in_hbm));
    on_gpu = emit_.kernel(Family::attend_dense, shape, layer, {q});
  }
  if (!from_cpu.valid()) return on_gpu;
  return on_gpu.valid() ? emit_.join(layer, {on_gpu, from_cpu}) : from_cpu;
}

void PairedBatches::note_attended(int layer, std::int64_t step, const std::vector<SubBatch>& parts) {
  if (!emit_.offloads(layer)) return;
  double on_cpu = 0.0;
  for (const SubBatch& part : parts) on_cpu += static_cast<double>(part.in_dram);
  note_cpu_tokens(on_cpu * context_at(step), batch() * context_at(step));
}

// As long as no batch is known, DRAM keeps room for the one sequence that rounding may add.
std::vector<MemoryUse> PairedBatches::cache_memory() const {
  using Tier = MemoryUse::Tier;
  if (!offloads()) return {{"KV cache", Tier::hbm, Bytes(0.0), kv_of_all_layers()}};
  const Bytes each = kv_of_offloaded_layers();
  if (shares_.cpu == 1.0) return {{"KV cache", Tier::dram, Bytes(0.0), each}};
  return {{"KV of requests on the GPU", Tier::hbm, Bytes(0.0), (1.0 - shares_.cpu) * each},
          {"KV of requests on the CPU", Tier::dram, each, shares_.cpu * each}};
}

}  // namespace outrider
