// What block-sparse systems decide differently, as plain values: one Knobs is one system, whether a file of this folder
// sets them or a scenario's `compose`.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sim/graph/op.h"
#include "sim/spec/params.h"

namespace outrider {

struct Knobs {
  // Placement: where the KV of sparse layers lives.
  enum class Placement : std::uint8_t {
    gpu,     // in HBM
    blocks,  // in DRAM; some blocks are in HBM too
    values,  // V in DRAM, K in HBM as a product of two factors of rank `key_rank`; some blocks are in HBM whole
  } placement = Placement::blocks;
  std::int64_t block_tokens = 32;
  LayerList dense_layers = {};   // attend every token; their KV is in HBM
  std::int64_t kept_tokens = 0;  // sinks, recent window, outliers: always attended, and in HBM
  double kept_share = 0.0;       // of the context, beside these: a window that grows with it
  std::int64_t key_rank = 160;

  // Index: what scoring reads, in HBM where nothing else is said. Bytes of an entry, with s those of an element:
  enum class Index : std::uint8_t {
    min_max,    // 2 · Hk · d · s: channel-wise extremes of K
    mean,       // Hk · d · s: a landmark
    centroids,  // Hk · (d + dv) · s: a cluster's centroid of K, which is scored, and sum of V, by which it is estimated
    keys,       // Hk · d · s for every token: K itself, which is no further memory
    pq,         // Hk · m · b / 8 for every token, in DRAM: codes of b bits of K's parts in m sub-spaces, of which the
                // Hk · 2ᵇ · d · s of centroids are in HBM; a layer's codes come to the GPU to be scored
    lsh,  // Hk · 4 · (L + 1) for every token, in DRAM: its number in L hash tables, and the norm of its key; beside
          // these the bounds of buckets, Hk · L · 2ᵏ · 8. The CPU finds what collides with a query
  } index = Index::min_max;
  std::int64_t index_tokens = 0;   // tokens of an entry; 0: a block's
  std::int64_t sub_spaces = 2;     // m
  std::int64_t code_bits = 6;      // b
  std::int64_t hash_bits = 10;     // k, of a hash
  std::int64_t hash_tables = 150;  // L

  // Query: what scores the index, and how far ahead of the attention.
  enum class Query : std::uint8_t {
    own,             // the layer's own
    predicted,       // from the input of the layer before, through the layer's W_q
    previous_token,  // the layer's own of the step before; what it found missing comes in between
    shared,          // that of the last filter layer, which attends every token
  } query = Query::own;
  LayerList filter_layers = {};
  std::int64_t wait_layers = 0;  // behind each filter layer that attend every token too, while copies come

  // Selection.
  std::int64_t budget_tokens = 2048;
  double budget_share = 0.0;  // of the context, in place of tokens; 0: by tokens
  std::int64_t reselect_steps = 1;

  // Misses: how selected blocks that are not in HBM are served.
  enum class Miss : std::uint8_t { recall, cpu_attend, drop } miss = Miss::recall;
  double estimate_share = 0.0;     // of the index's entries, the next best, attended as centroid and sum of V
  double corrected_share = 0.0;    // of what the previous token's query missed, recalled before the attention
  bool real_cpu_query = false;     // the CPU attends with the layer's query and not the predicted one
  bool attends_resident = false;   // beside the CPU, the GPU attends all resident blocks and not the selected ones only
  bool cpu_finds_missing = false;  // the CPU keeps the map of what is resident
  // Blocking copies by which the host thread learns of a layer's selection before it issues copies, or hands work to
  // the CPU's pool; 0: as few as it needs, which for the latter is none, as workers poll for what they are sent.
  std::int64_t host_waits = 0;

  // Transfer of recalled blocks.
  CopyPath path = CopyPath::copy_engine;
  bool gathered = false;              // by the CPU into pinned memory, then one copy
  std::int64_t copies_per_block = 1;  // contiguous pieces of a block; 0: one for each KV head

  // Cache: which blocks of sparse layers are in HBM.
  enum class Cache : std::uint8_t {
    none,     // what comes is forgotten after its layer
    prefill,  // those important after prefill
    last,     // the last set selected
    lru,
    lfu,       // the most recently, or most often, selected: cache_tokens or cache_share of the context, at least a set
    periodic,  // the set selected at the last recall, which is asynchronous
  } cache = Cache::last;
  std::int64_t cache_tokens = 4096;
  double cache_share = 0.0;          // of the context, in place of tokens; 0: by tokens
  std::int64_t recall_interval = 0;  // steps; 0: for each layer the most that keep its misses below the limit
  double cpu_ratio_limit = 0.12;
  bool paced = true;  // background copies are issued a few at a time

  // Pipeline.
  bool prefetch = false;          // what a layer misses is recalled while layers before it compute
  bool codes_come_ahead = false;  // a layer's codes come while the layer before computes
};

// The knobs as parameters, `certainty` of all "ours"; without those that every decode method has.
std::vector<ParamSpec> knob_params();
Knobs read_knobs(const Params& params);
// Of one knob, for systems that leave it to the user under its own default and certainty.
ParamSpec knob_param(std::string_view name, ParamValue fallback, const char* certainty);
// Knobs that contradict each other, and written ones that would do nothing.
std::vector<ParamConflict> knob_conflicts(const Params& params, const std::set<std::string>& written);

}  // namespace outrider
