// Sizes of what a composed system keeps, scans and recalls, and how often it does.
#include <algorithm>
#include <cmath>

#include "sim/methods/composed.h"

namespace outrider {
namespace {

using Placement = Knobs::Placement;
using Index = Knobs::Index;
using Miss = Knobs::Miss;
using Cache = Knobs::Cache;

constexpr std::int64_t kProfilingSteps = 48;

}  // namespace

std::int64_t tokens_or_share(std::int64_t tokens, double share, std::int64_t context) {
  return share > 0.0 ? static_cast<std::int64_t>(share * static_cast<double>(context)) : tokens;
}

SelectionNeed Composed::selection_need() const {
  if (!offloads() || knobs_.cache == Cache::none) return {};
  SelectionNeed need = SparseMethod::selection_need();
  if (knobs_.cache == Cache::periodic && knobs_.recall_interval == 0) need.profiling_steps = kProfilingSteps;
  return need;
}

// The most steps that keep the layer's misses below the limit, as offline profiling finds.
std::int64_t Composed::profiled_interval(int layer) const {
  if (knobs_.recall_interval > 0 || point_.profiling == nullptr)
    return std::max<std::int64_t>(1, knobs_.recall_interval);
  std::int64_t interval = 1;
  while (interval < kProfilingSteps &&
         point_.profiling->turnover(ordinal_of(layer), interval + 1) < knobs_.cpu_ratio_limit)
    ++interval;
  return interval;
}

MethodFacts Composed::facts() const {
  MethodFacts facts = DecodeMethod::facts();
  if (knobs_.cache != Cache::periodic || emit_.offloaded_layers().empty()) return facts;
  double sum = 0.0;
  for (const int layer : emit_.offloaded_layers()) sum += static_cast<double>(interval_[at(layer)]);
  facts.recall_interval = sum / static_cast<double>(emit_.offloaded_layers().size());
  return facts;
}

std::int64_t Composed::cached_blocks() const {
  if (knobs_.cache != Cache::lru && knobs_.cache != Cache::lfu) return selected_;
  const std::int64_t tokens = tokens_or_share(knobs_.cache_tokens, knobs_.cache_share, point_.context);
  return std::min(blocks_, std::max(selected_, tokens / block_tokens_));
}

double Composed::entry_tokens() const {
  if (knobs_.index == Index::keys || knobs_.index == Index::pq || hashes()) return 1.0;
  return static_cast<double>(knobs_.index_tokens > 0 ? knobs_.index_tokens : block_tokens_);
}

double Composed::index_entries() const { return std::floor(context_at(0) / entry_tokens()); }

double Composed::estimated_entries() const { return std::floor(knobs_.estimate_share * index_entries()); }

double Composed::kept_tokens() const {
  const double window = std::floor(knobs_.kept_share * context_at(0));
  return std::min(static_cast<double>(knobs_.kept_tokens) + window, context_at(0));
}

Bytes Composed::index_bytes(int layer, double entries) const {
  switch (knobs_.index) {
    case Index::min_max:
      return digest_bytes(layer, entries);
    case Index::centroids:
      return emit_.kv_bytes(layer, entries);
    case Index::pq:  // 2ᵇ centroids of each sub-space's part of a key
      return 0.5 * digest_bytes(layer, std::exp2(static_cast<double>(knobs_.code_bits)));
    case Index::keys:
    case Index::lsh:
      return Bytes(0.0);
    case Index::mean:
      break;
  }
  return 0.5 * digest_bytes(layer, entries);
}

Bytes Composed::host_index_bytes(int layer, double entries) const {
  constexpr double kIdBytes = 4.0, kNormBytes = 4.0, kBoundsBytes = 8.0;
  const double heads = static_cast<double>(model().layers[at(layer)].attention.kv_heads);
  if (knobs_.index == Index::pq)
    return Bytes(heads * entries * static_cast<double>(knobs_.sub_spaces * knobs_.code_bits) / 8.0);
  if (!hashes()) return Bytes(0.0);
  const double tables = static_cast<double>(knobs_.hash_tables);
  const double buckets = tables * std::exp2(static_cast<double>(knobs_.hash_bits));
  return Bytes(heads * (entries * (kIdBytes * tables + kNormBytes) + kBoundsBytes * buckets));
}

// Of centroids, scoring reads no sums of V. Product codes are looked up in a table of the query's products with all
// centroids: 2ᵇ · d multiplications for each query head, and then m additions for an entry.
SparseMethod::Scan Composed::scan_of(int layer) const {
  const double entries = index_entries(), chosen = budget_tokens() / entry_tokens();
  const double vectors = knobs_.index == Index::min_max ? 2.0 : 1.0;
  if (knobs_.index == Index::pq) {
    const double width = static_cast<double>(model().layers[at(layer)].attention.head_dim);
    const double table = 2.0 * std::exp2(static_cast<double>(knobs_.code_bits)) * width;
    return {.entries = entries,
            .chosen = std::min(entries, std::ceil(chosen)),
            .read = batch() * (host_index_bytes(layer, entries) + index_bytes(layer, entries)),
            .vectors = (static_cast<double>(knobs_.sub_spaces) + table / entries) / (2.0 * width)};
  }
  return {.entries = entries,
          .chosen = std::min(entries, std::ceil(chosen) + estimated_entries()),
          .read = 0.5 * vectors * digest_bytes(layer, batch() * entries),
          .vectors = vectors};
}

// A sequence's factors of one layer: (tokens × rank), and (rank × Hk · d).
Bytes Composed::low_rank_keys(int layer) const {
  const AttentionSpec& attention = model().layers[at(layer)].attention;
  const double rows = context_at(point_.steps) + static_cast<double>(attention.kv_heads * attention.head_dim);
  return rows * static_cast<double>(knobs_.key_rank) * bytes_of(model().kv_type);
}

Bytes Composed::host_kv(int layer, double tokens) const {
  const AttentionSpec& attention = model().layers[at(layer)].attention;
  const bool whole = knobs_.placement != Placement::values || attention.keys_are_values;
  return whole ? emit_.kv_bytes(layer, tokens)
               : tokens * static_cast<double>(attention.kv_heads * attention.v_head_dim) * bytes_of(model().kv_type);
}

double Composed::share_of_layers(double count) const {
  const auto all = static_cast<double>(emit_.offloaded_layers().size());
  return all > 0.0 ? std::min(1.0, count / all) : 0.0;
}

// A filter's followers all have theirs at once; else one layer's come while another's are attended.
Bytes Composed::kv_of_fetched_layers() const {
  double at_once = 2.0;
  for (int filter = 0; filter < layers() && knobs_.prefetch && knobs_.query == Knobs::Query::shared; ++filter) {
    double followers = 0.0;
    for (const int layer : emit_.offloaded_layers()) followers += filter_of(layer) == filter ? 1.0 : 0.0;
    at_once = std::max(at_once, followers);
  }
  return share_of_layers(at_once) * kv_of_tokens(budget_tokens());
}

std::vector<MemoryUse> Composed::cache_memory() const {
  using Tier = MemoryUse::Tier;
  Bytes host, keys, index, host_index;
  for (const int layer : emit_.offloaded_layers()) {
    host += host_kv(layer, context_at(point_.steps));
    keys += low_rank_keys(layer);
    index += index_bytes(layer, index_entries());
    host_index += host_index_bytes(layer, index_entries());
  }
  std::vector<MemoryUse> uses;
  const auto add = [&](const char* what, Tier tier, Bytes bytes) { uses.push_back({what, tier, Bytes(0.0), bytes}); };
  const bool values = knobs_.placement == Placement::values;
  if (!offloads()) add("KV cache", Tier::hbm, kv_of_all_layers());
  const bool copied = !knobs_.gathered && !hashes();
  if (offloads()) add(values ? "V cache" : "KV cache", copied ? Tier::pinned : Tier::dram, host);
  if (values) add("low-rank keys", Tier::hbm, keys);
  const char* names[] = {"block digests", "landmarks", "centroids and sums of V", "", "centroids", ""};
  if (index > Bytes(0.0)) add(names[static_cast<std::size_t>(knobs_.index)], Tier::hbm, index);
  if (knobs_.index == Index::pq) add("product codes", Tier::pinned, host_index);
  const double layers_of_codes = knobs_.codes_come_ahead ? 2.0 : 1.0;
  if (knobs_.index == Index::pq) add("fetched codes", Tier::hbm, share_of_layers(layers_of_codes) * host_index);
  if (hashes()) add("hash tables", Tier::dram, host_index);
  if (offloads() && knobs_.cache != Cache::none)
    add("resident blocks", Tier::hbm, kv_of_tokens(tokens_of(cached_blocks())));
  if (offloads() && knobs_.cache == Cache::none && knobs_.miss == Miss::recall)
    add("fetched blocks", Tier::hbm, kv_of_fetched_layers());
  if (offloads() && knobs_.kept_tokens > 0) add("kept tokens", Tier::hbm, kv_of_tokens(kept_tokens()));
  return uses;
}

void Composed::index_prefilled(int layer, OpId after) {
  if (!emit_.offloads(layer)) return;
  const Bytes moved = host_index_bytes(layer, index_entries());
  Bytes written = index_bytes(layer, index_entries()) + moved;
  if (knobs_.placement == Placement::values) written += low_rank_keys(layer);
  if (written <= Bytes(0.0)) return;
  const OpId built = build_index(layer, written, after);
  if (moved > Bytes(0.0)) emit_.copy(Family::copy_d2h, one_copy(Direction::d2h, moved), layer, {built});
}

}  // namespace outrider
