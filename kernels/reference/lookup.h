// Scores of keys by look-up, as CSAttention decodes: lists by query centroid name the keys, with partial scores to add.
#pragma once

#include <cstdint>
#include <vector>

namespace outrider {

// Subspace m is the channels from m · width on, width = head_dim ÷ subspaces.
struct LookupLists {
  std::int64_t subspaces = 8, clusters = 64, list_length = 0, head_dim = 128;
  std::vector<float> centroids{};    // [subspaces][clusters][width], of length 1
  std::vector<std::int32_t> keys{};  // [subspaces][clusters][list_length], distinct in a list
  std::vector<float> partials{};     // likewise: centroid · key in the subspace, of the list's order
};

// The lists of the `list_length` keys with the highest partial score for each centroid. `keys` is [count][head_dim].
LookupLists build_lookup(const float* keys, std::int64_t count, std::vector<float> centroids, const LookupLists& shape);

// scores[key] = Σ over the group's heads and the subspaces of the partial score in the list of the centroid nearest by
// angle, of equally near ones the first, times the length of the query there; −∞ for keys in none of these lists.
std::vector<float> lookup_scores(const LookupLists& lists, const float* queries, std::int64_t group,
                                 std::int64_t count);

}  // namespace outrider
