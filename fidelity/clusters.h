// k-means over vectors, for the indexes that are built of centroids.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/random.h"

namespace outrider {

struct Clusters {
  std::int64_t count = 0, width = 0;
  std::vector<float> centroids;       // [count][width]
  std::vector<std::int32_t> nearest;  // of each vector
};

struct ClusterRequest {
  const float* vectors = nullptr;  // [rows][stride], of which the first `width` channels count
  std::int64_t rows = 0, stride = 0, width = 0;
  std::int64_t clusters = 0;  // at most rows
  int iterations = 6;         // of Lloyd's, from `clusters` vectors drawn without repetition
  bool by_angle = false;      // cosine instead of Euclid: centroids have length 1
};

// Single-threaded, and the same for the same stream. A cluster that loses all its vectors keeps its centroid.
Clusters find_clusters(const ClusterRequest& request, RandomStream stream);

}  // namespace outrider
