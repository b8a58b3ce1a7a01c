// Lloyd's algorithm; the nearest centroids are found by matrix products.
#include "fidelity/clusters.h"

#include <Eigen/Dense>
#include <algorithm>

#include "sim/base/check.h"

namespace outrider {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
constexpr std::int64_t kRowsAtATime = 1024;

Matrix first_centroids(const Matrix& rows, std::int64_t count, RandomStream& stream) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < rows.rows(); ++i) order.push_back(i);
  Matrix centroids(count, rows.cols());
  for (std::int64_t i = 0; i < count; ++i) {  // a partial shuffle
    const auto other = i + static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(rows.rows() - i)));
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(other)]);
    centroids.row(i) = rows.row(order[static_cast<std::size_t>(i)]);
  }
  return centroids;
}

void assign_nearest(const Matrix& rows, const Matrix& centroids, bool by_angle, std::vector<std::int32_t>& nearest) {
  Eigen::RowVectorXf offset = Eigen::RowVectorXf::Zero(centroids.rows());
  if (!by_angle) offset = 0.5f * centroids.rowwise().squaredNorm().transpose();
  for (std::int64_t first = 0; first < rows.rows(); first += kRowsAtATime) {
    const std::int64_t count = std::min(kRowsAtATime, rows.rows() - first);
    Matrix scores = rows.middleRows(first, count) * centroids.transpose();
    scores.rowwise() -= offset;
    for (std::int64_t i = 0; i < count; ++i) {
      Eigen::Index best = 0;
      scores.row(i).maxCoeff(&best);
      nearest[static_cast<std::size_t>(first + i)] = static_cast<std::int32_t>(best);
    }
  }
}

void move_to_means(const Matrix& rows, const std::vector<std::int32_t>& nearest, bool by_angle, Matrix& centroids) {
  Matrix sums = Matrix::Zero(centroids.rows(), centroids.cols());
  std::vector<float> counts(static_cast<std::size_t>(centroids.rows()));
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const std::int32_t cluster = nearest[static_cast<std::size_t>(i)];
    sums.row(cluster) += rows.row(i);
    counts[static_cast<std::size_t>(cluster)] += 1.0f;
  }
  for (std::int64_t c = 0; c < centroids.rows(); ++c) {
    const float length = by_angle ? sums.row(c).norm() : counts[static_cast<std::size_t>(c)];
    if (length > 0.0f) centroids.row(c) = sums.row(c) / length;
  }
}

}  // namespace

Clusters find_clusters(const ClusterRequest& request, RandomStream stream) {
  CHECK(request.clusters >= 1 && request.clusters <= request.rows, "no {} clusters of {} vectors", request.clusters,
        request.rows);
  using Strided = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;
  Matrix rows = Strided(request.vectors, request.rows, request.width, Eigen::OuterStride<>(request.stride));
  if (request.by_angle) rows.rowwise().normalize();
  Matrix centroids = first_centroids(rows, request.clusters, stream);
  std::vector<std::int32_t> nearest(static_cast<std::size_t>(request.rows));
  for (int i = 0; i < request.iterations; ++i) {
    assign_nearest(rows, centroids, request.by_angle, nearest);
    move_to_means(rows, nearest, request.by_angle, centroids);
  }
  assign_nearest(rows, centroids, request.by_angle, nearest);
  return {.count = request.clusters,
          .width = request.width,
          .centroids = std::vector<float>(centroids.data(), centroids.data() + centroids.size()),
          .nearest = std::move(nearest)};
}

}  // namespace outrider
