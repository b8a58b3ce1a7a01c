// What selection scores in place of every token: the indexes of the systems, over one synthetic head.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "fidelity/head.h"
#include "kernels/cpu/cpu_path.h"
#include "sim/base/random.h"

namespace outrider {

inline constexpr double kElementBytes = 2.0;  // of bf16, as sim's models store KV

// Scores of units of tokens, for the query heads of a KV head together: the higher, the more it matters to them.
class Index {
 public:
  virtual ~Index() = default;
  virtual std::vector<float> scores(const float* queries) const = 0;  // [units], the last one maybe short
  virtual double bytes_read() const = 0;                              // by one scoring, of one KV head
  std::int64_t unit_tokens() const { return unit_tokens_; }

 protected:
  explicit Index(std::int64_t unit_tokens) : unit_tokens_(unit_tokens) {}

 private:
  std::int64_t unit_tokens_;
};

// Where a probability is not computed by a kernel of its own, query heads are put together by the sum of their
// softmaxes over the units, which for keys is the mass that the group gives a token.

// Every key, scored exactly: n · d · s bytes. The oracle of top-k.
std::unique_ptr<Index> key_index(const Head& head);
// Channel-wise minimum and maximum of a block's keys, scored by the CPU's kernels: 2 · d · s bytes a block.
std::unique_ptr<Index> digest_index(const Head& head, std::int64_t block_tokens, CpuPath path);
// The mean key of a chunk: d · s bytes a chunk.
std::unique_ptr<Index> mean_index(const Head& head, std::int64_t chunk_tokens);
// Product quantisation: `parts` sub-vectors of a key, each a code of `bits` bits: n · parts · bits ÷ 8 bytes.
struct PqShape {
  std::int64_t parts = 2;
  int bits = 6;
};
std::unique_ptr<Index> pq_index(const Head& head, const PqShape& shape, const RandomStream& stream);
// Lists of keys by centroid of the prefill's queries: centroids, and of each query head `subspaces` lists of
// share · n entries of 6 bytes.
struct ListShape {
  std::int64_t subspaces = 8, clusters = 64;
  double share = 0.05;
};
std::unique_ptr<Index> list_index(const Head& head, const ListShape& shape, const RandomStream& stream);
// What each token was given by a sample of the prefill's queries, whatever the query now: no bytes.
std::unique_ptr<Index> history_index(const Head& head, std::int64_t queries);

// The probabilities of `rows` softmaxes over [rows][columns] logits, summed over the rows.
std::vector<float> summed_softmax(const std::vector<float>& logits, std::int64_t rows);
// scale · q · k of [rows] queries and [count] keys of head_dim channels, as [rows][count].
std::vector<float> scaled_products(const Head& head, const float* queries, std::int64_t rows, const float* keys,
                                   std::int64_t count);
std::vector<float> floats_of(const std::vector<Bf16>& values);

}  // namespace outrider
