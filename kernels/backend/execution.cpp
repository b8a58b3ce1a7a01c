// Threads that wait for each other by flags.
#include "kernels/backend/execution.h"

#include <fmt/format.h>

#include <algorithm>
#include <latch>
#include <stdexcept>
#include <thread>
#include <utility>

namespace outrider {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLooksBeforeYielding = 2000, kLooksPerClock = 1 << 14;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Thrown out of waits once another thread has failed.
struct Abandoned {};

}  // namespace

Execution::Execution(const Schedule& schedule, Device* device, PoolWork& pool, std::span<Flag> flags,
                     ExecutionOptions options)
    : schedule_(schedule),
      device_(device),
      pool_(pool),
      flags_(flags),
      options_(options),
      op_times_(schedule.ops.size()),
      step_times_(schedule.steps()) {
  for (OpIndex op = 0; op < schedule.ops.size(); ++op) {
    if (schedule.ops[op].runner == Runner::pool) of_pool_.push_back(op);
    if (schedule.ops[op].runner == Runner::background) of_background_.push_back(op);
  }
}

void Execution::run() {
  Execution* const alone[] = {this};
  run_together(alone);
}

void Execution::run_together(std::span<Execution* const> replicas) {
  for (Execution* each : replicas) each->reset();
  const auto has_background = [](const Execution* each) { return !each->of_background_.empty(); };
  const auto in_background = std::count_if(replicas.begin(), replicas.end(), has_background);
  // All threads enter their device before anything runs there, since entering may wait for what runs.
  std::latch ready(static_cast<std::ptrdiff_t>(replicas.size()) + in_background);
  const auto walk = [&ready](Execution& each) {
    const int processor = each.options_.placement.host;
    each.in_thread(processor, [&] { each.enter(); });
    ready.arrive_and_wait();
    each.in_thread(processor, [&] { each.walk_steps(); });
  };
  std::vector<std::thread> threads;  // before this thread has a place, which they would inherit
  const bool pooled = std::any_of(replicas.begin(), replicas.end(), [](Execution* e) { return !e->of_pool_.empty(); });
  if (pooled) threads.emplace_back([&] { dispatch(replicas); });
  for (Execution* each : replicas) {
    if (!has_background(each)) continue;
    threads.emplace_back([each, &ready] {
      const int processor = each->options_.placement.background;
      each->in_thread(processor, [each] { each->enter(); });
      ready.count_down();
      each->in_thread(processor, [each] { each->run_background(); });
    });
  }
  for (Execution* each : replicas.subspan(1)) threads.emplace_back([&walk, each] { walk(*each); });
  walk(*replicas.front());
  for (std::thread& thread : threads) thread.join();
  std::exception_ptr failure;
  for (Execution* each : replicas) {
    each->in_thread(-1, [each] {
      each->enter();
      if (each->device_ != nullptr) each->device_->drain();
    });
    each->failed_ = false;
    if (each->failure_ && !failure) failure = each->failure_;
    each->failure_ = nullptr;
  }
  if (failure) std::rethrow_exception(failure);
}

void Execution::reset() {
  for (Flag& flag : flags_) flag.raised.store(0, std::memory_order_relaxed);
  begun_ = 0;
}

void Execution::enter() {
  if (device_ != nullptr) device_->enter();
}

void Execution::in_thread(int processor, const std::function<void()>& work) {
  const PinnedHere pinned(processor);
  try {
    work();
  } catch (const Abandoned&) { return; } catch (...) {
    fail(std::current_exception());
  }
}

// Raised flags let kernels and threads go that wait for what will not come.
void Execution::fail(std::exception_ptr error) {
  const std::lock_guard lock(failing_);
  if (!failure_) failure_ = std::move(error);
  failed_ = true;
  for (OpIndex op = 0; op < flags_.size(); ++op) raise(op);
}

void Execution::walk_steps() {
  if (failed_.load(std::memory_order_relaxed)) throw Abandoned();
  for (std::size_t step = 0; step < schedule_.steps(); ++step) walk_step(step);
}

void Execution::walk_step(std::size_t step) {
  if (device_ != nullptr) device_->begin_step(step);
  step_times_[step].begin_ns = now_ns();
  begun_.store(step + 1, std::memory_order_release);
  for (OpIndex op = schedule_.first_op[step]; op < schedule_.first_op[step + 1]; ++op) {
    if (schedule_.ops[op].runner == Runner::host) run_host_op(op);
  }
  for (const Wait& wait : schedule_.closing[step]) await(wait);
  step_times_[step].end_ns = now_ns();
}

void Execution::run_host_op(OpIndex index) {
  const ScheduledOp& op = schedule_.ops[index];
  const std::int64_t called = now_ns();
  for (const Wait& wait : op.waits) await(wait);
  // A synchronize is the wait itself, called at once: what it takes to return is its own time.
  const std::int64_t start = op.op->family == Family::synchronize ? called : now_ns();
  perform(op, index);
  op_times_[index] = {start, now_ns(), true};
  raise(index);
}

void Execution::perform(const ScheduledOp& op, OpIndex index) {
  if (op.op->family == Family::cpu_gather) return pool_.gather_here(index);
  if (op.op->family == Family::schedule_step) {
    const auto until = Clock::now() + options_.scheduling;
    while (Clock::now() < until) relax();
  }
  if (op.op->family == Family::launch_graph && !op.issues.empty()) return device_->launch_graph(index);
  for (const OpIndex issued : op.issues) {
    const ScheduledOp& moved = schedule_.ops[issued];
    device_->issue(issued, moved.rest_issuer == kNoOp   ? Calls::all
                           : moved.rest_issuer == index ? Calls::rest
                                                        : Calls::first);
  }
}

// Looks round until somebody's next op is ready; who was served waits until all others have been looked at.
void Execution::dispatch(std::span<Execution* const> replicas) {
  const PinnedHere pinned(replicas.front()->options_.placement.dispatcher);
  std::vector<Turn> turns(replicas.size(), Turn{.since = Clock::now()});
  int looks = 0;
  for (bool more = true; more;) {
    more = false;
    bool ran = false;
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      const std::size_t before = turns[i].next;
      more = replicas[i]->take_turn(turns[i]) || more;
      ran = ran || turns[i].next != before;
    }
    looks = ran ? 0 : looks + 1;
    if (looks > 0) looks < kLooksBeforeYielding ? relax() : std::this_thread::yield();
  }
}

// Runs the next op of the CPU lane if it is ready. False once there is none, or a thread has failed.
bool Execution::take_turn(Turn& turn) {
  if (turn.next == of_pool_.size() || failed_.load(std::memory_order_relaxed)) return false;
  const OpIndex index = of_pool_[turn.next];
  try {
    if (const OpIndex missing = lacking(index); missing != kNoOp) {
      if (++turn.looks % kLooksPerClock == 0 && Clock::now() - turn.since >= options_.patience) throw in_vain(missing);
      return true;
    }
    const std::int64_t start = now_ns();
    pool_.run(index);
    op_times_[index] = {start, now_ns(), true};
    raise(index);
    turn = {.next = turn.next + 1, .since = Clock::now()};
    return true;
  } catch (...) { fail(std::current_exception()); }
  return false;
}

// What the op waits for that has not ended; before its step, the step's first op.
OpIndex Execution::lacking(OpIndex index) const {
  const ScheduledOp& op = schedule_.ops[index];
  if (begun_.load(std::memory_order_acquire) <= op.step) return schedule_.first_op[op.step];
  for (const Wait& wait : op.waits) {
    if (flags_[wait.on].raised.load(std::memory_order_acquire) == 0) return wait.on;
  }
  return kNoOp;
}

void Execution::run_background() {
  for (const OpIndex index : of_background_) {
    await_step(schedule_.ops[index].step);
    for (const Wait& wait : schedule_.ops[index].waits) await(wait);
    device_->issue(index, Calls::all);
  }
}

void Execution::await(const Wait& wait) {
  if (wait.by == WaitBy::flag) return await_flag(wait.on);
  device_->wait(wait.on);
  if (failed_.load(std::memory_order_relaxed)) throw Abandoned();
}

void Execution::await_flag(OpIndex op) {
  watch([&] { return flags_[op].raised.load(std::memory_order_acquire) != 0; }, op);
}

void Execution::await_step(std::size_t step) {
  watch([&] { return begun_.load(std::memory_order_acquire) > step; }, schedule_.first_op[step]);
}

template <class Ready>
void Execution::watch(Ready ready, OpIndex op) {
  const auto begin = Clock::now();
  for (int looks = 1; !ready(); ++looks) {
    if (failed_.load(std::memory_order_relaxed)) throw Abandoned();
    looks < kLooksBeforeYielding ? relax() : std::this_thread::yield();
    if (looks % kLooksPerClock != 0 || Clock::now() - begin < options_.patience) continue;
    throw in_vain(op);
  }
  if (failed_.load(std::memory_order_relaxed)) throw Abandoned();
}

std::runtime_error Execution::in_vain(OpIndex op) const {
  const ScheduledOp& waited = schedule_.ops[op];
  return std::runtime_error(fmt::format("waited {} s for op {} of step {} ({}), which does not end",
                                        options_.patience.count(), op - schedule_.first_op[waited.step], waited.step,
                                        to_string(waited.op->family)));
}

}  // namespace outrider
