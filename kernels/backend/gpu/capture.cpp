// Capture of the ops of one launch_graph, lanes as branches that fork from the compute stream and join it at the end.
#include "kernels/backend/gpu/cuda_device.h"
#include "kernels/cuda/flags.h"

namespace outrider {

class CudaDevice::Capture {
 public:
  Capture(CudaDevice& device, OpIndex launch)
      : device_(device), schedule_(*device.schedule_), launch_(launch), within_(schedule_.ops.size()) {}

  CudaReplay take() {
    const cudaStream_t origin = stream(Lane::compute);
    check_cuda(cudaStreamBeginCapture(origin, cudaStreamCaptureModeThreadLocal));
    mark_of_fork_ = make_event(false);
    check_cuda(cudaEventRecord(mark_of_fork_.get(), origin));
    forked_.fill(false);
    forked_[static_cast<std::size_t>(Lane::compute)] = true;
    for (const OpIndex op : schedule_.ops[launch_].issues) add(op);
    join();
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamEndCapture(origin, &graph));
    cudaGraphExec_t replay = nullptr;
    const cudaError_t made = cudaGraphInstantiate(&replay, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(made);
    check_cuda(cudaGraphUpload(replay, origin));
    return CudaReplay(replay);
  }

 private:
  cudaStream_t stream(Lane lane) const { return device_.streams_[static_cast<std::size_t>(lane)].get(); }

  void add(OpIndex index) {
    const ScheduledOp& op = schedule_.ops[index];
    const Bound& bound = device_.ops_[index];
    const cudaStream_t on = stream(op.lane());
    bool& forked = forked_[static_cast<std::size_t>(op.lane())];
    if (!forked) check_cuda(cudaStreamWaitEvent(on, mark_of_fork_.get(), 0));
    forked = true;
    for (const Wait& wait : op.waits) add_wait(wait, on);
    if (bound.begin) check_cuda(cudaEventRecordWithFlags(bound.begin.get(), on, cudaEventRecordExternal));
    bound.launch(on, Calls::all);
    if (bound.end) check_cuda(cudaEventRecordWithFlags(bound.end.get(), on, cudaEventRecordExternal));
    within_[index] = make_event(false);
    check_cuda(cudaEventRecord(within_[index].get(), on));
    if (op.raises_flag) check_cuda(launch_raise(device_.flag(index), on));
  }

  void add_wait(const Wait& wait, cudaStream_t on) const {
    if (wait.by == WaitBy::flag) return check_cuda(launch_await(device_.flag(wait.on), on));
    if (within_[wait.on]) return check_cuda(cudaStreamWaitEvent(on, within_[wait.on].get(), 0));
    check_cuda(cudaStreamWaitEvent(on, device_.ops_[wait.on].end.get(), cudaEventWaitExternal));
  }

  void join() {
    for (std::size_t lane = 0; lane < forked_.size(); ++lane) {
      if (!forked_[lane] || lane == static_cast<std::size_t>(Lane::compute)) continue;
      joins_.push_back(make_event(false));
      check_cuda(cudaEventRecord(joins_.back().get(), device_.streams_[lane].get()));
      check_cuda(cudaStreamWaitEvent(stream(Lane::compute), joins_.back().get(), 0));
    }
  }

  CudaDevice& device_;
  const Schedule& schedule_;
  OpIndex launch_;
  std::vector<CudaEvent> within_;  // of captured ops, for waits inside the graph
  std::vector<CudaEvent> joins_;
  CudaEvent mark_of_fork_;
  std::array<bool, kLanesPerDevice> forked_{};
};

void CudaDevice::capture_graphs() {
  replays_ = std::vector<CudaReplay>(schedule_->ops.size());
  for (OpIndex index = 0; index < schedule_->ops.size(); ++index) {
    const ScheduledOp& op = schedule_->ops[index];
    if (op.op->family == Family::launch_graph && !op.issues.empty()) replays_[index] = Capture(*this, index).take();
  }
}

}  // namespace outrider
