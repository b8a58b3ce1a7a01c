// From a query to the list of a layer's missing blocks, by each kind of index, and who is told of it.
#include <algorithm>
#include <cmath>

#include "sim/methods/composed.h"

namespace outrider {
namespace {

using Index = Knobs::Index;
using Miss = Knobs::Miss;
using Cache = Knobs::Cache;

constexpr double kIdBytes = 4.0;

}  // namespace

// Query × index → best entries → which of their blocks are not in HBM.
OpId Composed::select(int layer, OpId query) {
  if (hashes()) return hash_query(layer, query);
  const Scan index = scan_of(layer);
  const OpId codes = knobs_.index == Index::pq ? codes_of(layer, query) : OpId();
  const OpId picked = choose(layer, index, score(layer, index, {query, codes}));
  const bool gpu_looks = offloads() && knobs_.cache != Cache::none && !knobs_.cpu_finds_missing;
  return gpu_looks ? find_missing(layer, static_cast<double>(selected_), picked) : picked;
}

// Signs of the query's products with random vectors, one for each bit of each table's hash, packed to a number a table.
OpId Composed::hash_query(int layer, OpId query) {
  const AttentionSpec& attention = model().layers[at(layer)].attention;
  const double rows = batch() * static_cast<double>(attention.q_heads);
  const std::int64_t bits = knobs_.hash_bits * knobs_.hash_tables;
  const GemmShape products{.rows = rows, .n = bits, .k = attention.head_dim, .type = DataType::bf16};
  const StreamShape packing{.read = rows * static_cast<double>(bits) * bytes_of(DataType::bf16),
                            .write = hash_bytes(layer),
                            .flops = Flops(0.0),
                            .items = rows,
                            .recent = true};
  return emit_.kernel(Family::activation, packing, layer, {emit_.kernel(Family::gemm, products, layer, {query})});
}

// The layer's product codes, which are copied now unless they are on their way, and those of the next one to come.
OpId Composed::codes_of(int layer, OpId query) {
  const auto copy_of = [&](int wanted) {
    OpId& codes = codes_[at(wanted)];
    if (codes.valid()) return;
    const CopyShape copy = one_copy(Direction::h2d, batch() * host_index_bytes(wanted, context_at(0)));
    note_link(copy);
    codes = emit_.copy(Family::copy_h2d, copy, wanted, {query});
  };
  copy_of(layer);
  int next = layer + 1;
  while (next < layers() && !emit_.offloads(next)) ++next;
  if (knobs_.codes_come_ahead && next < layers()) copy_of(next);
  return codes_[at(layer)];
}

// The CPU that attends is sent the query too. A kernel that reads host memory needs nobody else to know.
OpId Composed::tell(int layer, const Misses& missing, OpId picked) {
  const bool sends_query = serves_on_cpu() && !knobs_.real_cpu_query;
  const Bytes query = sends_query ? emit_.activation_bytes(head_queries(layer)) : Bytes(0.0);
  if (hashes()) return look_up_hashes(layer, send_to_host(layer, query + hash_bytes(layer), picked));
  if (knobs_.cpu_finds_missing) return look_up_on_cpu(layer, missing, query, picked);
  const bool host_copies = !gpu_fetches() && (knobs_.miss == Miss::recall || knobs_.cache == Cache::periodic);
  if (!serves_on_cpu() && !host_copies) return picked;
  return send_to_host(layer, query + Bytes(kIdBytes * static_cast<double>(missing.total)), picked);
}

// In as many copies as the host thread waits for. Where it copies, it waits for the last one then; where the CPU
// attends, it hands the pool its work, or workers poll for what comes and the host thread has no part in it.
OpId Composed::send_to_host(int layer, Bytes request, OpId picked) {
  const std::int64_t copies = std::max<std::int64_t>(1, knobs_.host_waits);
  const CopyShape part = one_copy(Direction::d2h, request / static_cast<double>(copies));
  OpId known = picked;
  for (std::int64_t i = 0; i < copies; ++i) {
    if (i > 0) known = wait_on_host(layer, known);
    note_link(part);
    known = emit_.copy(Family::copy_d2h, part, layer, {known});
  }
  if (knobs_.host_waits == 0 || !serves_on_cpu()) return known;
  return emit_.host(Family::dispatch_pool, 1.0, layer, {wait_on_host(layer, known)});
}

// What follows on the GPU is launched anew.
OpId Composed::wait_on_host(int layer, OpId copied) {
  emit_.new_segment();
  return emit_.host(Family::synchronize, 1.0, layer, {copied});
}

// The CPU has the map of what is resident; a kernel that reads host memory is sent what it found.
OpId Composed::look_up_on_cpu(int layer, const Misses& missing, Bytes query, OpId picked) {
  const Bytes chosen(kIdBytes * batch() * static_cast<double>(selected_));
  const Bytes found(kIdBytes * static_cast<double>(missing.total));
  const OpId sent = send_to_host(layer, query + chosen, picked);
  const StreamShape look{.read = 2.0 * chosen, .write = found, .flops = Flops(0.0), .items = batch()};
  const OpId looked = emit_.cpu(Family::cpu_lookup, look, layer, {sent});
  if (serves_on_cpu() || !gpu_fetches() || missing.total == 0) return looked;
  const CopyShape answer = one_copy(Direction::h2d, found);
  note_link(answer);
  return emit_.copy(Family::copy_h2d, answer, layer, {looked});
}

// Buckets are taken to be equally full: each table tells every query head S ÷ 2ᵏ tokens.
OpId Composed::look_up_hashes(int layer, OpId sent) {
  constexpr double kBoundsBytes = 8.0;
  const double heads = batch() * static_cast<double>(model().layers[at(layer)].attention.q_heads);
  const double opened = heads * static_cast<double>(knobs_.hash_tables);
  const double told = opened * context_at(0) / std::exp2(static_cast<double>(knobs_.hash_bits));
  const StreamShape look{.read = Bytes(kBoundsBytes * opened + kIdBytes * told),
                         .write = Bytes(heads * context_at(0)),
                         .flops = Flops(told),
                         .items = heads};
  return emit_.cpu(Family::cpu_hash_lookup, look, layer, {sent});
}

// A number of each table for every query head.
Bytes Composed::hash_bytes(int layer) const {
  const double heads = batch() * static_cast<double>(model().layers[at(layer)].attention.q_heads);
  return Bytes(kIdBytes * heads * static_cast<double>(knobs_.hash_tables));
}

}  // namespace outrider
