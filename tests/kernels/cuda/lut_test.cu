// Scores by look-up against double arithmetic: groups, subspaces, ranges of keys, short lists, keys in no list.
#include <cmath>

#include "kernels/cuda/lut.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaLookup : public CudaTest {};

struct Case {
  int group;
  std::vector<std::int32_t> counts;  // keys of each row
  int subspaces = 8, clusters = 64, list_length = 100, head_dim = 128;
};

// An index of random lists, every third of them short.
class Problem {
 public:
  Problem(const Case& c, unsigned seed) : c_(c), dim_(c.head_dim / c.subspaces) {
    RandomStream random(seed);
    const std::size_t rows = c.counts.size(), lists = rows * c.subspaces * c.clusters;
    queries_ = normals(rows * c.group * c.head_dim, random);
    centroids_ = normals(lists * dim_, random);
    for (std::size_t i = 0; i < centroids_.size(); i += dim_) normalise(&centroids_[i]);
    keys_.assign(lists * c.list_length, kNoKey);
    for (std::size_t list = 0; list < lists; ++list) {
      const std::size_t keys = c.counts[list / (c.subspaces * c.clusters)];
      const std::size_t length = std::min<std::size_t>(list % 3 == 0 ? c.list_length / 2 : c.list_length, keys);
      const std::vector<std::int32_t> ids = shuffled(length, keys, random);
      std::copy(ids.begin(), ids.end(), keys_.begin() + list * c.list_length);
    }
    partials_ = normals(keys_.size(), random);
    most_ = *std::max_element(c.counts.begin(), c.counts.end());
    stride_ = most_ + 5;
  }

  void run() {
    const auto rows = static_cast<std::int32_t>(c_.counts.size());
    const DeviceArray<__nv_bfloat16> centroids(centroids_), partials(partials_), queries(queries_);
    const DeviceArray<std::int32_t> keys(keys_), counts(c_.counts), nearest(rows * c_.group * c_.subspaces, kPoisonId);
    const DeviceArray<float> scores(rows * stride_, kPoison);
    check(launch_lookup(
        {.index = {centroids.data(), keys.data(), partials.data(), c_.subspaces, c_.clusters, c_.list_length},
         .queries = queries.data(),
         .rows = rows,
         .group = c_.group,
         .head_dim = c_.head_dim,
         .counts = counts.data(),
         .most_keys = most_,
         .nearest = nearest.data(),
         .scores = scores.data(),
         .score_stride = static_cast<std::int64_t>(stride_)},
        nullptr));
    nearest_ = nearest.host();
    scores_ = scores.host();
  }

  void expect_nearest() const {
    for (std::size_t list = 0; list < nearest_.size(); ++list) {
      ASSERT_GE(nearest_[list], 0);
      ASSERT_LT(nearest_[list], c_.clusters);
      double best = -INFINITY;
      for (int cluster = 0; cluster < c_.clusters; ++cluster) best = std::max(best, product(list, cluster));
      ASSERT_NEAR(product(list, nearest_[list]), best, 1e-5 * (1.0 + std::abs(best)));
    }
  }

  // With the centroids that were taken, which are next to the query but for rounding.
  void expect_scores() const {
    for (std::size_t row = 0; row < c_.counts.size(); ++row) {
      std::vector<double> sums(stride_, 0.0), sizes(stride_, -INFINITY);
      for (int list = 0; list < c_.group * c_.subspaces; ++list) {
        const std::size_t subspace = row * c_.subspaces + list % c_.subspaces;
        const std::size_t first =
            (subspace * c_.clusters + nearest_[row * c_.group * c_.subspaces + list]) * c_.list_length;
        for (std::size_t i = first; i < first + c_.list_length; ++i) {
          if (keys_[i] == kNoKey) continue;
          sums[keys_[i]] += real(partials_[i]);
          sizes[keys_[i]] = std::max(sizes[keys_[i]], 0.0) + std::abs(real(partials_[i]));
        }
      }
      for (std::size_t key = 0; key < stride_; ++key) {
        const float got = scores_[row * stride_ + key];
        if (static_cast<int>(key) >= c_.counts[row]) {
          ASSERT_EQ(got, kPoison);
        } else if (sizes[key] < 0.0) {
          ASSERT_EQ(got, -INFINITY);
        } else {
          ASSERT_NEAR(got, sums[key], 1e-6 * sizes[key] * c_.group * c_.subspaces) << "key " << key;
        }
      }
    }
  }

 private:
  void normalise(__nv_bfloat16* centroid) const {
    double square = 0.0;
    for (std::size_t i = 0; i < dim_; ++i) square += real(centroid[i]) * real(centroid[i]);
    for (std::size_t i = 0; i < dim_; ++i)
      centroid[i] = __float2bfloat16(static_cast<float>(real(centroid[i]) / std::sqrt(square)));
  }

  double product(std::size_t list, int cluster) const {
    const std::size_t head = list / c_.subspaces, subspace = list % c_.subspaces, row = head / c_.group;
    double sum = 0.0;
    for (std::size_t i = 0; i < dim_; ++i)
      sum += real(queries_[head * c_.head_dim + subspace * dim_ + i]) *
             real(centroids_[((row * c_.subspaces + subspace) * c_.clusters + cluster) * dim_ + i]);
    return sum;
  }

  Case c_;
  std::size_t dim_, stride_ = 0;
  std::int32_t most_ = 0;
  std::vector<__nv_bfloat16> queries_, centroids_, partials_;
  std::vector<std::int32_t> keys_, nearest_;
  std::vector<float> scores_;
};

void expect_exact(const Case& c, unsigned seed) {
  Problem problem(c, seed);
  problem.run();
  problem.expect_nearest();
  problem.expect_scores();
}

TEST_F(CudaLookup, AddsTheListsOfTheNearestCentroids) { expect_exact({4, {1000, 500}}, 1); }
TEST_F(CudaLookup, TakesEveryGroup) {
  for (int group = 1; group <= 16; ++group) expect_exact({group, {300}, 8, 16, 40}, 10 + group);
}
TEST_F(CudaLookup, TakesEverySubspaceAndNumberOfClusters) {
  for (const int subspaces : {1, 2, 4, 16}) {
    for (const int clusters : {1, 5, 32, 33, 100}) expect_exact({2, {200}, subspaces, clusters, 30}, 100 + clusters);
  }
  expect_exact({2, {200}, 8, 16, 30, 64}, 200);
}
TEST_F(CudaLookup, TakesMoreKeysThanSharedMemoryHolds) { expect_exact({2, {50001, 3, 16384}, 4, 8, 2500}, 2); }
TEST_F(CudaLookup, TakesRowsWithoutKeys) { expect_exact({2, {0, 1, 33}, 4, 8, 1025}, 3); }
TEST_F(CudaLookup, RefusesWhatItCannotDo) {
  const Lookup one{.rows = 1};
  Lookup uneven = one, large = one;
  uneven.index.subspaces = 3;
  large.group = 33;
  EXPECT_EQ(launch_lookup(uneven, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_lookup(large, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
