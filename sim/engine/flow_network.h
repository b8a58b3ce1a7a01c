// Max-min fair sharing of resources among flows, incremental: a change touches only its connected component.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/ticks.h"
#include "sim/engine/demand.h"

namespace outrider {

// Flows with the same uses, cap and weight form a class with one virtual clock: a rate change touches classes and
// resources, never single flows. Amounts are in the class's own unit (bytes of a copy, units of a kernel).
struct FlowClassSpec {
  std::vector<Use> uses;  // usage of each resource per 1 unit of progress
  double rate_cap = 0.0;  // progress per second of one flow; 0: none (then it must use a resource)
  double weight = 1.0;    // share of speed among flows that meet at a full resource
};
using FlowClassId = Id<struct FlowClassTag>;

struct CompletedFlow {
  std::uint64_t tag = 0;
  std::uint32_t multiplicity = 1;
};

// Rates solve: maximise the smallest rate ÷ weight, then the next …, subject to Σ usage ≤ capacity and rate ≤ cap.
class FlowNetwork {
 public:
  explicit FlowNetwork(std::vector<double> capacities);
  ~FlowNetwork();
  FlowNetwork(FlowNetwork&&) noexcept;

  // Equal specs give the same class.
  FlowClassId intern(const FlowClassSpec& spec);

  // Starts `multiplicity` equal flows that each have `amount` > 0 to go; they end together and are reported once, with
  // `tag`. Requires: now is not before the last call's now; completions up to now were taken.
  void start(FlowClassId flow_class, double amount, std::uint32_t multiplicity, std::uint64_t tag, Instant now);

  // The next instant at which a flow ends under current rates; never() if none runs. Solves what changed since.
  Instant next_completion();

  // Takes the flows that end at `now` == next_completion(), in the order they were started.
  void take_completed(Instant now, std::vector<CompletedFlow>& completed);

  double rate(FlowClassId flow_class);             // current progress per second of one flow of the class
  ResourceId bottleneck(FlowClassId flow_class);   // the full resource that limits the class; invalid: its own cap
  double usage(ResourceId resource);               // current Σ usage, in the resource's unit per second
  double moved(ResourceId resource, Instant now);  // amount moved since the start
  // Resources whose usage may have changed at the last solve, for recording.
  std::span<const ResourceId> changed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace outrider
