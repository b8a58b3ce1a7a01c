// Launches of copies: a call for each fragment, one call for all, or a kernel that reads host memory.
#include <stdexcept>

#include "kernels/backend/gpu/binder.h"
#include "kernels/cuda/gather.h"

namespace outrider {
namespace {

constexpr std::int32_t kGatherCtas = 8;  // enough to fill PCIe; other kernels keep the rest

struct CopyCalls {
  std::byte* from = nullptr;
  std::byte* to = nullptr;
  Fragments fragments;
  cudaMemcpyKind kind = cudaMemcpyHostToDevice;

  // Scattered on the side of the host, in order on the GPU's.
  void call(std::int64_t i, cudaStream_t stream) const {
    const auto near = static_cast<std::size_t>(i) * fragments.bytes;
    const auto far = static_cast<std::size_t>(scattered(i, fragments.count)) * fragments.bytes;
    const bool to_gpu = kind == cudaMemcpyHostToDevice;
    check_cuda(
        cudaMemcpyAsync(to + (to_gpu ? near : far), from + (to_gpu ? far : near), fragments.bytes, kind, stream));
  }
};

// The arguments of one batched call, which it wants as arrays.
struct BatchCall {
  std::vector<void*> targets;
  std::vector<const void*> sources;
  std::vector<std::size_t> sizes;
};

}  // namespace

BoundLaunch Binder::bind_copy(OpIndex op, const CopyShape& shape) {
  if (shape.path == CopyPath::sm_zero_copy) return bind_gather(op, shape);
  // A batched call cannot be captured: a graph holds a node for each of its fragments.
  if (shape.path == CopyPath::batched && schedule_.ops[op].runner != Runner::captured) return bind_batch(op, shape);
  return bind_calls(op, shape);
}

BoundLaunch Binder::bind_calls(OpIndex op, const CopyShape& shape) {
  const CopyCalls copy{.from = read(op),
                       .to = written(op),
                       .fragments = fragments_of(shape),
                       .kind = shape.direction == Direction::h2d ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost};
  return [copy](cudaStream_t stream, Calls calls) {
    const std::int64_t first = calls == Calls::rest ? 1 : 0;
    const std::int64_t last = calls == Calls::first ? 1 : copy.fragments.count;
    for (std::int64_t i = first; i < last; ++i) copy.call(i, stream);
  };
}

BoundLaunch Binder::bind_batch(OpIndex op, const CopyShape& shape) {
#if CUDART_VERSION >= 13000
  const Fragments fragments = fragments_of(shape);
  BatchCall batch;
  for (std::int64_t i = 0; i < fragments.count; ++i) {
    batch.sources.push_back(read(op) + static_cast<std::size_t>(scattered(i, fragments.count)) * fragments.bytes);
    batch.targets.push_back(written(op) + static_cast<std::size_t>(i) * fragments.bytes);
    batch.sizes.push_back(fragments.bytes);
  }
  return [batch = std::move(batch)](cudaStream_t stream, Calls) {
    cudaMemcpyAttributes attributes{};
    attributes.srcAccessOrder = cudaMemcpySrcAccessOrderStream;
    std::size_t first = 0;
    check_cuda(cudaMemcpyBatchAsync(batch.targets.data(), batch.sources.data(), batch.sizes.data(), batch.sizes.size(),
                                    &attributes, &first, 1, stream));
  };
#else
  (void)op;
  (void)shape;
  throw std::runtime_error("batched copies need CUDA 13");
#endif
}

BoundLaunch Binder::bind_gather(OpIndex op, const CopyShape& shape) {
  const Fragments fragments = fragments_of(shape);
  Gather gather;
  gather.host = read(op);
  gather.sources = tables_.scattered_sources(fragments);
  gather.slots = tables_.ascending(fragments.count);
  gather.most = static_cast<std::int32_t>(fragments.count);
  gather.pool = written(op);
  gather.fragment_bytes = gather.slot_bytes = static_cast<std::int64_t>(fragments.bytes);
  gather.ctas = shape.ctas > 0 ? static_cast<std::int32_t>(shape.ctas) : kGatherCtas;
  return [gather](cudaStream_t stream, Calls) { check_cuda(launch_gather(gather, stream)); };
}

}  // namespace outrider
