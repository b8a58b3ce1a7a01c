// Runs a schedule once: the host thread walks its ops, beside it the threads of the CPU lane and of background copies.
// Several run side by side with one thread for all of their CPU lanes, since all share one pool.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/backend/device.h"
#include "kernels/backend/placement.h"
#include "kernels/backend/pool_work.h"

namespace outrider {

struct StepTimes {
  std::int64_t begin_ns = 0, end_ns = 0;
};

struct ExecutionOptions {
  std::chrono::nanoseconds scheduling{0};  // what schedule_step keeps the host thread busy
  std::chrono::seconds patience{60};       // no wait takes longer: something hangs
  Placement placement{};
};

// All that is given outlives this; `device` may be null where no op is on the GPU.
class Execution {
 public:
  Execution(const Schedule& schedule, Device* device, PoolWork& pool, std::span<Flag> flags, ExecutionOptions options);

  // Of ops that run() timed: those of host and CPU, with their flags raised at the end.
  void run();
  // All begin together. The pool serves ops of their CPU lanes in turns, one at a time; the first one's placement says
  // where. The first failure is thrown, once all have ended.
  static void run_together(std::span<Execution* const> replicas);
  const std::vector<OpTimes>& op_times() const { return op_times_; }
  const std::vector<StepTimes>& step_times() const { return step_times_; }

 private:
  void walk_steps();
  void walk_step(std::size_t step);
  void run_host_op(OpIndex op);
  void perform(const ScheduledOp& op, OpIndex index);
  void run_background();
  void reset();
  void enter();  // the device, by the calling thread

  // The next op of the CPU lane, how often was looked whether it is ready, and since when.
  struct Turn {
    std::size_t next = 0;
    std::chrono::steady_clock::time_point since{};
    int looks = 0;
  };
  static void dispatch(std::span<Execution* const> replicas);
  bool take_turn(Turn& turn);
  OpIndex lacking(OpIndex op) const;
  std::runtime_error in_vain(OpIndex op) const;

  void in_thread(int processor, const std::function<void()>& work);
  void await(const Wait& wait);
  void await_flag(OpIndex op);
  void await_step(std::size_t step);
  template <class Ready>
  void watch(Ready ready, OpIndex op);
  void raise(OpIndex op) { flags_[op].raised.store(1, std::memory_order_release); }
  void fail(std::exception_ptr error);

  const Schedule& schedule_;
  Device* device_;
  PoolWork& pool_;
  std::span<Flag> flags_;
  ExecutionOptions options_;
  std::vector<OpIndex> of_pool_, of_background_;
  std::vector<OpTimes> op_times_;
  std::vector<StepTimes> step_times_;
  std::atomic<std::size_t> begun_{0};  // steps
  std::atomic<bool> failed_{false};
  std::mutex failing_;
  std::exception_ptr failure_;
};

}  // namespace outrider
