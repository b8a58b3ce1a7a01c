// The selection chain and shapes of block-sparse systems.
#include "sim/methods/sparse_method.h"

#include <algorithm>
#include <cmath>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr double kScoreBytes = 4.0;     // scores and block numbers are 32 bits wide
constexpr double kDigestVectors = 2.0;  // minimum and maximum

BlockPlan plan_of(const Params& params) {
  BlockPlan plan{.block_tokens = params.integer("block_tokens"), .budget_tokens = params.integer("budget_tokens")};
  if (params.values().contains("block_copies")) plan.path = block_path_named(params.text("block_copies"));
  return plan;
}

}  // namespace

std::vector<ParamSpec> sparse_params(std::vector<ParamSpec> own, const char* launch) {
  own.push_back({"block_tokens", std::int64_t{32}, "tokens per KV block", "P", 1.0, 4096.0, {}});
  own.push_back({"budget_tokens",
                 std::int64_t{2048},
                 "tokens attended per sequence and layer, in whole blocks",
                 "P",
                 1.0,
                 1048576.0,
                 {}});
  return with_common(std::move(own), launch);
}

ParamSpec block_copies_param() {
  return {"block_copies",
          std::string("calls"),
          "how missing blocks come to the GPU: a call each, one batched call, or a kernel that reads host memory",
          "P",
          {},
          {},
          {"calls", "batched", "zero_copy"}};
}

CopyPath block_path_named(const std::string& copies) {
  return copies == "zero_copy" ? CopyPath::sm_zero_copy
         : copies == "batched" ? CopyPath::batched
                               : CopyPath::copy_engine;
}

SparseMethod::SparseMethod(const MethodPoint& point) : SparseMethod(point, plan_of(*point.params)) {}

SparseMethod::SparseMethod(const MethodPoint& point, const BlockPlan& plan)
    : DecodeMethod(point, plan.dense_layers),
      block_tokens_(plan.block_tokens),
      block_path_(plan.path),
      copies_per_block_(plan.copies_per_block),
      blocks_(point.context / block_tokens_),
      selected_(std::clamp<std::int64_t>(plan.budget_tokens / block_tokens_, 1, std::max<std::int64_t>(blocks_, 1))) {
  CHECK(blocks_ >= 1, "a context of {} tokens is shorter than a block of {}", point.context, block_tokens_);
}

Bytes SparseMethod::digest_bytes(int layer, double blocks) const {
  const AttentionSpec& attention = model().layers[static_cast<std::size_t>(layer)].attention;
  return blocks * 2.0 * static_cast<double>(attention.kv_heads * attention.head_dim) * bytes_of(model().kv_type);
}

Bytes SparseMethod::digests_of_sequence() const {
  Bytes sum;
  for (const int layer : emit_.offloaded_layers()) sum += digest_bytes(layer, static_cast<double>(blocks_));
  return sum;
}

OpId SparseMethod::build_index(int layer, Bytes index, OpId after) {
  const Bytes keys = emit_.kv_bytes(layer, static_cast<double>(point_.context)) / 2.0;
  const double blocks = static_cast<double>(blocks_);
  return emit_.kernel(Family::build_digest,
                      StreamShape{.read = keys, .write = index, .flops = Flops(0.0), .items = blocks}, layer, {after});
}

OpId SparseMethod::predict_query(int layer, double share, OpId input) {
  const Linear query = query_projection(model(), model().layers[static_cast<std::size_t>(layer)], batch());
  const auto columns = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(query.n)));
  return emit_.kernel(Family::predict_q, GemmShape{.rows = query.rows, .n = columns, .k = query.k, .type = query.type},
                      layer, {input});
}

OpId SparseMethod::select_by_digest(int layer, OpId query) {
  const double scanned = batch() * static_cast<double>(blocks_);
  const Scan digests{
      .entries = static_cast<double>(blocks_), .read = digest_bytes(layer, scanned), .vectors = kDigestVectors};
  return pick_blocks(layer, score(layer, digests, {query}));
}

OpId SparseMethod::pick_blocks(int layer, OpId scored) {
  const Scan blocks{.entries = static_cast<double>(blocks_), .chosen = static_cast<double>(selected_), .read = {}};
  return find_missing(layer, blocks.chosen, choose(layer, blocks, scored));
}

OpId SparseMethod::score(int layer, const Scan& scan, std::initializer_list<OpId> after) {
  const AttentionSpec& attention = model().layers[static_cast<std::size_t>(layer)].attention;
  const double scanned = batch() * scan.entries;
  const double query_width = static_cast<double>(attention.q_heads * attention.head_dim);
  return emit_.kernel(Family::score_blocks,
                      StreamShape{.read = scan.read,
                                  .write = Bytes(kScoreBytes * scanned),
                                  .flops = Flops(2.0 * scan.vectors * scanned * query_width),
                                  .items = scanned},
                      layer, after);
}

OpId SparseMethod::choose(int layer, const Scan& scan, OpId scored) {
  const double rows = batch() * scan.rows;
  return emit_.kernel(Family::select_top_k,
                      StreamShape{.read = Bytes(kScoreBytes * rows * scan.entries),
                                  .write = Bytes(kScoreBytes * rows * scan.chosen),
                                  .flops = Flops(0.0),
                                  .items = rows,
                                  .recent = true},
                      layer, {scored});
}

OpId SparseMethod::find_missing(int layer, double chosen, OpId picked) {
  const double list = kScoreBytes * batch() * chosen;
  return emit_.kernel(
      Family::residency_diff,
      StreamShape{
          .read = Bytes(2.0 * list), .write = Bytes(list), .flops = Flops(0.0), .items = batch(), .recent = true},
      layer, {picked});
}

OpId SparseMethod::attend_tokens(int layer, double tokens, double longest, std::initializer_list<OpId> after) {
  return emit_.kernel(Family::attend_sparse, emit_.attention(layer, tokens, longest, block_tokens_), layer, after);
}

OpId SparseMethod::merge_partials(int layer, OpId on_gpu, OpId from_cpu) {
  const Bytes partial = emit_.activation_bytes(head_outputs(layer));
  const double rows = batch() * static_cast<double>(model().layers[static_cast<std::size_t>(layer)].attention.q_heads);
  return emit_.kernel(
      Family::merge_lse,
      StreamShape{.read = 2.0 * partial, .write = partial, .flops = Flops(0.0), .items = rows, .recent = true}, layer,
      {on_gpu, from_cpu});
}

CopyShape SparseMethod::block_copies(int layer, double blocks) const {
  const std::int64_t heads = model().layers[static_cast<std::size_t>(layer)].attention.kv_heads;
  const auto pieces = static_cast<double>(copies_per_block_ > 0 ? copies_per_block_ : heads);
  return {.direction = Direction::h2d,
          .path = block_path_,
          .memory = HostMemory::pinned,
          .fragments = pieces * blocks,
          .fragment = host_kv(layer, tokens_of(1)) / pieces};
}

Bytes SparseMethod::kv_of_fetches() const {
  const double layers = std::max<double>(1.0, static_cast<double>(emit_.offloaded_layers().size()));
  return std::min(1.0, 2.0 / layers) * kv_of_tokens(budget_tokens());
}

OpId SparseMethod::fetch_blocks(int layer, double blocks, OpId listed) {
  const CopyShape copies = block_copies(layer, blocks);
  note_link(copies);
  note_recalls(blocks);
  if (gpu_fetches()) return emit_.gather_by_kernel(copies, layer, {listed});
  const OpId known = emit_.host(Family::synchronize, 1.0, layer, {listed});
  const OpId fetched = emit_.copy_by_calls(Family::copy_h2d, copies, layer, {known});
  emit_.new_segment();
  return fetched;
}

OpId SparseMethod::gather(int layer, Bytes bytes, double pieces, OpId ready) {
  return emit_.cpu(Family::cpu_gather, StreamShape{.read = bytes, .write = bytes, .flops = Flops(0.0), .items = pieces},
                   layer, {ready});
}

}  // namespace outrider
