// Executes task graphs on the machine at hand: the other backend beside the simulating one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/backend/device.h"
#include "kernels/cpu/thread_pool.h"
#include "sim/graph/task_graph.h"
#include "sim/trace/trace.h"

namespace outrider {

struct RealOptions {
  TimedOps timed = kTimesAll;  // by run() and run_replicas()
  int cpu_workers = -1;        // threads of the CPU lane; −1: one for each processor but those of host and background
  Seconds scheduling{};        // what a schedule_step keeps the host thread busy: there is no scheduler here to run
  bool edges = false;          // dependency edges in the trace
  double patience = 60;        // seconds after which a wait is taken to hang
};

// What stands behind a measurement.
struct RealFacts {
  std::string device;  // the GPU's name, or why there is none; of several, how many
  int cpu_workers = 0;
  std::string cpu_path;
  struct ArenaFact {
    std::string name;
    std::size_t bytes = 0, wanted = 0;  // wanted: were nothing shared among the ops of a step
  };
  std::vector<ArenaFact> arenas;  // of the first replica
};

// Threads of the CPU lane that a backend of these steps finds room for; 0: they cannot be executed.
int threads_of_cpu(std::span<const std::vector<TaskGraph>> replicas, int cpu_workers);

// The constructor plans: it decides who runs each op and on which memory, allocates all of it, binds every op to its
// launch, runs each once and captures CUDA graphs. run() then executes the steps in order, as often as it is called,
// and allocates nothing but the trace. What is executed are the graph's shapes on random data: each kernel does the
// work that its shape states, but no text comes out.
//
// Lanes are FIFO as in the simulation, with one difference: a captured CUDA graph starts when all before it on the
// compute stream has ended, its other lanes included, as graphs launched into one stream do.
//
// Replicas run side by side, the n-th on the n-th GPU with memory of its own. All begin together, and none waits for
// another; one pool of threads attends for all.
class RealBackend {
 public:
  // The graphs must outlive this. std::invalid_argument for graphs that cannot be executed here (ops without a kernel,
  // GPU ops without a GPU), std::runtime_error for too little memory or what the driver refuses; both before any op
  // has run.
  explicit RealBackend(std::span<const TaskGraph> steps, const RealOptions& options = {});
  // Steps of each replica, at least one.
  explicit RealBackend(std::span<const std::vector<TaskGraph>> replicas, const RealOptions& options = {});
  ~RealBackend();

  Trace run();                        // of the first replica
  std::vector<Trace> run_replicas();  // of each, its time from its own first step on
  // Times all ops, but few of them in each of several runs, so that these take little longer than runs that time none:
  // the traces are put together as timed_parts.h says. Captures CUDA graphs anew, before and after.
  std::vector<Trace> run_in_parts();
  const RealFacts& facts() const { return facts_; }

 private:
  struct Replica;
  void prepare();
  void state_facts();
  void execute();

  RealOptions options_;
  RealFacts facts_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

}  // namespace outrider
