// The decode step: ask, serve, attend, recall.
#include "sim/methods/composed.h"

#include <algorithm>
#include <cmath>

namespace outrider {
namespace {

using Placement = Knobs::Placement;
using Query = Knobs::Query;
using Miss = Knobs::Miss;
using Cache = Knobs::Cache;

constexpr double kIdBytes = 4.0;

// By layer, its filter; −1 before the first. Layers whose KV does not grow are none.
std::vector<int> filters_of(const Knobs& knobs, const ModelSpec& model) {
  std::vector<int> filters;
  int current = -1, layer = 0;
  for (const LayerSpec& spec : model.layers) {
    const LayerList& listed = knobs.filter_layers;
    const bool filters_here = std::find(listed.begin(), listed.end(), layer) != listed.end();
    if (knobs.query == Query::shared && filters_here && has_growing_kv(spec)) current = layer;
    filters.push_back(current);
    ++layer;
  }
  return filters;
}

// With filters: these, those behind them that wait for copies, and those before the first one.
LayerList dense_layers(const Knobs& knobs, const ModelSpec& model) {
  LayerList dense = knobs.dense_layers;
  if (knobs.query != Query::shared) return dense;
  const std::vector<int> filters = filters_of(knobs, model);
  for (std::int64_t layer = 0; layer < static_cast<std::int64_t>(filters.size()); ++layer) {
    const std::int64_t filter = filters[static_cast<std::size_t>(layer)];
    if (filter < 0 || layer - filter <= knobs.wait_layers) dense.push_back(layer);
  }
  return dense;
}

BlockPlan block_plan(const MethodPoint& point, const Knobs& knobs) {
  return {.block_tokens = knobs.block_tokens,
          .budget_tokens = tokens_or_share(knobs.budget_tokens, knobs.budget_share, point.context),
          .path = knobs.path,
          .copies_per_block = knobs.copies_per_block,
          .dense_layers = dense_layers(knobs, *point.model)};
}

}  // namespace

Composed::Composed(const MethodPoint& point, const Knobs& knobs)
    : SparseMethod(point, block_plan(point, knobs)),
      knobs_(knobs),
      filters_(filters_of(knobs, *point.model)),
      cache_({.policy = knobs.cache,
              .capacity = cached_blocks(),
              .layers = layers(),
              .sequences = point.batch,
              .selected = selected_},
             point.selection),
      interval_(at(layers()), 0),
      asked_(at(layers())),
      codes_(at(layers())) {
  if (knobs.cache != Cache::periodic) return;
  for (const int layer : emit_.offloaded_layers()) interval_[at(layer)] = profiled_interval(layer);
}

TaskGraph Composed::decode_step(std::int64_t step) {
  emit_.begin(batch());
  std::fill(asked_.begin(), asked_.end(), std::nullopt);
  std::fill(codes_.begin(), codes_.end(), OpId());
  shared_ = OpId();
  OpId x = emit_.open_step();
  for (int layer = 0; layer < layers(); ++layer) {
    const OpId input = emit_.normalise(layer, x);
    if (asks_ahead(layer + 1)) asked_[at(layer + 1)] = ask(layer + 1, step, predict_query(layer + 1, 1.0, input));
    const OpId q = emit_.project(layer, input);
    const bool sparse = emit_.offloads(layer);
    const OpId attended = !sparse ? emit_.attend_resident(layer, point_.context + step, q)
                          : knobs_.query == Query::previous_token ? attend_last_selection(layer, step, q)
                                                                  : attend(layer, step, q);
    if (filter_of(layer) == layer) ask_for_followers(layer, step, q);
    x = emit_.finish(layer, attended);
    if (sparse && offloads()) write_back(layer, q);
    if (knobs_.prefetch) fetch_ahead(layer);
  }
  note_step();
  return emit_.close_step(x, batch());
}

bool Composed::asks_ahead(int layer) const {
  return knobs_.query == Query::predicted && layer > 0 && layer < layers() && emit_.offloads(layer);
}

// Selects the layer's blocks with a query, and tells those who serve the missing ones which these are.
Composed::Asked Composed::ask(int layer, std::int64_t step, OpId query) {
  const bool shared = knobs_.query == Query::shared, chooses = chosen_step(step) == step && !shared;
  const OpId picked = shared ? shared_ : chooses ? select(layer, query) : query;
  if (!offloads()) return {{}, picked, {}};
  const int source = shared ? filter_of(layer) : layer;
  const std::int64_t chosen = chosen_step(step), before = std::max<std::int64_t>(-1, chosen - knobs_.reselect_steps);
  if (point_.selection != nullptr && chosen == step) note_turnover(misses(source, chosen, before));
  const Misses missing = cache_.use(layer, ordinal_of(source), chosen);
  if (missing.total == 0 && (shared || !knobs_.cpu_finds_missing)) return {missing, OpId(), {}};
  return {missing, shared ? picked : tell(layer, missing, picked), {}};
}

// A filter layer selects for those up to the next one.
void Composed::ask_for_followers(int layer, std::int64_t step, OpId query) {
  if (chosen_step(step) != step && !offloads()) return;
  const OpId picked = chosen_step(step) == step ? select(layer, query) : query;
  shared_ = offloads() ? tell(layer, {.total = selected_ * point_.batch, .longest = selected_}, picked) : picked;
  if (!knobs_.prefetch) return;
  for (int follower = layer + 1; follower < layers() && filter_of(follower) == layer; ++follower) {
    if (emit_.offloads(follower)) asked_[at(follower)] = ask(follower, step, query);
  }
}

OpId Composed::attend(int layer, std::int64_t step, OpId q) {
  const Asked asked = asked_[at(layer)] ? *asked_[at(layer)] : ask(layer, step, q);
  const bool misses_any = asked.missing.total > 0;
  if (serves_on_cpu()) note_cpu_tokens(tokens_of(asked.missing.total), batch() * budget_tokens());
  OpId from_cpu;
  Fetched fetched;
  if (!misses_any) fetched.copied = asked.listed;  // the selection, or that nothing is missing
  if (misses_any && serves_on_cpu()) from_cpu = attend_on_cpu(layer, q, asked);
  if (misses_any && knobs_.miss == Miss::recall)
    fetched = asked.fetched ? *asked.fetched : fetch(layer, static_cast<double>(asked.missing.total), asked.listed);
  OpId attended = attend_on_gpu(layer, asked.missing, q, fetched);
  if (!attended.valid()) return add_estimate(layer, from_cpu, q);
  if (knobs_.cache == Cache::periodic) emit_.await(attended, slot(layer));
  if (recall_is_due(layer, step)) {
    cache_.refresh(layer, chosen_step(step));
    recall_in_background(layer, static_cast<double>(asked.missing.total), asked.listed, attended);
  }
  attended = add_estimate(layer, attended, q);
  return from_cpu.valid() ? merge_partials(layer, attended, from_cpu) : attended;
}

// Attends what the query of the step before selected. What this one misses comes until the next step, but for the share
// that is corrected at once.
OpId Composed::attend_last_selection(int layer, std::int64_t step, OpId q) {
  Asked asked;
  Fetched corrected;
  double corrections = 0.0;
  if (knobs_.corrected_share > 0.0) {
    const AttentionSpec& attention = model().layers[at(layer)].attention;
    const StreamShape both{.read = 2.0 * emit_.activation_bytes(head_queries(layer)),
                           .write = Bytes(kIdBytes * batch() * static_cast<double>(attention.kv_heads)),
                           .flops = Flops(0.0),
                           .items = batch() * static_cast<double>(attention.q_heads)};
    asked = ask(layer, step, emit_.kernel(Family::compare_queries, both, layer, {q}));
    corrections = knobs_.corrected_share * static_cast<double>(asked.missing.total);
    if (corrections > 0.0) corrected = fetch(layer, corrections, asked.listed);
  }
  const OpId attended = attend_on_gpu(layer, {}, q, corrected);
  emit_.await(attended, slot(layer));
  if (knobs_.corrected_share == 0.0) asked = ask(layer, step, q);
  recall_in_background(layer, static_cast<double>(asked.missing.total) - corrections, asked.listed, attended);
  return add_estimate(layer, attended, q);
}

// Resident and recalled blocks, and the tokens that are kept; nothing where the GPU has none of these.
OpId Composed::attend_on_gpu(int layer, const Misses& missing, OpId q, const Fetched& fetched) {
  const bool none_here = offloads() && knobs_.cache == Cache::none && knobs_.miss != Miss::recall;
  if (none_here && kept_tokens() <= 0.0) return OpId();
  const bool skips = !none_here && knobs_.miss != Miss::recall && !knobs_.attends_resident;
  const double each = std::min(context_at(0), (none_here ? 0.0 : budget_tokens()) + kept_tokens());
  const double tokens = std::max(0.0, batch() * each - (skips ? tokens_of(missing.total) : 0.0));
  return attend_tokens(layer, tokens, each, {q, fetched.copied, fetched.rebuilt});
}

OpId Composed::attend_on_cpu(int layer, OpId q, const Asked& asked) {
  AttentionShape shape =
      emit_.attention(layer, tokens_of(asked.missing.total), tokens_of(asked.missing.longest), block_tokens_);
  if (hashes()) shape.kv_heads = shape.q_heads;  // each query head collides with tokens of its own
  OpId query = asked.listed;
  if (knobs_.real_cpu_query) {
    const CopyShape real = one_copy(Direction::d2h, emit_.activation_bytes(head_queries(layer)));
    note_link(real);
    query = emit_.copy(Family::copy_d2h, real, layer, {q});
  }
  const OpId attended = emit_.cpu(Family::cpu_attend, shape, layer, {asked.listed, query});
  const CopyShape output = one_copy(Direction::h2d, emit_.activation_bytes(head_outputs(layer)));
  note_link(output);
  return emit_.copy(Family::copy_h2d, output, layer, {attended});
}

// The entries that come next after the chosen ones, each as one key and one value.
OpId Composed::add_estimate(int layer, OpId attended, OpId q) {
  const double entries = estimated_entries();
  if (entries <= 0.0) return attended;
  const OpId estimated =
      emit_.kernel(Family::estimate_attend, emit_.attention(layer, batch() * entries, entries, 1), layer, {q});
  return merge_partials(layer, attended, estimated);
}

Composed::Fetched Composed::fetch(int layer, double blocks, OpId listed) {
  const OpId rebuilt = knobs_.placement == Placement::values ? rebuild_keys(layer, blocks, listed) : OpId();
  return {knobs_.gathered ? gather_and_copy(layer, blocks, listed) : fetch_blocks(layer, blocks, listed), rebuilt};
}

// Of the next layer, or, behind a filter, of all that it selected for.
void Composed::fetch_ahead(int layer) {
  for (int next = layer + 1; next < layers(); ++next) {
    std::optional<Asked>& asked = asked_[at(next)];
    if (asked && asked->missing.total > 0 && !asked->fetched)
      asked->fetched = fetch(next, static_cast<double>(asked->missing.total), asked->listed);
  }
}

OpId Composed::gather_and_copy(int layer, double blocks, OpId listed) {
  const CopyShape scattered = block_copies(layer, blocks), whole = one_copy(Direction::h2d, scattered.total());
  const OpId known = emit_.host(Family::synchronize, 1.0, layer, {listed});
  const OpId dispatched = emit_.host(Family::dispatch_pool, 1.0, layer, {known});
  const OpId gathered = gather(layer, whole.total(), scattered.fragments, dispatched);
  note_link(whole);
  note_recalls(blocks);
  emit_.new_segment();
  return emit_.copy_issued(Family::copy_h2d, whole, layer, {gathered});
}

// K of the blocks' tokens from its factors: for every sequence and KV head, (tokens × rank) · (rank × d).
OpId Composed::rebuild_keys(int layer, double blocks, OpId listed) {
  const AttentionSpec& attention = model().layers[at(layer)].attention;
  const GemmShape product{.rows = blocks * static_cast<double>(block_tokens_) / batch(),
                          .n = attention.head_dim,
                          .k = knobs_.key_rank,
                          .instances = batch() * static_cast<double>(attention.kv_heads),
                          .type = DataType::bf16};
  return emit_.kernel(Family::reconstruct_k, product, layer, {listed});
}

// In time for the same layer of the next step. A thread that has nothing else to do issues the copies, at no more than
// the copy engine's own pace.
void Composed::recall_in_background(int layer, double blocks, OpId listed, OpId after) {
  if (blocks <= 0.0) return;
  if (knobs_.placement == Placement::values) rebuild_keys(layer, blocks, listed);
  CopyShape copies = block_copies(layer, blocks);
  if (knobs_.gathered) {
    listed = gather(layer, copies.total(), copies.fragments, listed);
    copies = one_copy(Direction::h2d, copies.total());
  }
  copies.paced = knobs_.paced;
  note_link(copies);
  note_recalls(blocks);
  emit_.fill(slot(layer), emit_.copy_on(Lane::recall, copies, layer, {after, listed}));
}

bool Composed::recall_is_due(int layer, std::int64_t step) const {
  return knobs_.cache == Cache::periodic && (step - cache_.refreshed(layer)) % interval_[at(layer)] == 0;
}

MethodEntry composed() {
  return {{.name = "composed",
           .summary = "a method of your own, put together from knobs",
           .source = "",
           .params = with_common(knob_params(), "graph"),
           .presets = {{"knobs", "as the scenario sets them", {}}},
           .conflicts = knob_conflicts,
           .composed = true},
          [](const MethodPoint& point) { return compose(point, read_knobs(*point.params)); }};
}

}  // namespace outrider
