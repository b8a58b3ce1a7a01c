// The GPU as the backend uses it. One implementation with CUDA, and none without: see gpu/.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/backend/layout.h"
#include "kernels/backend/schedule.h"

namespace outrider {

// An op's flag: 1 once it has ended. A cache line each, since the GPU and threads watch them.
struct alignas(64) Flag {
  std::atomic<std::uint32_t> raised{0};
};

// Which ops on the GPU are timed besides the steps: one in so many, none, or all. Host and CPU ops always are: two
// readings of a clock, 50 ns. Ops on the GPU are timed by events around each, which cost time themselves: on an H200, a
// step of 147 kernels in one graph took 2.6 µs a kernel longer, and one of eager launches 3.2 µs (4.4 ms and 4.6 ms for
// 4.0 ms and 4.15 ms). So steps are to be taken from runs that time none, and ops from several runs that time a few.
struct TimedOps {
  std::uint32_t part = 0, parts = 0;  // op n is timed if n mod parts = part; parts 0: none
  bool any() const { return parts > 0; }
  bool contains(OpIndex op) const { return any() && op % parts == part; }
};
inline constexpr TimedOps kTimesNone{}, kTimesAll{.part = 0, .parts = 1};

// Nanoseconds of the host's steady clock.
struct OpTimes {
  std::int64_t start_ns = 0, end_ns = 0;
  bool measured = false;
};

// Which calls of a copy: those behind its first belong to a later host op.
enum class Calls : std::uint8_t { all, first, rest };

struct HostArena {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  bool pinned = false;
};

// What a device binds ops to. All of it outlives the device.
struct Binding {
  const Schedule* schedule = nullptr;
  const Layout* layout = nullptr;
  std::array<HostArena, kArenas> host{};  // empty for the GPU's own
  Flag* flags = nullptr;                  // of all ops
};

// One GPU. Throws std::runtime_error with the driver's words where that refuses. Functions marked "any thread" may be
// called by the host thread and the background thread at once.
class Device {
 public:
  virtual ~Device() = default;
  // Makes it the calling thread's device: before any other call of a thread, but for the one that made it, as long as
  // that made or entered no other since.
  virtual void enter() {}
  virtual std::string name() const = 0;
  virtual std::size_t free_bytes() const = 0;
  // Allocates, binds every op to its launch and runs each once. Once.
  virtual void prepare(const Binding& binding) = 0;
  // Chooses what is timed from here on, and captures what belongs to CUDA graphs, which hold the events. Drained.
  virtual void time_ops(TimedOps timed) = 0;

  // The rest allocates nothing.
  virtual void begin_step(std::size_t step) = 0;    // relates its clock to the host's
  virtual void issue(OpIndex op, Calls calls) = 0;  // any thread; waits, launch and signals on the op's stream
  virtual void launch_graph(OpIndex op) = 0;        // the CUDA graph of a launch_graph
  virtual void wait(OpIndex op) = 0;                // blocks the calling thread until the op has ended
  virtual void drain() = 0;                         // until nothing is in flight
  virtual OpTimes times(OpIndex op) const = 0;      // drained
};

// The n-th GPU. Null where there are not so many or the program was built without CUDA; missing_device() says why.
std::unique_ptr<Device> make_device(int gpu = 0);
std::string missing_device(int gpu = 0);

}  // namespace outrider
