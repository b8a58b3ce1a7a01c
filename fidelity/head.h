// Synthetic heads: keys, values and queries of one KV head with the statistics of real ones, drawn from named streams.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cpu/bf16.h"
#include "sim/base/random.h"

namespace outrider {

// What a class of heads attends to, as shares that a step's attention shows.
struct HeadClass {
  std::string name;
  double sink_share = 0.0;    // of the mass, on the first four tokens
  double recent_share = 0.0;  // of the rest, on the last kRecentTokens
  double spread = 1.0;  // standard deviation of the logits that content makes, σ: the heavier the tail the larger
  std::string source;   // of these figures
};

inline constexpr std::int64_t kSinkTokens = 4;
inline constexpr std::int64_t kRecentTokens = 256;

// What all classes share. Figures and their sources stand in the study's file.
struct Generator {
  std::int64_t head_dim = 128;     // a multiple of 64
  std::int64_t group = 4;          // query heads of the KV head
  double step_correlation = 0.99;  // of the content of queries from step to step, beside what never moves
  double static_share = 0.0;       // of its variance, which never moves: both as in sim's Locality
  double group_cosine = 0.5;       // of the content of two query heads of the group
  std::int64_t topics = 64;
  double topic_share = 0.5;  // of the variance of content, of keys and queries, that a topic's tokens have in common
  double span_tokens = 32;   // mean length of a stretch of one topic
  double value_topic_share = 0.5;
  double key_noise = 0.3;      // standard deviation of keys where they carry no content
  double outlier_scale = 8.0;  // offset of the outlier channels of keys, in standard deviations of content
  double rope_base = 5e5;
};

struct HeadSize {
  std::int64_t tokens = 0;  // of the context; fixed while queries move
  std::int64_t steps = 1;
  std::int64_t prefill_queries = 1024;
};

// Keys before RoPE are, pair by pair of channels (c, c + d/2), from the fastest to the slowest rotation: 22/32 of the
// pairs a constant that all keys share, 8/32 content, then 3/64 outlier channels and one for the sink. Content is
// √s · topic + √(1 − s) · own, both N(0, Λ) with Λ falling as 1/rank from pair to pair; topics come in spans of
// geometric length. Keys of the first four tokens lie apart: they have the sink's pair, and nothing else but noise
// (2410.10781); their values are a tenth as long.
// A query's content is drawn likewise, from topics of its own, and scaled so that logits from content have standard
// deviation σ: then the share of the mass on the f largest weights is Φ(σ − Φ⁻¹(1 − f)), of lognormal weights. Content
// moves from step to step as scores of blocks do in sim/methods/selection.h. The constant channels, under RoPE, make
// logits fall with the logarithm of the distance, as high as gives the recent share; the first token's logit gives the
// sinks their share, the three behind it have half that logit. Both are set at the first step.
struct Head {
  std::int64_t tokens = 0, head_dim = 0, group = 0, steps = 0;
  double scale = 1.0;  // of q · k
  double rope_base = 5e5;
  std::vector<Bf16> keys, values;      // [tokens][head_dim]
  std::vector<Bf16> kv;                // [tokens][2][head_dim], as attention reads them
  std::vector<float> unrotated;        // keys before RoPE
  std::vector<float> queries;          // [steps][group][head_dim]
  std::vector<float> prefill_queries;  // [count][head_dim], from positions of the second half of the context
  std::vector<std::int64_t> prefill_positions;

  const float* query(std::size_t step) const { return queries.data() + step * query_size(); }
  std::size_t query_size() const { return static_cast<std::size_t>(group * head_dim); }
};

Head make_head(const HeadClass& kind, const Generator& generator, const HeadSize& size, const RandomStream& stream);

// Rotates [head_dim] by a position, pairs (c, c + head_dim/2), as Llama does.
void rotate(float* vector, std::int64_t head_dim, double rope_base, double position);

// Whether a channel in [0, head_dim) carries content.
bool carries_content(std::int64_t channel, std::int64_t head_dim);

// Queries [group][head_dim] at cosine `cosine` to the step's, each with an error of its own, orthogonal to it: in the
// channels of content, which is what moves, or in all channels alike.
std::vector<float> predicted_queries(const Head& head, std::size_t step, double cosine, bool content_only,
                                     RandomStream stream);

}  // namespace outrider
