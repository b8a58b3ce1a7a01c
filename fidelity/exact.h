// The judge: attention over every token in double precision, and the statistics of a head that can be read off it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fidelity/head.h"

namespace outrider {

struct ExactStep {
  std::vector<double> output;        // [group][head_dim]
  std::vector<float> probabilities;  // [group][tokens]
};
// One for each of the head's steps, of the keys and values as they are stored.
std::vector<ExactStep> exact_attention(const Head& head);

// Of one step and KV head, means over its query heads: ‖output − exact‖ ÷ ‖exact‖, and the probability on tokens.
// `tokens` has one list for all query heads, or one for each; without repeated tokens.
double relative_error(const Head& head, const ExactStep& exact, std::span<const float> output);
double covered_mass(const Head& head, const ExactStep& exact, const std::vector<std::vector<std::int32_t>>& tokens);

// What a drawn head shows, means over steps and query heads.
struct HeadStatistics {
  double sink_share = 0.0, recent_share = 0.0;  // as in HeadClass
  double top_20_percent = 0.0;                  // mass on the fifth of the tokens with most
  double below_percent_of_most = 0.0;           // share of tokens below 1 % of the largest probability (H2O's sparsity)
  double entropy = 0.0;                         // ÷ ln tokens: 1 is uniform
  double step_cosine = 0.0;                     // of queries of adjacent steps; 1 for a single step
  double block_turnover = 0.0;  // of the blocks of 32 with most mass, 1/16 of all: share new since the step before
};
HeadStatistics statistics_of(const Head& head, std::span<const ExactStep> exact);

}  // namespace outrider
