// Batches from memory plans: what fits each tier, and what to say where nothing does.
#include "sim/study/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/base/check.h"
#include "sim/engine/memory_ledger.h"
#include "sim/spec/model_math.h"

namespace outrider {
namespace {

using Tier = MemoryUse::Tier;

struct TierRoom {
  const char* name;
  Bytes capacity;
  bool (*holds)(Tier tier);
};

std::array<TierRoom, 2> tiers_of(const MachineSpec& machine) {
  return {{{"HBM", machine.gpu.hbm_capacity, [](Tier tier) { return tier == Tier::hbm; }},
           {"DRAM", machine.dram_per_gpu(), [](Tier tier) { return tier != Tier::hbm; }}}};
}

// The most sequences that a tier holds beside what is fixed; huge where they take nothing of it.
std::int64_t sequences_in(const TierRoom& room, const std::vector<MemoryUse>& memory) {
  Bytes fixed, each;
  for (const MemoryUse& use : memory) {
    if (!room.holds(use.tier)) continue;
    fixed += use.fixed;
    each += use.per_sequence;
  }
  if (fixed > room.capacity) return 0;
  constexpr double kUnbounded = 1e9;
  const double count = each > Bytes(0.0) ? std::floor((room.capacity - fixed) / each) : kUnbounded;
  return static_cast<std::int64_t>(std::min(count, kUnbounded));
}

// What overflows at that batch, with the largest consumers.
std::string overflow(const MachineSpec& machine, const std::vector<MemoryUse>& memory, std::int64_t batch) {
  MemoryLedger ledger;
  for (const TierRoom& room : tiers_of(machine)) {
    const TierId tier = ledger.add_tier(room.name, room.capacity);
    for (const MemoryUse& use : memory) {
      if (room.holds(use.tier)) ledger.add(tier, use.what, use.fixed + static_cast<double>(batch) * use.per_sequence);
    }
  }
  std::string text;
  for (const Overcommit& over : ledger.overcommitted()) text += (text.empty() ? "" : "; ") + over.message;
  return text;
}

void choose_batch(PlannedPoint& plan, const MachineSpec& machine) {
  std::int64_t most = plan.workload->max_batch;
  plan.limit = "max_batch";
  for (const TierRoom& room : tiers_of(machine)) {
    const std::int64_t here = sequences_in(room, plan.memory);
    if (here >= most) continue;
    most = here;
    plan.limit = room.name;
  }
  if (plan.given_batch > 0) {
    const std::string over = overflow(machine, plan.memory, plan.given_batch);
    plan.batch = over.empty() ? plan.given_batch : 0;
    plan.limit = over.empty() ? "given" : over;
    return;
  }
  plan.batch = most;
  if (most == 0) plan.limit = overflow(machine, plan.memory, 1);
}

const MethodEntry& entry_named(const std::string& name) {
  const MethodEntry* entry = method_named(name);
  CHECK(entry != nullptr, "no method '{}': readers refuse those", name);
  return *entry;
}

// Why the method cannot run there whatever the memory; empty where it can.
std::string refusal(const MachineSpec& machine, const MethodRequest& request, std::int64_t context) {
  const auto copies = request.params.values().find("block_copies");
  if (copies != request.params.values().end() && std::get<std::string>(copies->second) == "batched" &&
      machine.link.batched_h2d.empty()) {
    return "block_copies: batched needs link.batched_h2d in the machine file";
  }
  const auto block = request.params.values().find("block_tokens");
  if (block == request.params.values().end()) return {};
  const std::int64_t tokens = std::get<std::int64_t>(block->second);
  return context >= tokens ? std::string()
                           : fmt::format("a context of {} tokens is shorter than a block of {}", context, tokens);
}

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

MethodPoint method_point(const Scenario& scenario, const PlannedPoint& plan) {
  return {.model = &scenario.model,
          .machine = &scenario.machine,
          .params = &plan.params,
          .context = plan.context,
          .batch = plan.batch,
          .steps = plan.steps(),
          .micro_batches = plan.workload->micro_batches};
}

PlannedPoint plan_point(const Scenario& scenario, const MethodRequest& request, const Workload& workload,
                        std::int64_t context, std::int64_t given_batch) {
  PlannedPoint plan;
  plan.entry = &entry_named(request.method);
  plan.request = &request;
  plan.workload = &workload;
  plan.params = request.params;
  plan.context = context;
  plan.given_batch = given_batch;
  plan.automatic_batch = given_batch == 0;
  plan.prefill = workload.prefill;
  plan.limit = refusal(scenario.machine, request, context);
  if (plan.limit.empty() && plan.entry->refusal != nullptr)
    plan.limit = plan.entry->refusal(method_point(scenario, plan));
  if (!plan.limit.empty()) return plan;
  const std::unique_ptr<Method> method = plan.entry->make(method_point(scenario, plan));
  plan.memory = method->memory();
  plan.need = method->selection_need();
  plan.layers = std::count_if(scenario.model.layers.begin(), scenario.model.layers.end(), has_growing_kv);
  choose_batch(plan, scenario.machine);
  return plan;
}

std::vector<PlannedPoint> plan_points(const Scenario& scenario, const std::vector<std::string>& labels) {
  std::vector<PlannedPoint> points;
  for (const Workload& workload : scenario.workloads) {
    const std::vector<std::int64_t> batches =
        workload.batches.empty() ? std::vector<std::int64_t>{0} : workload.batches;
    for (const std::int64_t context : workload.contexts) {
      for (const std::int64_t batch : batches) {
        for (const MethodRequest& request : scenario.methods) {
          if (!listed(workload.methods, request.label) || !listed(labels, request.label)) continue;
          points.push_back(plan_point(scenario, request, workload, context, batch));
        }
      }
    }
  }
  return points;
}

}  // namespace outrider
