// What an op's shape says about its work: which memory it touches, and how its tokens lie over sequences.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/product.h"
#include "sim/graph/op.h"

namespace outrider {

// Memory of one kind, shared by all ops. See layout.h for who gets which part of it.
enum class Arena : std::uint8_t {
  weights,      // GPU
  cache,        // GPU: KV, digests and whatever else a kernel streams that no kernel just wrote
  activations,  // GPU: two halves; a kernel reads what the kernel before wrote, and writes the other half
  landing,      // GPU: where copies from the host arrive
  host_cache,   // host, pinned: what is copied to the GPU, and what the CPU attends or gathers
  pageable,     // host, not pinned
  outbox,       // host, pinned: where copies to the host arrive, and what the CPU gathered
};
inline constexpr int kArenas = static_cast<int>(Arena::outbox) + 1;
const char* to_string(Arena arena);
constexpr bool on_gpu(Arena arena) { return arena <= Arena::landing; }

// Bytes that an op touches of an arena: what it reads, and what it writes.
struct Touch {
  Arena arena = Arena::activations;
  std::size_t bytes = 0;
};
struct Footprint {
  std::vector<Touch> reads, writes;
};
Footprint footprint(const Op& op);

// Why no executor can do this op; empty where one can.
std::string unsupported(const Op& op);

// Pages of KV on the GPU and blocks of it on the host. Methods' blocks of other sizes are cut into such.
inline constexpr std::int64_t kPageTokens = 32;
// … but for single tokens, which the CPU attends as they lie.
constexpr std::int64_t host_block_tokens(const AttentionShape& shape) {
  return shape.block_tokens == 1 ? 1 : kPageTokens;
}
inline constexpr std::size_t kAlignment = 256;
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Tokens of each sequence that has any: the first has the longest's, the others share the rest evenly, in whole blocks
// where there are blocks.
std::vector<std::int64_t> tokens_by_sequence(const AttentionShape& shape);
// Pages of one KV head over all sequences, and their bytes over all heads.
std::int64_t pages_of(const AttentionShape& shape);
std::size_t page_bytes(const AttentionShape& shape);
std::size_t cache_bytes(const AttentionShape& shape);  // of all pages, or of their codes

// Of attention over codes: those of all pages, and behind them a scale and zero point, two bf16, for kScaleChannels
// channels of each row. Codes have 8, 4 or 2 bits, the most that the shape's bits leave room for.
inline constexpr std::int64_t kScaleChannels = 64;
std::int32_t code_bits(double kv_bits);  // 0: too few for any
std::int64_t code_rows(const AttentionShape& shape);
std::size_t code_bytes(std::int64_t rows, std::int64_t head_dim, std::int32_t bits);
std::size_t scale_bytes(std::int64_t rows, std::int64_t head_dim);

// The i-th of `count` places in scattered order: a permutation for any count.
std::int64_t scattered(std::int64_t i, std::int64_t count);

// Counts in shapes are means: at least one.
std::int64_t whole(double count);
// Fragments of a copy, each rounded up to the words that kernels copy.
struct Fragments {
  std::int64_t count = 0;
  std::size_t bytes = 0;
};
Fragments fragments_of(const CopyShape& shape);

// Of a look-up in hash tables: query heads, and the tables of each one's KV head. It reads 8 bytes of bounds for each
// bucket and 4 for each token in it, does a FLOP for each of these, and writes a byte, their count, for each token.
struct HashShape {
  std::int64_t rows = 0, tables = 0, buckets = 0, tokens = 0;
  auto operator<=>(const HashShape&) const = default;
};
HashShape hash_shape_of(const StreamShape& shape);

// What a product really multiplies: rows of FP8 come in multiples of 16.
Product product_of(const GemmShape& shape);

}  // namespace outrider
