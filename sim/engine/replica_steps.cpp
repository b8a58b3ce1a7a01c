// Bookkeeping of running steps and carry slots by replica.
#include "sim/engine/replica_steps.h"

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr CarrySlot kMaxCarrySlots = 1u << 24;
constexpr std::size_t kMaxReplicas = 1u << 10;

}  // namespace

void ReplicaSteps::begin(const RunningStep& step) {
  CHECK(step.replica < kMaxReplicas, "replica {} is not a small number", step.replica);
  if (step.replica >= replicas_.size()) replicas_.resize(step.replica + 1);
  CHECK(!replicas_[step.replica].running, "a step of replica {} begins before its last one has ended", step.replica);
  replicas_[step.replica].running = step;
}

bool ReplicaSteps::any() const {
  return std::any_of(replicas_.begin(), replicas_.end(),
                     [](const Replica& replica) { return replica.running.has_value(); });
}

SpanId ReplicaSteps::carried(std::size_t replica, CarrySlot slot) const {
  const std::vector<SpanId>& carried = replicas_[replica].carried;
  return slot < carried.size() ? carried[slot] : SpanId();
}

void ReplicaSteps::carry(std::size_t replica, CarrySlot slot, SpanId op) {
  CHECK(slot < kMaxCarrySlots, "carry slot {} is not a small number", slot);
  std::vector<SpanId>& carried = replicas_[replica].carried;
  if (slot >= carried.size()) carried.resize(slot + 1);
  carried[slot] = op;
}

void sort_by_replica(Trace& trace) {
  std::stable_sort(trace.steps.begin(), trace.steps.end(),
                   [](const Step& a, const Step& b) { return a.replica < b.replica; });
  for (std::size_t i = 0; i < trace.steps.size(); ++i) {
    const Step& step = trace.steps[i];
    for (std::size_t span = step.first_span; span < step.first_span + step.spans; ++span) {
      trace.spans[span].step = static_cast<std::int32_t>(i);
    }
  }
}

}  // namespace outrider
