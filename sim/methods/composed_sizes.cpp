// Sizes of what a composed system keeps, scans and recalls, and how often it does.
#include <algorithm>
#include <cmath>

#include "sim/methods/composed.h"

namespace outrider {
namespace {

using Placement = Knobs::Placement;
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
  if (knobs_.index == Knobs::Index::keys) return 1.0;
  return static_cast<double>(knobs_.index_tokens > 0 ? knobs_.index_tokens : block_tokens_);
}

double Composed::index_entries() const { return std::floor(context_at(0) / entry_tokens()); }

double Composed::estimated_entries() const { return std::floor(knobs_.estimate_share * index_entries()); }

double Composed::kept_tokens() const { return std::min(static_cast<double>(knobs_.kept_tokens), context_at(0)); }

Bytes Composed::index_bytes(int layer, double entries) const {
  if (knobs_.index == Knobs::Index::min_max) return digest_bytes(layer, entries);
  if (knobs_.index == Knobs::Index::centroids) return emit_.kv_bytes(layer, entries);
  return 0.5 * digest_bytes(layer, entries);
}

// Of centroids, scoring reads no sums of V.
SparseMethod::Scan Composed::scan_of(int layer) const {
  const double entries = index_entries(), chosen = budget_tokens() / entry_tokens();
  const double vectors = knobs_.index == Knobs::Index::min_max ? 2.0 : 1.0;
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

// A filter's followers all have theirs at once; else one layer's come while another's are attended.
Bytes Composed::kv_of_fetched_layers() const {
  const auto all = static_cast<double>(emit_.offloaded_layers().size());
  if (all == 0.0) return Bytes(0.0);
  double at_once = 2.0;
  for (int filter = 0; filter < layers() && knobs_.prefetch && knobs_.query == Knobs::Query::shared; ++filter) {
    double followers = 0.0;
    for (const int layer : emit_.offloaded_layers()) followers += filter_of(layer) == filter ? 1.0 : 0.0;
    at_once = std::max(at_once, followers);
  }
  return std::min(1.0, at_once / all) * kv_of_tokens(budget_tokens());
}

std::vector<MemoryUse> Composed::cache_memory() const {
  using Tier = MemoryUse::Tier;
  Bytes host, keys, index;
  for (const int layer : emit_.offloaded_layers()) {
    host += host_kv(layer, context_at(point_.steps));
    keys += low_rank_keys(layer);
    index += index_bytes(layer, index_entries());
  }
  std::vector<MemoryUse> uses;
  const auto add = [&](const char* what, Tier tier, Bytes bytes) { uses.push_back({what, tier, Bytes(0.0), bytes}); };
  const bool values = knobs_.placement == Placement::values;
  if (!offloads()) add("KV cache", Tier::hbm, kv_of_all_layers());
  if (offloads()) add(values ? "V cache" : "KV cache", knobs_.gathered ? Tier::dram : Tier::pinned, host);
  if (values) add("low-rank keys", Tier::hbm, keys);
  const char* names[] = {"block digests", "landmarks", "centroids and sums of V"};
  if (knobs_.index != Knobs::Index::keys) add(names[static_cast<std::size_t>(knobs_.index)], Tier::hbm, index);
  if (offloads() && knobs_.cache != Cache::none)
    add("resident blocks", Tier::hbm, kv_of_tokens(tokens_of(cached_blocks())));
  if (offloads() && knobs_.cache == Cache::none && knobs_.miss == Miss::recall)
    add("fetched blocks", Tier::hbm, kv_of_fetched_layers());
  if (offloads() && knobs_.kept_tokens > 0) add("kept tokens", Tier::hbm, kv_of_tokens(kept_tokens()));
  return uses;
}

void Composed::index_prefilled(int layer, OpId after) {
  if (!emit_.offloads(layer)) return;
  Bytes written = knobs_.index == Knobs::Index::keys ? Bytes(0.0) : index_bytes(layer, index_entries());
  if (knobs_.placement == Placement::values) written += low_rank_keys(layer);
  if (written > Bytes(0.0)) build_index(layer, written, after);
}

}  // namespace outrider
