// Shapes of operations: bytes, FLOPs, heads and fragments, from which hardware models and executors read the work.
#pragma once

#include <cstdint>
#include <variant>

#include "sim/base/quantity.h"
#include "sim/spec/data_type.h"

namespace outrider {

// y[rows × n] = x[rows × k] · W[k × n], over `instances` weight matrices (experts); rows are per instance.
struct GemmShape {
  double rows = 0.0;
  std::int64_t n = 0, k = 0;
  double instances = 1.0;
  DataType type = DataType::bf16;
  double scale_bits = 0.0;  // of quantisation scales per weight, read beside it
};

// Decode attention of one new token per sequence over cached tokens. `tokens` is summed over all sequences:
// KV bytes read = tokens · kv_heads · (head_dim + v_head_dim) · bytes of a number.
// Of prompts and training, attention of all tokens of each sequence over at most `longest` keys, cached ones included.
struct AttentionShape {
  std::int64_t sequences = 0;
  std::int64_t kv_heads = 0;
  std::int64_t q_heads = 0;
  std::int64_t head_dim = 0, v_head_dim = 0;  // v_head_dim 0: V is part of K's row, and read once with it
  std::int64_t latent_values = 0;             // that part's channels; 0: all of them
  double tokens = 0.0;
  double longest = 0.0;           // tokens of the longest sequence
  std::int64_t block_tokens = 0;  // 0: contiguous; else scattered blocks of this size
  DataType type = DataType::bf16;
  double kv_bits = 0.0;  // of a stored number, its part of scales included, where KV is codes; 0: as the type has
  bool causal = true;    // of prompts and training: no query sees the keys behind it
  DataType products = DataType::bf16;  // of prompts and training: what is multiplied

  // Channels of the product with V.
  std::int64_t value_width() const {
    return v_head_dim > 0 ? v_head_dim : latent_values > 0 ? latent_values : head_dim;
  }
  // Numbers of K and V that are read, and their bytes.
  double kv_numbers() const { return tokens * static_cast<double>(kv_heads * (head_dim + v_head_dim)); }
  Bytes kv_bytes() const { return kv_numbers() * (kv_bits > 0.0 ? Bytes(kv_bits / 8.0) : bytes_of(type)); }
};

// Pairs of query and key of a prompt or of training, over all sequences. Of t tokens each that see L keys at most:
// t·L − min(t, L)²/2 with a causal mask, else t·L.
double attended_pairs(const AttentionShape& shape);

// A kernel that streams memory: norms, RoPE, digests, top-k, merges, gathers, Adam. `items` is its natural parallelism
// (rows, blocks, heads × sequences). A look-up in hash tables reads 8 bytes a bucket and 4, a FLOP, a token in it.
struct StreamShape {
  Bytes read, write;
  Flops flops;
  double items = 0.0;
  bool recent = false;  // reads what the kernels before wrote, so that a cache may hold it
};

// Scores of keys by look-up. A row has the tables of some heads of a sequence: for each subspace of their channels
// `clusters` lists, of entries that are a key's number (4 bytes) and its partial score (2). Each query head reads the
// list of the cluster next to it in every subspace; a score of each key (4) is written.
struct LookupShape {
  double rows = 0.0;
  std::int64_t queries = 1;  // query heads of a row
  std::int64_t subspaces = 0, clusters = 0;
  double length = 0.0;  // entries of a list
  double keys = 0.0;    // of a row
  static constexpr double kEntryBytes = 6.0, kScoreBytes = 4.0;

  double lists() const { return static_cast<double>(queries * subspaces); }  // read for a row
  Bytes read() const { return Bytes(rows * lists() * length * kEntryBytes); }
  Bytes tables() const { return Bytes(rows * static_cast<double>(subspaces * clusters) * length * kEntryBytes); }
};

enum class CopyPath : std::uint8_t { copy_engine, batched, sm_zero_copy };
enum class HostMemory : std::uint8_t { pinned, pageable };
enum class Direction : std::uint8_t { h2d, d2h };

// `fragments` copies of `fragment` bytes each, between host memory and HBM.
struct CopyShape {
  Direction direction = Direction::h2d;
  CopyPath path = CopyPath::copy_engine;
  HostMemory memory = HostMemory::pinned;
  double fragments = 1.0;
  Bytes fragment;
  std::int64_t ctas = 0;  // sm_zero_copy: CTAs launched; 0: as many as fill the link
  bool paced = false;     // copy_engine: a few fragments are issued at a time, so that other copies come in between

  Bytes total() const { return fragment * fragments; }
};

// What the host thread does, `count` times; the machine says what each costs.
struct HostShape {
  double count = 1.0;
};

using Shape = std::variant<std::monostate, GemmShape, AttentionShape, StreamShape, CopyShape, HostShape, LookupShape>;

}  // namespace outrider
