// The selection chain and shapes of block-sparse systems.
#include "sim/methods/sparse_method.h"

#include <algorithm>
#include <cmath>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr double kScoreBytes = 4.0;  // scores and block numbers are 32 bits wide

CopyPath block_path(const Params& params) {
  if (!params.values().contains("block_copies")) return CopyPath::copy_engine;
  const std::string& name = params.text("block_copies");
  return name == "zero_copy" ? CopyPath::sm_zero_copy : name == "batched" ? CopyPath::batched : CopyPath::copy_engine;
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

SparseMethod::SparseMethod(const MethodPoint& point)
    : DecodeMethod(point),
      block_tokens_(params().integer("block_tokens")),
      block_path_(block_path(params())),
      blocks_(point.context / block_tokens_),
      selected_(std::clamp<std::int64_t>(params().integer("budget_tokens") / block_tokens_, 1,
                                         std::max<std::int64_t>(blocks_, 1))) {
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

void SparseMethod::build_index(int layer, Bytes index, OpId after) {
  const Bytes keys = emit_.kv_bytes(layer, static_cast<double>(point_.context)) / 2.0;
  const double blocks = static_cast<double>(blocks_);
  emit_.kernel(Family::build_digest, StreamShape{.read = keys, .write = index, .flops = Flops(0.0), .items = blocks},
               layer, {after});
}

OpId SparseMethod::predict_query(int layer, double share, OpId input) {
  const Linear query = query_projection(model(), model().layers[static_cast<std::size_t>(layer)], batch());
  const auto columns = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(query.n)));
  return emit_.kernel(Family::predict_q, GemmShape{.rows = query.rows, .n = columns, .k = query.k, .type = query.type},
                      layer, {input});
}

OpId SparseMethod::select_by_digest(int layer, OpId query) {
  const AttentionSpec& attention = model().layers[static_cast<std::size_t>(layer)].attention;
  const double scanned = batch() * static_cast<double>(blocks_);
  const double query_width = static_cast<double>(attention.q_heads * attention.head_dim);
  const StreamShape score{.read = digest_bytes(layer, scanned),
                          .write = Bytes(kScoreBytes * scanned),
                          .flops = Flops(4.0 * scanned * query_width),
                          .items = scanned};
  return pick_blocks(layer, emit_.kernel(Family::score_blocks, score, layer, {query}));
}

OpId SparseMethod::pick_blocks(int layer, OpId scored) {
  const double scanned = kScoreBytes * batch() * static_cast<double>(blocks_);
  const double chosen = kScoreBytes * batch() * static_cast<double>(selected_);
  const OpId top = emit_.kernel(
      Family::select_top_k,
      StreamShape{
          .read = Bytes(scanned), .write = Bytes(chosen), .flops = Flops(0.0), .items = batch(), .recent = true},
      layer, {scored});
  return emit_.kernel(
      Family::residency_diff,
      StreamShape{
          .read = Bytes(2.0 * chosen), .write = Bytes(chosen), .flops = Flops(0.0), .items = batch(), .recent = true},
      layer, {top});
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

CopyShape SparseMethod::block_copies(int layer, std::int64_t blocks) const {
  return {.direction = Direction::h2d,
          .path = block_path_,
          .memory = HostMemory::pinned,
          .fragments = static_cast<double>(blocks),
          .fragment = emit_.kv_bytes(layer, tokens_of(1))};
}

OpId SparseMethod::fetch_blocks(int layer, std::int64_t blocks, OpId listed) {
  const CopyShape copies = block_copies(layer, blocks);
  note_link(copies);
  if (gpu_fetches()) return emit_.gather_by_kernel(copies, layer, {listed});
  const OpId known = emit_.host(Family::synchronize, 1.0, layer, {listed});
  const OpId fetched = emit_.copy_by_calls(Family::copy_h2d, copies, layer, {known});
  emit_.new_segment();
  return fetched;
}

}  // namespace outrider
