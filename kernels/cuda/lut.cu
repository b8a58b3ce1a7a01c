// A CTA sums the scores of one row's keys within a range that shared memory holds. It goes through the row's lists one
// after the other; as the keys of a list are distinct, no additions meet and no atomics are needed.
#include <cmath>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/lut.h"

namespace outrider {
namespace {

constexpr int kThreads = 512, kWarps = kThreads / 32;
constexpr int kRange = 16384;  // keys of a CTA: 64 KiB

struct Best {
  float score;
  int cluster;
};

__device__ Best better(Best a, Best b) {
  return b.score > a.score || (b.score == a.score && b.cluster < a.cluster) ? b : a;
}

// Of centroids of unit length the nearest by angle has the largest product with the query.
__device__ int nearest_centroid(const __nv_bfloat16* query, const __nv_bfloat16* centroids, int clusters, int dim,
                                int lane) {
  Best best{-INFINITY, 0};  // a cluster also where queries are NaN
  for (int cluster = lane; cluster < clusters; cluster += 32) {
    float score = 0.0f;
    for (int first = 0; first < dim; first += 8) {
      float q[8], c[8];
      unpack(load16(query + first), q);
      unpack(load16(centroids + cluster * dim + first), c);
      for (int i = 0; i < 8; ++i) score += q[i] * c[i];
    }
    best = better(best, {score, cluster});
  }
  for (int step = 1; step < 32; step *= 2) {
    const Best other{__shfl_xor_sync(~0u, best.score, step), __shfl_xor_sync(~0u, best.cluster, step)};
    best = better(best, other);
  }
  return best.cluster;
}

// Of every head of the group and subspace, a warp each.
__device__ void find_nearest(const Lookup& lookup, std::int64_t row, int* nearest) {
  const LookupIndex& index = lookup.index;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, dim = lookup.head_dim / index.subspaces;
  for (int list = warp; list < lookup.group * index.subspaces; list += kWarps) {
    const int head = list / index.subspaces, subspace = list % index.subspaces;
    const __nv_bfloat16* query = lookup.queries + (row * lookup.group + head) * lookup.head_dim + subspace * dim;
    const __nv_bfloat16* centroids = index.centroids + (row * index.subspaces + subspace) * index.clusters * dim;
    const int cluster = nearest_centroid(query, centroids, index.clusters, dim, lane);
    if (lane == 0) nearest[list] = cluster;
  }
}

// Adds one list's partial scores of the keys from `first` on.
__device__ void add_list(const LookupIndex& index, std::int64_t list, std::int32_t first, int keys, float* scores) {
  const std::int32_t* list_keys = index.keys + list * index.list_length;
  const __nv_bfloat16* partials = index.partials + list * index.list_length;
#pragma unroll 4
  for (int i = threadIdx.x; i < index.list_length; i += kThreads) {
    const int at = __ldg(list_keys + i) - first;  // kNoKey, too, is below zero
    const float partial = __bfloat162float(partials[i]);
    if (at >= 0 && at < keys) scores[at] = scores[at] == -INFINITY ? partial : scores[at] + partial;
  }
}

// Grid: ranges of keys, rows.
__global__ void __launch_bounds__(kThreads) look_up(Lookup lookup) {
  extern __shared__ float scores[];  // kRange
  __shared__ int nearest[kLookupMostLists];
  const std::int64_t row = blockIdx.y;
  const std::int32_t first = blockIdx.x * kRange;
  const int keys = min(kRange, lookup.counts[row] - first), lists = lookup.group * lookup.index.subspaces;
  if (keys <= 0 && blockIdx.x > 0) return;
  find_nearest(lookup, row, nearest);
  for (int i = threadIdx.x; i < keys; i += kThreads) scores[i] = -INFINITY;
  __syncthreads();
  for (int list = 0; list < lists; ++list) {
    const std::int64_t subspace = row * lookup.index.subspaces + list % lookup.index.subspaces;
    add_list(lookup.index, subspace * lookup.index.clusters + nearest[list], first, keys, scores);
    __syncthreads();
  }
  for (int i = threadIdx.x; i < keys; i += kThreads) lookup.scores[row * lookup.score_stride + first + i] = scores[i];
  if (blockIdx.x > 0 || lookup.nearest == nullptr) return;
  for (int list = threadIdx.x; list < lists; list += kThreads) lookup.nearest[row * lists + list] = nearest[list];
}

bool is_valid(const Lookup& lookup) {
  const LookupIndex& index = lookup.index;
  return index.subspaces >= 1 && index.clusters >= 1 && index.list_length >= 0 && lookup.rows >= 0 &&
         lookup.group >= 1 && lookup.group * index.subspaces <= kLookupMostLists && lookup.head_dim >= 8 &&
         lookup.head_dim % (8 * index.subspaces) == 0 && lookup.most_keys >= 0 &&
         lookup.score_stride >= lookup.most_keys;
}

}  // namespace

cudaError_t launch_lookup(const Lookup& lookup, cudaStream_t stream) {
  if (!is_valid(lookup)) return cudaErrorInvalidValue;
  if (lookup.rows == 0) return cudaSuccess;
  constexpr int kShared = kRange * sizeof(float);
  if (const cudaError_t e = cudaFuncSetAttribute(look_up, cudaFuncAttributeMaxDynamicSharedMemorySize, kShared);
      e != cudaSuccess)
    return e;
  const dim3 grid(lookup.most_keys <= kRange ? 1 : (lookup.most_keys + kRange - 1) / kRange, lookup.rows);
  look_up<<<grid, kThreads, kShared, stream>>>(lookup);
  return cudaGetLastError();
}

}  // namespace outrider
