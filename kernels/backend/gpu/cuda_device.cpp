// Allocation, warm-up, issue and timing.
#include "kernels/backend/gpu/cuda_device.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <utility>

#include "kernels/cuda/flags.h"
#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/trials.h"

namespace outrider {
namespace {

std::int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::int64_t elapsed_ns(const CudaEvent& from, const CudaEvent& to) {
  float milliseconds = 0.0f;
  check_cuda(cudaEventElapsedTime(&milliseconds, from.get(), to.get()));
  return std::llround(static_cast<double>(milliseconds) * 1e6);
}

}  // namespace

CudaEvent make_event(bool timed) {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, timed ? cudaEventDefault : cudaEventDisableTiming));
  return CudaEvent(event);
}

CudaStream make_stream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return CudaStream(stream);
}

CudaDevice::CudaDevice(int gpu) : gpu_(gpu) {
  enter();
  check_cuda(cudaFree(nullptr));  // makes the context, whose memory is then not free
}

CudaDevice::~CudaDevice() {
  cudaSetDevice(gpu_);
  cudaDeviceSynchronize();
  for (void* memory : pinned_) cudaHostUnregister(memory);
}

void CudaDevice::enter() { check_cuda(cudaSetDevice(gpu_)); }

std::string CudaDevice::name() const { return device_info().name; }

std::size_t CudaDevice::free_bytes() const {
  // For events, graphs, tables of pages and workspaces, which are small beside caches.
  constexpr std::size_t kReserve = std::size_t{1} << 30;
  std::size_t free = 0, total = 0;
  check_cuda(cudaMemGetInfo(&free, &total));
  return free > kReserve ? free - kReserve : 0;
}

void CudaDevice::prepare(const Binding& binding) {
  binding_ = binding;
  schedule_ = binding.schedule;
  for (const ScheduledOp& op : schedule_->ops) {
    if (!on_gpu(op.runner)) continue;
    auto& streams = op.runner == Runner::background ? background_ : streams_;
    CudaStream& stream = streams[static_cast<std::size_t>(op.lane())];
    if (!stream) stream = make_stream();
  }
  CudaStream& compute = streams_[static_cast<std::size_t>(Lane::compute)];
  if (!compute) compute = make_stream();
  clock_ = make_stream();
  allocate();
  binder_ = std::make_unique<Binder>(binding_, arenas_);
  ops_.resize(schedule_->ops.size());
  for (OpIndex op = 0; op < ops_.size(); ++op) {
    if (on_gpu(schedule_->ops[op].runner)) ops_[op].launch = binder_->bind(op);
  }
  find_followers();
  warm_up();
}

void CudaDevice::allocate() {
  for (std::size_t i = 0; i < arenas_.size(); ++i) {
    const std::size_t bytes = binding_.layout->arenas[i].bytes;
    if (bytes == 0) continue;
    if (!on_gpu(static_cast<Arena>(i))) {
      arenas_[i] = pin(binding_.host[i]);
      continue;
    }
    memory_.push_back(std::make_unique<CudaMemory>(CudaMemory::Where::device, bytes + kAlignment));
    arenas_[i] = memory_.back()->as<std::byte>();
    check_cuda(launch_random_bf16(arenas_[i], bytes / 2, nullptr));
  }
  const std::size_t flags = schedule_->ops.size() * sizeof(Flag);
  std::byte* const pinned = pin({reinterpret_cast<std::byte*>(binding_.flags), flags, true});
  flags_ = reinterpret_cast<std::uint32_t*>(pinned);
  check_cuda(cudaDeviceSynchronize());
}

// The host memory as the device addresses it.
std::byte* CudaDevice::pin(const HostArena& arena) {
  if (!arena.pinned) return arena.data;
  check_cuda(cudaHostRegister(arena.data, arena.bytes, cudaHostRegisterMapped | cudaHostRegisterPortable));
  pinned_.push_back(arena.data);
  void* device = nullptr;
  check_cuda(cudaHostGetDevicePointer(&device, arena.data, 0));
  return static_cast<std::byte*>(device);
}

void CudaDevice::time_ops(TimedOps timed) {
  timed_ = timed;
  std::vector<bool> ends(ops_.size());
  for (OpIndex op = 0; op < ops_.size(); ++op) {
    if (!timed.contains(op) || !on_gpu(schedule_->ops[op].runner)) continue;
    ends[op] = true;
    if (ops_[op].follows != kNoOp) ends[ops_[op].follows] = true;
  }
  for (OpIndex op = 0; op < ops_.size(); ++op) {
    if (!on_gpu(schedule_->ops[op].runner)) continue;
    Bound& bound = ops_[op];
    bound.begin = timed.contains(op) && bound.follows == kNoOp ? make_event(true) : CudaEvent();
    bound.end = ends[op] || schedule_->ops[op].records_event ? make_event(ends[op]) : CudaEvent();
  }
  references_ = std::vector<Reference>(timed.any() ? schedule_->steps() : 0);
  for (Reference& reference : references_) {
    for (CudaEvent& event : reference.events) event = make_event(true);
  }
  capture_graphs();
  drain();
}

// Of captured ops that wait for nothing but the op before them on their lane, behind which nothing else is captured.
void CudaDevice::find_followers() {
  for (const ScheduledOp& launch : schedule_->ops) {
    std::array<OpIndex, kLanesPerDevice> previous;
    previous.fill(kNoOp);
    for (const OpIndex index : launch.issues) {
      const ScheduledOp& op = schedule_->ops[index];
      if (op.runner != Runner::captured) break;
      OpIndex& before = previous[static_cast<std::size_t>(op.lane())];
      if (before != kNoOp && op.waits.empty() && !schedule_->ops[before].raises_flag) ops_[index].follows = before;
      before = index;
    }
  }
}

// Kernels are loaded at their first launch, which may wait for what runs: none of that may happen beside a kernel that
// watches a flag.
void CudaDevice::warm_up() {
  for (OpIndex op = 0; op < ops_.size(); ++op) {
    if (on_gpu(schedule_->ops[op].runner)) ops_[op].launch(stream_of(op), Calls::all);
  }
  binding_.flags->raised = 0;
  check_cuda(launch_raise(flags_, clock_.get()));
  check_cuda(launch_await(flags_, clock_.get()));
  check_cuda(cudaDeviceSynchronize());
}

cudaStream_t CudaDevice::stream_of(OpIndex op) const {
  const ScheduledOp& scheduled = schedule_->ops[op];
  const auto& streams = scheduled.runner == Runner::background ? background_ : streams_;
  return streams[static_cast<std::size_t>(scheduled.lane())].get();
}

void CudaDevice::begin_step(std::size_t step) {
  if (references_.empty()) return;
  Reference& reference = references_[step];
  std::int64_t least = 0;
  for (int i = 0; i < kTries; ++i) {
    const cudaEvent_t event = reference.events[static_cast<std::size_t>(i)].get();
    const std::int64_t before = now_ns();
    check_cuda(cudaEventRecord(event, clock_.get()));
    cudaError_t state = cudaEventQuery(event);
    while (state == cudaErrorNotReady) state = cudaEventQuery(event);
    check_cuda(state);
    const std::int64_t took = now_ns() - before;
    if (i > 0 && took >= least) continue;
    least = took;
    reference.best = i;
    reference.host_ns = before + took / 2;
  }
}

void CudaDevice::issue(OpIndex index, Calls calls) {
  const ScheduledOp& op = schedule_->ops[index];
  const Bound& bound = ops_[index];
  const cudaStream_t stream = stream_of(index);
  if (calls != Calls::rest) {
    // Who issues in the background has waited for flags itself.
    for (const Wait& wait : op.waits) {
      if (wait.by == WaitBy::event) {
        check_cuda(cudaStreamWaitEvent(stream, ops_[wait.on].end.get(), 0));
      } else if (op.runner != Runner::background) {
        check_cuda(launch_await(flag(wait.on), stream));
      }
    }
    if (bound.begin) check_cuda(cudaEventRecord(bound.begin.get(), stream));
  }
  bound.launch(stream, calls);
  if (calls == Calls::first) return;
  if (bound.end) check_cuda(cudaEventRecord(bound.end.get(), stream));
  if (op.raises_flag) check_cuda(launch_raise(flag(index), stream));
}

void CudaDevice::launch_graph(OpIndex op) {
  check_cuda(cudaGraphLaunch(replays_[op].get(), streams_[static_cast<std::size_t>(Lane::compute)].get()));
}

void CudaDevice::wait(OpIndex op) { check_cuda(cudaEventSynchronize(ops_[op].end.get())); }

void CudaDevice::drain() { check_cuda(cudaDeviceSynchronize()); }

OpTimes CudaDevice::times(OpIndex op) const {
  const Bound& bound = ops_[op];
  if (!timed_.contains(op)) return {};
  const Reference& reference = references_[schedule_->ops[op].step];
  const CudaEvent& zero = reference.events[static_cast<std::size_t>(reference.best)];
  const CudaEvent& begin = bound.follows == kNoOp ? bound.begin : ops_[bound.follows].end;
  return {reference.host_ns + elapsed_ns(zero, begin), reference.host_ns + elapsed_ns(zero, bound.end), true};
}

std::unique_ptr<Device> make_device(int gpu) {
  return missing_device(gpu).empty() ? std::make_unique<CudaDevice>(gpu) : nullptr;
}

std::string missing_device(int gpu) {
  int count = 0;
  std::string missing = device_info().missing;
  if (!missing.empty() || cudaGetDeviceCount(&count) != cudaSuccess || gpu < count) return missing;
  return fmt::format("{} GPUs are needed, and there {} {}", gpu + 1, count == 1 ? "is" : "are", count);
}

}  // namespace outrider
