// What every offload system is to the simulator: a memory plan and a builder of task graphs, step by step.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/graph/task_graph.h"
#include "sim/spec/machine.h"
#include "sim/spec/model.h"
#include "sim/spec/params.h"

namespace outrider {

class SelectionTrace;

// One consumer of memory. Total at batch B: fixed + B · per_sequence.
struct MemoryUse {
  std::string what;  // "weights", "KV cache", "digests", …
  enum class Tier : std::uint8_t { hbm, dram, pinned } tier = Tier::hbm;
  Bytes fixed;
  Bytes per_sequence;
};

// The selection trace a method reads (see selection.h); blocks == 0 where it reads none.
struct SelectionNeed {
  std::int64_t blocks = 0;           // candidate blocks per sequence
  std::int64_t selected = 0;         // blocks chosen per step
  std::int64_t profiling_steps = 0;  // length of the separate trace for offline profiling; 0: none
};

// One design point as a method sees it.
struct MethodPoint {
  const ModelSpec* model = nullptr;
  const MachineSpec* machine = nullptr;
  const Params* params = nullptr;
  std::int64_t context = 0;                   // tokens cached when the first simulated step starts; training: of a
                                              // sequence
  std::int64_t batch = 0;                     // 0 while memory is being planned
  std::int64_t steps = 0;                     // warm-up and measured
  const SelectionTrace* selection = nullptr;  // covers `steps` steps and `batch` sequences; null if not needed
  const SelectionTrace* profiling = nullptr;  // other sequences of the same process, for offline profiling
  std::int64_t micro_batches = 1;             // training: of `batch` sequences each, in one step
};

// Of the layers' products and attention, forward and backward; LM head, elementwise work and whatever is computed anew
// (checkpointed activations, attention's scores) do not count.
struct TrainingFacts {
  double cost = 0.0;       // Σ FLOPs · bits ÷ 16 over Σ FLOPs: time beside 16 bits, at ideal 1×, 2×, 4× speed
  double ffn_share = 0.0;  // of the forward FLOPs
  double projection_share = 0.0;  // Q, K, V and output
  double attention_share = 0.0;   // scores and weighted sum
};

// Counts a method keeps while building, for tables; averages over all built steps unless said otherwise.
struct MethodFacts {
  double cpu_ratio = 0.0;            // tokens attended by the CPU ÷ budget; 0 where there is no CPU attention
  double recall_interval = 0.0;      // mean steps between recalls of a layer; 0 where there are none
  double recalls = 0.0;              // blocks recalled, of a sequence
  double turnover = 0.0;             // share of selected blocks not selected in the step before
  double link_bytes_per_step = 0.0;  // h2d + d2h payload
  std::vector<double> cpu_ratio_by_step;
  TrainingFacts training{};          // zeros where the method decodes
  std::vector<std::string> notes{};  // what to bear in mind with the point's figures
};

class Method {
 public:
  virtual ~Method() = default;
  virtual std::vector<MemoryUse> memory() const = 0;
  virtual SelectionNeed selection_need() const = 0;
  // Steps are asked for in order, each once. Data-dependent choices are made here, from the selection trace.
  virtual TaskGraph step(std::int64_t step) = 0;
  // One sequence's prompt of `context` tokens, with the traffic that places its KV. Asked of methods that decode.
  virtual TaskGraph prefill() = 0;
  virtual MethodFacts facts() const = 0;
};

// A number that a system sets for itself by measuring the machine: where it stands at 0, a study tries these.
struct TriedParam {
  std::string name;
  std::vector<double> values;
};

struct MethodEntry {
  MethodInfo info;
  std::unique_ptr<Method> (*make)(const MethodPoint& point);
  // Why it cannot run there, whatever memory holds; empty where it can. None: it can everywhere.
  std::string (*refusal)(const MethodPoint& point) = nullptr;
  std::vector<TriedParam> tried{};
};

// The registry: an explicit table.
std::span<const MethodEntry> methods();
// One of them, or the one that scenarios compose; null where there is none.
const MethodEntry* method_named(std::string_view name);
// Of the table, and last of what scenarios compose.
std::vector<MethodInfo> method_infos();

}  // namespace outrider
