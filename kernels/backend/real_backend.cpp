// Planning: schedule, layout, memory, bindings; then runs of what was planned.
#include "kernels/backend/real_backend.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "kernels/backend/execution.h"
#include "kernels/backend/layout.h"
#include "kernels/backend/placement.h"
#include "kernels/backend/pool_work.h"
#include "kernels/backend/schedule.h"
#include "kernels/backend/timed_parts.h"
#include "kernels/backend/trace_builder.h"
#include "kernels/cpu/bf16.h"
#include "kernels/cpu/pages.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

// Memory that the system can give without swapping.
std::size_t free_host_bytes() {
  std::ifstream file("/proc/meminfo");
  constexpr std::string_view kAvailable = "MemAvailable:";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kAvailable)) return std::strtoull(line.c_str() + kAvailable.size(), nullptr, 10) * 1024;
  }
  const long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGE_SIZE);
  return static_cast<std::size_t>(pages) * static_cast<std::size_t>(bytes);
}

bool has_background(const Schedule& schedule) {
  return std::any_of(schedule.ops.begin(), schedule.ops.end(),
                     [](const ScheduledOp& op) { return op.runner == Runner::background; });
}

void require_memory(const Schedule& schedule, const Layout& layout, bool of_gpu, std::size_t free_bytes) {
  const std::string complaint = memory_complaint(schedule, layout, of_gpu, free_bytes);
  if (!complaint.empty()) throw std::runtime_error(complaint);
}

bool needs_gpu(const Schedule& schedule) {
  return std::any_of(schedule.ops.begin(), schedule.ops.end(), [](const ScheduledOp& op) { return on_gpu(op.runner); });
}

void require_device(const Schedule& schedule, const Device* device, int gpu) {
  if (device != nullptr || !needs_gpu(schedule)) return;
  if (gpu > 0) throw std::invalid_argument(missing_device(gpu));
  for (OpIndex index = 0; index < schedule.ops.size(); ++index) {
    const ScheduledOp& op = schedule.ops[index];
    if (!on_gpu(op.runner)) continue;
    throw std::invalid_argument(fmt::format(
        "{}: it runs steps of host and CPU ops only, and op {} of step {} is a {} on the {}", missing_device(),
        index - schedule.first_op[op.step], op.step, to_string(op.op->family), to_string(op.lane())));
  }
}

// A stretch of random values, repeated: caches see addresses, and power sees values.
void fill_random(std::byte* data, std::size_t bytes, ThreadPool& pool) {
  constexpr std::size_t kStretch = std::size_t{1} << 22;
  std::vector<Bf16> values(std::min(bytes, kStretch) / sizeof(Bf16) + 1);
  RandomStream random(1);
  for (Bf16& value : values) value = to_bf16(static_cast<float>(2.0 * random.uniform() - 1.0));
  const std::size_t stretches = (bytes + kStretch - 1) / kStretch;
  pool.parallel_for(stretches, [&](std::size_t i, int) {
    std::memcpy(data + i * kStretch, values.data(), std::min(kStretch, bytes - i * kStretch));
  });
}

}  // namespace

// One GPU's steps, planned: its schedule and memory.
struct RealBackend::Replica {
  Replica(std::span<const TaskGraph> steps, int gpu)
      : schedule(make_schedule(steps)), device(needs_gpu(schedule) ? make_device(gpu) : nullptr) {
    require_device(schedule, device.get(), gpu);
  }

  void prepare(const RealOptions& options, const Placement& placement, ThreadPool& pool) {
    layout = lay_out(schedule);
    if (device) device->enter();
    require_memory(schedule, layout, false, free_host_bytes());
    if (device) require_memory(schedule, layout, true, device->free_bytes());
    allocate_host(pool);
    work = std::make_unique<PoolWork>(schedule, layout, addresses, pool);
    if (device) device->prepare(binding());
    if (device) device->time_ops(options.timed);
    work->warm_up();
    const auto patience = std::chrono::seconds(static_cast<std::int64_t>(options.patience));
    const auto scheduling = std::chrono::nanoseconds(static_cast<std::int64_t>(options.scheduling.value() * 1e9));
    execution = std::make_unique<Execution>(
        schedule, device.get(), *work, flags(),
        ExecutionOptions{.scheduling = scheduling, .patience = patience, .placement = placement});
  }

  void allocate_host(ThreadPool& pool) {
    for (std::size_t i = 0; i < layout.arenas.size(); ++i) {
      const std::size_t bytes = layout.arenas[i].bytes;
      if (on_gpu(static_cast<Arena>(i)) || bytes == 0) continue;
      host[i] = allocate(bytes);
      addresses[i] = static_cast<std::byte*>(host[i].get());
      fill_random(addresses[i], bytes, pool);
    }
    const std::size_t count = schedule.ops.size();
    flag_memory = allocate(count * sizeof(Flag));
    std::uninitialized_default_construct_n(static_cast<Flag*>(flag_memory.get()), count);
  }

  static Pages allocate(std::size_t bytes) {
    Pages pages = huge_pages(bytes);
    if (!pages) throw std::runtime_error(fmt::format("the system refused {} bytes of host memory", bytes));
    return pages;
  }

  std::span<Flag> flags() const { return {static_cast<Flag*>(flag_memory.get()), schedule.ops.size()}; }

  Binding binding() const {
    Binding result{.schedule = &schedule, .layout = &layout, .host = {}, .flags = flags().data()};
    for (std::size_t i = 0; i < result.host.size(); ++i) {
      const bool pinned = static_cast<Arena>(i) != Arena::pageable;
      if (addresses[i] != nullptr) result.host[i] = {addresses[i], layout.arenas[i].bytes, pinned};
    }
    return result;
  }

  // The next runs'.
  void time_ops(TimedOps timed) {
    if (!device) return;
    device->enter();
    device->time_ops(timed);
  }

  // Of the last run.
  RunTimes times() const {
    RunTimes run{execution->op_times(), execution->step_times()};
    if (device) device->enter();
    for (OpIndex op = 0; op < run.ops.size(); ++op) {
      if (on_gpu(schedule.ops[op].runner)) run.ops[op] = device->times(op);
    }
    return run;
  }

  Trace trace(const RunTimes& run, bool edges) const { return build_trace(schedule, run.ops, run.steps, edges); }

  Schedule schedule;
  Layout layout;
  std::array<Pages, kArenas> host;
  Pages flag_memory;
  ArenaAddresses addresses{};
  std::unique_ptr<PoolWork> work;
  std::unique_ptr<Device> device;  // destroyed before the memory it knows
  std::unique_ptr<Execution> execution;
};

RealBackend::RealBackend(std::span<const TaskGraph> steps, const RealOptions& options) : options_(options) {
  replicas_.push_back(std::make_unique<Replica>(steps, 0));
  prepare();
}

RealBackend::RealBackend(std::span<const std::vector<TaskGraph>> replicas, const RealOptions& options)
    : options_(options) {
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    replicas_.push_back(std::make_unique<Replica>(replicas[i], static_cast<int>(i)));
  }
  prepare();
}

RealBackend::~RealBackend() = default;

int threads_of_cpu(std::span<const std::vector<TaskGraph>> replicas, int cpu_workers) {
  bool background = false;
  try {
    for (const std::vector<TaskGraph>& steps : replicas)
      background = background || has_background(make_schedule(steps));
  } catch (const std::invalid_argument&) { return 0; }
  return place_replicas(cpu_workers, background, static_cast<int>(replicas.size())).front().pool.threads + 1;
}

void RealBackend::prepare() {
  const bool background =
      std::any_of(replicas_.begin(), replicas_.end(), [](const auto& each) { return has_background(each->schedule); });
  const std::vector<Placement> places =
      place_replicas(options_.cpu_workers, background, static_cast<int>(replicas_.size()));
  pool_ = std::make_unique<ThreadPool>(places.front().pool);
  for (std::size_t i = 0; i < replicas_.size(); ++i) replicas_[i]->prepare(options_, places[i], *pool_);
  state_facts();
}

void RealBackend::state_facts() {
  const Replica& first = *replicas_.front();
  facts_.device = first.device ? first.device->name() : missing_device();
  if (first.device && replicas_.size() > 1) facts_.device = fmt::format("{} x {}", replicas_.size(), facts_.device);
  facts_.cpu_workers = pool_->threads();
  facts_.cpu_path = to_string(best_path());
  for (std::size_t i = 0; i < first.layout.arenas.size(); ++i) {
    const ArenaSize& size = first.layout.arenas[i];
    if (size.bytes > 0) facts_.arenas.push_back({to_string(static_cast<Arena>(i)), size.bytes, size.wanted});
  }
}

Trace RealBackend::run() { return std::move(run_replicas().front()); }

std::vector<Trace> RealBackend::run_replicas() {
  execute();
  std::vector<Trace> traces;
  for (const auto& each : replicas_) traces.push_back(each->trace(each->times(), options_.edges));
  return traces;
}

std::vector<Trace> RealBackend::run_in_parts() {
  std::vector<std::vector<RunTimes>> runs(replicas_.size());
  for (std::uint32_t part = 0; part < kTimedParts; ++part) {
    for (const auto& each : replicas_) each->time_ops({.part = part, .parts = kTimedParts});
    execute();  // the first launch of a graph takes the host thread some 0.3 ms
    execute();
    for (std::size_t i = 0; i < replicas_.size(); ++i) runs[i].push_back(replicas_[i]->times());
  }
  for (const auto& each : replicas_) each->time_ops(options_.timed);
  std::vector<Trace> traces;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const Replica& each = *replicas_[i];
    traces.push_back(each.trace(join_parts(each.schedule, runs[i]), options_.edges));
  }
  return traces;
}

void RealBackend::execute() {
  std::vector<Execution*> executions;
  for (const auto& each : replicas_) executions.push_back(each->execution.get());
  Execution::run_together(executions);
}

}  // namespace outrider
