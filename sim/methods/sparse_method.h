// What block-sparse systems share: a token budget, an index on the GPU, and the chain from a query to the missing
// blocks.
#pragma once

#include "sim/methods/decode_method.h"

namespace outrider {

// Parameters: block_tokens, budget_tokens.
std::vector<ParamSpec> sparse_params(std::vector<ParamSpec> own, const char* launch);
// Of those that fetch blocks.
ParamSpec block_copies_param();
CopyPath block_path_named(const std::string& copies);

// Blocks, how many of them are attended, and how they are copied.
struct BlockPlan {
  std::int64_t block_tokens = 0, budget_tokens = 0;
  CopyPath path = CopyPath::copy_engine;
  std::int64_t copies_per_block = 1;  // contiguous pieces of a block; 0: one for each KV head
  LayerList dense_layers = {};        // attend every token, from HBM
};

class SparseMethod : public DecodeMethod {
 public:
  SelectionNeed selection_need() const override {
    return {.blocks = blocks_, .selected = selected_, .profiling_steps = 0};
  }

 protected:
  explicit SparseMethod(const MethodPoint& point);  // as the parameters say
  SparseMethod(const MethodPoint& point, const BlockPlan& plan);

  double budget_tokens() const { return static_cast<double>(selected_ * block_tokens_); }  // per sequence
  double tokens_of(std::int64_t blocks) const { return static_cast<double>(blocks * block_tokens_); }

  // Channel-wise minimum and maximum of K per block: 2 · Hk · d · s bytes each.
  Bytes digest_bytes(int layer, double blocks) const;
  Bytes digests_of_sequence() const;  // all offloaded layers
  // During prefill: reads the layer's keys and writes an index of that size.
  OpId build_index(int layer, Bytes index, OpId after);

  // Query × digests → top-k → which of them are not on the GPU. `query` produced the (predicted) query.
  OpId select_by_digest(int layer, OpId query);
  // Top-k and residency diff over scores that `scored` produced.
  OpId pick_blocks(int layer, OpId scored);
  // Their parts, over any index: every query head multiplies with each of an entry's vectors.
  struct Scan {
    double entries = 0.0, chosen = 0.0;  // of a sequence
    Bytes read;                          // of the batch
    double vectors = 1.0;
    double rows = 1.0;  // of a sequence, each with a choice of its own
  };
  OpId score(int layer, const Scan& scan, std::initializer_list<OpId> after);
  OpId choose(int layer, const Scan& scan, OpId scored);
  OpId find_missing(int layer, double chosen, OpId picked);
  // Q of `layer` from another layer's input, with `share` of W_q's columns.
  OpId predict_query(int layer, double share, OpId input);
  OpId attend_tokens(int layer, double tokens, double longest, std::initializer_list<OpId> after);
  // Log-sum-exp merge of two partial outputs of the batch.
  OpId merge_partials(int layer, OpId on_gpu, OpId from_cpu);

  // Missing blocks of a layer come over the link. The host thread waits for their list, issues the copies and launches
  // what follows anew; or a kernel reads list and blocks, and the list need not leave the GPU.
  CopyShape block_copies(int layer, double blocks) const;
  // Where nothing of a fetch is kept: one layer's blocks come while another's are attended.
  Bytes kv_of_fetches() const;
  OpId fetch_blocks(int layer, double blocks, OpId listed);
  bool gpu_fetches() const { return block_path_ == CopyPath::sm_zero_copy; }
  // The CPU gathers so many bytes in so many pieces into pinned memory, once `ready`.
  OpId gather(int layer, Bytes bytes, double pieces, OpId ready);

  std::int64_t block_tokens_;
  CopyPath block_path_;
  std::int64_t copies_per_block_;
  std::int64_t blocks_;    // whole blocks per sequence
  std::int64_t selected_;  // blocks the budget buys
};

}  // namespace outrider
