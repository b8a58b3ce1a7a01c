// What every approximate attention is to the experiment: at each step an output in place of the exact one, the tokens
// it attended, and what it read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fidelity/head.h"
#include "kernels/cpu/cpu_path.h"
#include "sim/spec/params.h"

namespace outrider {

// By one step, of one KV head of one sequence, with elements of two bytes: the formulas of sim/methods for Hk = 1.
struct BytesRead {
  double index = 0.0;  // to choose
  double kv = 0.0;     // K and V of chosen tokens, or what they are rebuilt from
  double state = 0.0;  // of fixed size, or estimated in place of tokens: within the budget
};

struct Attended {
  std::vector<float> output;                      // [group][head_dim]
  std::vector<std::vector<std::int32_t>> tokens;  // attended with their own K and V: one list, or one for a query head
  BytesRead bytes;
  double predicted_share = 0.0;  // of the chosen tokens, attended with a predicted query
};

// Of one head. What can be built before a budget is known is built when it is made.
class Approximation {
 public:
  virtual ~Approximation() = default;
  // Begins anew at the first step. The budget is in tokens whose K and V are read: 2 · head_dim · 2 bytes each, to
  // which `kv` and `state` of BytesRead add up but for whole blocks, and for what stands with the system.
  virtual void start(std::int64_t budget_tokens) = 0;
  // Steps in order.
  virtual Attended attend(std::size_t step) = 0;
};

struct ApproximationInput {
  const Head& head;
  const Params& params;
  CpuPath path = CpuPath::scalar;
  RandomStream stream;
};

struct ApproximationEntry {
  MethodInfo info;       // named as its method in sim/methods, where there is one
  bool budgeted = true;  // false: reads every token, whatever the budget
  std::unique_ptr<Approximation> (*make)(const ApproximationInput& input) = nullptr;
};

std::span<const ApproximationEntry> approximations();
const ApproximationEntry* approximation_named(std::string_view name);  // null if there is none
std::vector<MethodInfo> approximation_infos();

}  // namespace outrider
