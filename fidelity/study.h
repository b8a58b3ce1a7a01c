// The experiment: synthetic heads of each class, every approximation at every budget, and how far each is from exact.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fidelity/exact.h"
#include "fidelity/head.h"
#include "kernels/cpu/cpu_path.h"
#include "sim/spec/scenario.h"

namespace outrider {

// A share of the context, and so many tokens more.
struct TokenBudget {
  double share = 0.0;
  std::int64_t tokens = 0;
  std::int64_t of(std::int64_t context) const;  // at least 1, at most the context
};

struct FidelityStudy {
  std::string name, description, source_file;
  Generator generator;
  std::vector<HeadClass> heads;
  std::vector<std::int64_t> contexts;
  std::vector<TokenBudget> budgets;
  std::vector<MethodRequest> methods;              // of approximation_infos()
  std::map<std::string, TokenBudget> own_budgets;  // by label, in place of the study's
  std::int64_t seeds = 1;                          // heads of each class and context
  std::int64_t steps = 1;                          // of decoding, of each head
  std::int64_t prefill_queries = 1024;
  std::uint64_t seed = 1;
  CpuPath path = CpuPath::scalar;  // of the kernels; scalar gives the same figures on every machine
};

// Over seeds, each a mean over steps and query heads.
struct Spread {
  double mean = 0.0, least = 0.0, most = 0.0;
};

struct FidelityRow {
  std::string label, method, head;
  std::int64_t context = 0, budget = 0;  // tokens; the context where every token is read whatever the budget
  Spread error;                          // ‖output − exact‖ ÷ ‖exact‖
  Spread mass;                           // of the attention, on tokens attended with their own K and V
  double tokens = 0.0;                   // these, per KV head (of any query head)
  double index_bytes = 0.0, kv_bytes = 0.0, state_bytes = 0.0;  // as BytesRead, per step
  double predicted_share = 0.0;
  double bytes() const { return index_bytes + kv_bytes + state_bytes; }
};

// What the heads of a class show, means over seeds, beside what was asked for.
struct HeadRow {
  HeadClass asked;
  std::int64_t context = 0;
  HeadStatistics shown;
};

struct FidelityReport {
  std::string study, version;
  std::uint64_t seed = 0;
  std::int64_t seeds = 0, steps = 0;
  std::string path;
  std::vector<HeadRow> heads;     // context by context, in the study's order
  std::vector<FidelityRow> rows;  // by context, head, method, budget
};

struct FidelityOptions {
  int threads = 0;                                                    // 0: all cores; results do not depend on it
  std::function<void(std::size_t done, std::size_t all)> progress{};  // heads; called by one thread at a time
};
FidelityReport run_fidelity(const FidelityStudy& study, const FidelityOptions& options);

}  // namespace outrider
