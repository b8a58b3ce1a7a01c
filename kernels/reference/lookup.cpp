// Plain loops over subspaces and lists.
#include "kernels/reference/lookup.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/topk.h"

namespace outrider {
namespace {

double dot(const float* a, const float* b, std::int64_t width) {
  double sum = 0.0;
  for (std::int64_t c = 0; c < width; ++c) sum += static_cast<double>(a[c]) * static_cast<double>(b[c]);
  return sum;
}

}  // namespace

LookupLists build_lookup(const float* keys, std::int64_t count, std::vector<float> centroids,
                         const LookupLists& shape) {
  LookupLists lists = shape;
  lists.centroids = std::move(centroids);
  lists.list_length = std::min(shape.list_length, count);
  const std::int64_t width = shape.head_dim / shape.subspaces;
  const auto entries = static_cast<std::size_t>(shape.subspaces * shape.clusters * lists.list_length);
  lists.keys.resize(entries);
  lists.partials.resize(entries);
  std::vector<float> scores(static_cast<std::size_t>(count));
  std::vector<std::int32_t> scratch(top_k_scratch(scores.size()));
  for (std::int64_t list = 0; list < shape.subspaces * shape.clusters; ++list) {
    const float* const centroid = lists.centroids.data() + list * width;
    const std::int64_t first = list / shape.clusters * width;
    for (std::int64_t i = 0; i < count; ++i)
      scores[static_cast<std::size_t>(i)] = static_cast<float>(dot(centroid, keys + i * shape.head_dim + first, width));
    std::int32_t* const selected = lists.keys.data() + list * lists.list_length;
    select_top_k(CpuPath::scalar, {.scores = scores, .k = lists.list_length, .selected = selected, .scratch = scratch});
    for (std::int64_t i = 0; i < lists.list_length; ++i)
      lists.partials[static_cast<std::size_t>(list * lists.list_length + i)] =
          scores[static_cast<std::size_t>(selected[i])];
  }
  return lists;
}

std::vector<float> lookup_scores(const LookupLists& lists, const float* queries, std::int64_t group,
                                 std::int64_t count) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  std::vector<float> scores(static_cast<std::size_t>(count), kNone);
  const std::int64_t width = lists.head_dim / lists.subspaces;
  for (std::int64_t part = 0; part < group * lists.subspaces; ++part) {
    const float* const query = queries + part * width;  // head by head, subspace by subspace
    const std::int64_t subspace = part % lists.subspaces;
    std::int64_t nearest = 0;
    double best = -std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; j < lists.clusters; ++j) {
      const double near = dot(query, lists.centroids.data() + (subspace * lists.clusters + j) * width, width);
      if (near > best) nearest = j;
      best = std::max(best, near);
    }
    const auto length = static_cast<float>(std::sqrt(dot(query, query, width)));
    const std::int64_t first = (subspace * lists.clusters + nearest) * lists.list_length;
    for (std::int64_t i = first; i < first + lists.list_length; ++i) {
      float& score = scores[static_cast<std::size_t>(lists.keys[static_cast<std::size_t>(i)])];
      score = (score == kNone ? 0.0f : score) + length * lists.partials[static_cast<std::size_t>(i)];
    }
  }
  return scores;
}

}  // namespace outrider
