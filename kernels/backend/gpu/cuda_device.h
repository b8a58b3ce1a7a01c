// The GPU by CUDA: streams, events, flags, captured graphs, and what was timed.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend/device.h"
#include "kernels/backend/gpu/binder.h"
#include "kernels/cuda/timing.h"

namespace outrider {

// An event, a stream, a graph: destroyed with this.
template <class Handle, cudaError_t (*kDestroy)(Handle)>
class CudaHandle {
 public:
  CudaHandle() = default;
  explicit CudaHandle(Handle handle) : handle_(handle) {}
  ~CudaHandle() {
    if (handle_ != nullptr) kDestroy(handle_);
  }
  CudaHandle(CudaHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CudaHandle& operator=(CudaHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Handle get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};
using CudaEvent = CudaHandle<cudaEvent_t, cudaEventDestroy>;
using CudaStream = CudaHandle<cudaStream_t, cudaStreamDestroy>;
using CudaReplay = CudaHandle<cudaGraphExec_t, cudaGraphExecDestroy>;
CudaEvent make_event(bool timed);
CudaStream make_stream();

// Times. A timed op's events are recorded behind its waits and behind its work, and an event that others wait for is
// the latter of these. In a captured graph, an op that only follows another of its lane begins with that one's end: the
// gap between two kernels of a graph, about 1 µs, counts as the latter's, as it does where kernels are calibrated.
// Before each step an event is recorded on an idle stream and watched by the host thread, three times: in the middle of
// the quickest time it took, the GPU's clock and the host's are taken to agree, which is right within half of that time
// (some 3 µs). This costs some 20 µs between steps, none within.
class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int gpu);
  ~CudaDevice() override;

  void enter() override;
  std::string name() const override;
  std::size_t free_bytes() const override;
  void prepare(const Binding& binding) override;
  void time_ops(TimedOps timed) override;
  void begin_step(std::size_t step) override;
  void issue(OpIndex op, Calls calls) override;
  void launch_graph(OpIndex op) override;
  void wait(OpIndex op) override;
  void drain() override;
  OpTimes times(OpIndex op) const override;

 private:
  static constexpr int kTries = 3;
  struct Bound {
    BoundLaunch launch;
    CudaEvent begin, end;     // recorded if there; end: also where only others wait for it
    OpIndex follows = kNoOp;  // when timed, that op's end is its begin
  };
  struct Reference {
    std::array<CudaEvent, kTries> events;
    int best = 0;
    std::int64_t host_ns = 0;
  };
  class Capture;

  void allocate();
  std::byte* pin(const HostArena& arena);
  void find_followers();
  void warm_up();
  void capture_graphs();
  cudaStream_t stream_of(OpIndex op) const;
  std::uint32_t* flag(OpIndex op) const { return flags_ + static_cast<std::size_t>(op) * (sizeof(Flag) / 4); }

  int gpu_;
  Binding binding_;
  const Schedule* schedule_ = nullptr;
  std::array<CudaStream, kLanesPerDevice> streams_, background_;
  CudaStream clock_;
  std::vector<std::unique_ptr<CudaMemory>> memory_;
  std::vector<void*> pinned_;
  std::array<std::byte*, kArenas> arenas_{};
  std::uint32_t* flags_ = nullptr;
  std::unique_ptr<Binder> binder_;
  std::vector<Bound> ops_;
  std::vector<CudaReplay> replays_;  // by op: of launch_graph
  TimedOps timed_;
  std::vector<Reference> references_;  // of the steps, if any op is timed
};

}  // namespace outrider
