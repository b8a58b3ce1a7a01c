// The indexes, each a class of some lines.
#include "fidelity/index.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "fidelity/clusters.h"
#include "kernels/cpu/digest.h"
#include "kernels/reference/lookup.h"

namespace outrider {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

class KeyIndex : public Index {
 public:
  explicit KeyIndex(const Head& head) : Index(1), head_(head), keys_(floats_of(head.keys)) {}
  std::vector<float> scores(const float* queries) const override {
    return summed_softmax(scaled_products(head_, queries, head_.group, keys_.data(), head_.tokens), head_.group);
  }
  double bytes_read() const override {
    return static_cast<double>(head_.tokens) * static_cast<double>(head_.head_dim) * kElementBytes;
  }

 private:
  const Head& head_;
  std::vector<float> keys_;
};

class DigestIndex : public Index {
 public:
  DigestIndex(const Head& head, std::int64_t block_tokens, CpuPath path)
      : Index(block_tokens), head_(head), path_(path) {
    blocks_.resize(static_cast<std::size_t>((head.tokens + block_tokens - 1) / block_tokens));
    std::iota(blocks_.begin(), blocks_.end(), 0);
    std::vector<std::int32_t> filled(blocks_.size(), static_cast<std::int32_t>(block_tokens));
    filled.back() =
        static_cast<std::int32_t>(head.tokens - block_tokens * static_cast<std::int64_t>(blocks_.size() - 1));
    digests_.resize(blocks_.size() * 2 * static_cast<std::size_t>(head.head_dim));
    build_digests(path, {.keys = head.keys.data(),
                         .key_stride = block_tokens * head.head_dim,
                         .blocks = blocks_,
                         .targets = {},
                         .tokens = filled,
                         .block_tokens = block_tokens,
                         .kv_heads = 1,
                         .head_dim = head.head_dim,
                         .digests = digests_.data()});
  }
  std::vector<float> scores(const float* queries) const override {
    std::vector<Bf16> rounded;
    for (std::size_t c = 0; c < head_.query_size(); ++c) rounded.push_back(to_bf16(queries[c]));
    std::vector<float> result(blocks_.size());
    score_digests(path_, {.queries = rounded.data(),
                          .digests = digests_.data(),
                          .blocks = blocks_,
                          .group = head_.group,
                          .head_dim = head_.head_dim,
                          .scores = result.data()});
    return result;
  }
  double bytes_read() const override { return static_cast<double>(digests_.size()) * kElementBytes; }

 private:
  const Head& head_;
  CpuPath path_;
  std::vector<std::int32_t> blocks_;
  std::vector<Bf16> digests_;
};

class MeanIndex : public Index {
 public:
  MeanIndex(const Head& head, std::int64_t chunk_tokens) : Index(chunk_tokens), head_(head) {
    const auto width = static_cast<std::size_t>(head.head_dim);
    for (std::int64_t first = 0; first < head.tokens; first += chunk_tokens) {
      std::vector<double> sum(width);
      const std::int64_t count = std::min(chunk_tokens, head.tokens - first);
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        for (std::size_t c = 0; c < width; ++c)
          sum[c] += static_cast<double>(to_float(head.keys[(static_cast<std::size_t>(first) + i) * width + c]));
      }
      for (const double each : sum)
        means_.push_back(to_float(to_bf16(static_cast<float>(each / static_cast<double>(count)))));
    }
  }
  std::vector<float> scores(const float* queries) const override {
    const auto chunks = static_cast<std::int64_t>(means_.size()) / head_.head_dim;
    return summed_softmax(scaled_products(head_, queries, head_.group, means_.data(), chunks), head_.group);
  }
  double bytes_read() const override { return static_cast<double>(means_.size()) * kElementBytes; }

 private:
  const Head& head_;
  std::vector<float> means_;
};

class PqIndex : public Index {
 public:
  PqIndex(const Head& head, const PqShape& shape, const RandomStream& stream)
      : Index(1), head_(head), shape_(shape), width_(head.head_dim / shape.parts) {
    const std::vector<float> keys = floats_of(head.keys);
    for (std::int64_t part = 0; part < shape.parts; ++part) {
      parts_.push_back(find_clusters({.vectors = keys.data() + part * width_,
                                      .rows = head.tokens,
                                      .stride = head.head_dim,
                                      .width = width_,
                                      .clusters = std::min(head.tokens, std::int64_t{1} << shape.bits)},
                                     stream.fork(static_cast<std::uint64_t>(part))));
    }
  }
  std::vector<float> scores(const float* queries) const override {
    std::vector<float> logits(static_cast<std::size_t>(head_.group * head_.tokens));
    for (std::int64_t h = 0; h < head_.group; ++h) {
      for (std::int64_t part = 0; part < shape_.parts; ++part)
        add(queries + h * head_.head_dim + part * width_, parts_[static_cast<std::size_t>(part)],
            logits.data() + h * head_.tokens);
    }
    return summed_softmax(logits, head_.group);
  }
  double bytes_read() const override { return static_cast<double>(head_.tokens * shape_.parts) * shape_.bits / 8.0; }

 private:
  // By a table of the query's product with each centroid.
  void add(const float* query, const Clusters& part, float* logits) const {
    using Row = Eigen::Map<const Eigen::VectorXf>;
    const Eigen::VectorXf table =
        static_cast<float>(head_.scale) *
        (Eigen::Map<const Matrix>(part.centroids.data(), part.count, part.width) * Row(query, part.width));
    for (std::size_t i = 0; i < part.nearest.size(); ++i) logits[i] += table[part.nearest[i]];
  }

  const Head& head_;
  PqShape shape_;
  std::int64_t width_;
  std::vector<Clusters> parts_;
};

class ListIndex : public Index {
 public:
  ListIndex(const Head& head, const ListShape& shape, const RandomStream& stream) : Index(1), head_(head) {
    const std::int64_t width = head.head_dim / shape.subspaces;
    const auto queries = static_cast<std::int64_t>(head.prefill_queries.size()) / head.head_dim;
    std::vector<float> centroids;
    for (std::int64_t part = 0; part < shape.subspaces; ++part) {
      const Clusters found = find_clusters({.vectors = head.prefill_queries.data() + part * width,
                                            .rows = queries,
                                            .stride = head.head_dim,
                                            .width = width,
                                            .clusters = std::min(queries, shape.clusters),
                                            .by_angle = true},
                                           stream.fork(static_cast<std::uint64_t>(part)));
      centroids.insert(centroids.end(), found.centroids.begin(), found.centroids.end());
    }
    const auto length = static_cast<std::int64_t>(std::ceil(shape.share * static_cast<double>(head.tokens)));
    lists_ = build_lookup(floats_of(head.keys).data(), head.tokens, std::move(centroids),
                          {.subspaces = shape.subspaces,
                           .clusters = std::min(queries, shape.clusters),
                           .list_length = length,
                           .head_dim = head.head_dim,
                           .centroids = {},
                           .keys = {},
                           .partials = {}});
  }
  std::vector<float> scores(const float* queries) const override {
    return lookup_scores(lists_, queries, head_.group, head_.tokens);
  }
  double bytes_read() const override {
    const double entries = static_cast<double>(head_.group * lists_.subspaces * lists_.list_length);
    return 6.0 * entries + kElementBytes * static_cast<double>(lists_.centroids.size());
  }

 private:
  const Head& head_;
  LookupLists lists_;
};

class HistoryIndex : public Index {
 public:
  HistoryIndex(const Head& head, std::int64_t queries) : Index(1) {
    const auto count = std::min(queries, static_cast<std::int64_t>(head.prefill_queries.size()) / head.head_dim);
    sums_ = summed_softmax(
        scaled_products(head, head.prefill_queries.data(), count, floats_of(head.keys).data(), head.tokens), count);
  }
  std::vector<float> scores(const float*) const override { return sums_; }
  double bytes_read() const override { return 0.0; }

 private:
  std::vector<float> sums_;
};

}  // namespace

std::vector<float> floats_of(const std::vector<Bf16>& values) {
  std::vector<float> result;
  result.reserve(values.size());
  for (const Bf16 each : values) result.push_back(to_float(each));
  return result;
}

std::vector<float> scaled_products(const Head& head, const float* queries, std::int64_t rows, const float* keys,
                                   std::int64_t count) {
  std::vector<float> result(static_cast<std::size_t>(rows * count));
  using Rows = Eigen::Map<const Matrix>;
  Eigen::Map<Matrix>(result.data(), rows, count).noalias() =
      static_cast<float>(head.scale) *
      (Rows(queries, rows, head.head_dim) * Rows(keys, count, head.head_dim).transpose());
  return result;
}

std::vector<float> summed_softmax(const std::vector<float>& logits, std::int64_t rows) {
  const std::size_t columns = logits.size() / static_cast<std::size_t>(rows);
  std::vector<float> sums(columns);
  std::vector<double> weights(columns);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    const float* const first = logits.data() + row * columns;
    const double most = static_cast<double>(*std::max_element(first, first + columns));
    double total = 0.0;
    for (std::size_t i = 0; i < columns; ++i) {
      weights[i] = std::exp(static_cast<double>(first[i]) - most);
      total += weights[i];
    }
    for (std::size_t i = 0; i < columns; ++i) sums[i] += static_cast<float>(weights[i] / total);
  }
  return sums;
}

std::unique_ptr<Index> key_index(const Head& head) { return std::make_unique<KeyIndex>(head); }
std::unique_ptr<Index> digest_index(const Head& head, std::int64_t block_tokens, CpuPath path) {
  return std::make_unique<DigestIndex>(head, block_tokens, path);
}
std::unique_ptr<Index> mean_index(const Head& head, std::int64_t chunk_tokens) {
  return std::make_unique<MeanIndex>(head, chunk_tokens);
}
std::unique_ptr<Index> pq_index(const Head& head, const PqShape& shape, const RandomStream& stream) {
  return std::make_unique<PqIndex>(head, shape, stream);
}
std::unique_ptr<Index> list_index(const Head& head, const ListShape& shape, const RandomStream& stream) {
  return std::make_unique<ListIndex>(head, shape, stream);
}
std::unique_ptr<Index> history_index(const Head& head, std::int64_t queries) {
  return std::make_unique<HistoryIndex>(head, queries);
}

}  // namespace outrider
