// Who executes each op of a sequence of graphs, and how each waits for what it depends on. Knows no device.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/graph/task_graph.h"

namespace outrider {

// An op's number over all steps: Schedule::first_op[step] + its number in its graph.
using OpIndex = std::uint32_t;
inline constexpr OpIndex kNoOp = 0xffffffffu;

enum class Runner : std::uint8_t {
  host,        // the launching host thread, in order
  pool,        // the CPU lane: a thread of its own hands parallel loops to the pool, in order
  stream,      // a stream; a host op puts it there
  captured,    // a stream inside a CUDA graph, which a host op launches
  background,  // a stream; a thread of its own puts it there once its dependencies have ended
  barrier,     // nobody: it ends with the last of its dependencies
};
constexpr bool on_gpu(Runner runner) {
  return runner == Runner::stream || runner == Runner::captured || runner == Runner::background;
}

// Events order streams among themselves and block the host thread. A flag is a word in host memory that whoever ends
// the op sets: between threads, from the GPU to threads (a kernel of one thread sets it), and from threads to the GPU
// (a kernel of one thread watches it). Of the ways to make a stream wait for the CPU this is the cheapest that is right
// everywhere, some 2 µs. A host function takes tens of them. A wait of the stream itself (cuStreamWaitValue32) holds
// its hardware queue, behind which may lie what the CPU is to wait for, if two streams or branches of a graph share it.
enum class WaitBy : std::uint8_t { event, flag };
struct Wait {
  OpIndex on = kNoOp;
  WaitBy by = WaitBy::flag;
};

struct ScheduledOp {
  const Op* op = nullptr;
  std::uint32_t step = 0;
  Runner runner = Runner::barrier;
  OpIndex issuer = kNoOp;       // of stream and captured: the host op that puts it on its stream
  OpIndex rest_issuer = kNoOp;  // of a copy by many calls: the host op that makes all calls but the first
  std::vector<Wait> waits;      // before it starts; what order alone ensures is left out
  bool records_event = false;   // somebody outside of its own CUDA graph waits for its event
  bool raises_flag = false;     // of ops on the GPU: somebody waits for its flag
  std::vector<OpIndex> issues;  // of host ops: what it puts on streams, in order

  Lane lane() const { return static_cast<Lane>(op->lane.index()); }
  OpIndex last_issuer() const { return rest_issuer != kNoOp ? rest_issuer : issuer; }
};

struct Schedule {
  std::vector<ScheduledOp> ops;
  std::vector<OpIndex> first_op;                   // of each step, and one behind the last
  std::vector<std::vector<OpIndex>> dependencies;  // as the graphs state them, with the ops that filled awaited slots
  std::vector<std::vector<Wait>> closing;          // of each step: what the host thread waits for at its end
  std::vector<OpIndex> last;                       // of each step: the op whose end is the step's

  std::size_t steps() const { return last.size(); }
};

// The rules:
//   launch_graph  a GPU op that depends on it is part of that CUDA graph, which goes to the compute stream; its other
//                 lanes fork from there and join at its end
//   issuer        any other GPU op is put on its lane's stream by the last host op among its dependencies
//   background    where there is none, by a thread that has nothing else to do
//   calls         a launch_copy that meets a copy in a barrier makes the copy's calls but the first
// Lanes are FIFO across all of these, and across steps. Throws std::invalid_argument for ops that no lane of one GPU
// can run. The graphs must outlive the schedule.
Schedule make_schedule(std::span<const TaskGraph> steps);

}  // namespace outrider
