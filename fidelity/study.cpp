// One task for each head; their figures are put together in order.
#include "fidelity/study.h"

#include <algorithm>
#include <limits>
#include <mutex>

#include "fidelity/approximation.h"
#include "sim/base/check.h"
#include "sim/study/parallel.h"

namespace outrider {
namespace {

// A head's figures of one method and budget, means over the steps.
struct Cell {
  double error = 0.0, mass = 0.0, tokens = 0.0, predicted_share = 0.0;
  BytesRead bytes;
};

struct HeadTask {
  const HeadClass* kind = nullptr;
  std::int64_t context = 0, seed = 0;
};

struct HeadResult {
  HeadStatistics statistics;
  std::vector<Cell> cells;  // by method, then budget; one for a method without
};

// Budgets that come out at the same number of tokens are one.
std::vector<std::int64_t> budgets_at(const FidelityStudy& study, std::int64_t context) {
  std::vector<std::int64_t> budgets;
  for (const TokenBudget& each : study.budgets) budgets.push_back(each.of(context));
  std::sort(budgets.begin(), budgets.end());
  budgets.erase(std::unique(budgets.begin(), budgets.end()), budgets.end());
  return budgets;
}

const ApproximationEntry& entry_of(const MethodRequest& request) {
  const ApproximationEntry* const entry = approximation_named(request.method);
  CHECK(entry != nullptr, "no approximation is called {}", request.method);
  return *entry;
}

std::vector<std::int64_t> budgets_of(const MethodRequest& request, const FidelityStudy& study, std::int64_t context) {
  if (!entry_of(request).budgeted) return {context};
  const auto own = study.own_budgets.find(request.label);
  return own == study.own_budgets.end() ? budgets_at(study, context)
                                        : std::vector<std::int64_t>{own->second.of(context)};
}

std::size_t attended_tokens(const Attended& attended) {
  std::vector<std::int32_t> all;
  for (const auto& each : attended.tokens) all.insert(all.end(), each.begin(), each.end());
  std::sort(all.begin(), all.end());
  return static_cast<std::size_t>(std::unique(all.begin(), all.end()) - all.begin());
}

Cell judge(const Head& head, const std::vector<ExactStep>& exact, Approximation& approximation, std::int64_t budget) {
  approximation.start(budget);
  Cell cell;
  const double share = 1.0 / static_cast<double>(exact.size());
  for (std::size_t step = 0; step < exact.size(); ++step) {
    const Attended attended = approximation.attend(step);
    cell.error += share * relative_error(head, exact[step], attended.output);
    cell.mass += share * covered_mass(head, exact[step], attended.tokens);
    cell.tokens += share * static_cast<double>(attended_tokens(attended));
    cell.predicted_share += share * attended.predicted_share;
    cell.bytes.index += share * attended.bytes.index;
    cell.bytes.kv += share * attended.bytes.kv;
    cell.bytes.state += share * attended.bytes.state;
  }
  return cell;
}

HeadResult run_head(const FidelityStudy& study, const HeadTask& task) {
  const RandomStream stream = RandomStream(study.seed)
                                  .fork(task.kind->name)
                                  .fork(static_cast<std::uint64_t>(task.context))
                                  .fork(static_cast<std::uint64_t>(task.seed));
  const Head head = make_head(*task.kind, study.generator,
                              {.tokens = task.context, .steps = study.steps, .prefill_queries = study.prefill_queries},
                              stream.fork("head"));
  const std::vector<ExactStep> exact = exact_attention(head);
  HeadResult result{.statistics = statistics_of(head, exact), .cells = {}};
  for (const MethodRequest& request : study.methods) {
    const ApproximationEntry& entry = entry_of(request);
    const auto approximation =
        entry.make({.head = head, .params = request.params, .path = study.path, .stream = stream.fork("systems")});
    for (const std::int64_t budget : budgets_of(request, study, task.context))
      result.cells.push_back(judge(head, exact, *approximation, budget));
  }
  return result;
}

void add(Spread& spread, double value, std::size_t seed, double share) {
  spread.mean += share * value;
  spread.least = seed == 0 ? value : std::min(spread.least, value);
  spread.most = seed == 0 ? value : std::max(spread.most, value);
}

void add(HeadStatistics& sum, const HeadStatistics& one, double share) {
  for (double HeadStatistics::*each :
       {&HeadStatistics::sink_share, &HeadStatistics::recent_share, &HeadStatistics::top_20_percent,
        &HeadStatistics::below_percent_of_most, &HeadStatistics::entropy, &HeadStatistics::step_cosine,
        &HeadStatistics::block_turnover})
    sum.*each += share * one.*each;
}

// The results of a class and context's seeds, as rows.
void add_rows(const FidelityStudy& study, const HeadTask& task, std::span<const HeadResult> seeds,
              FidelityReport& report) {
  const double share = 1.0 / static_cast<double>(seeds.size());
  HeadRow head{.asked = *task.kind, .context = task.context, .shown = {}};
  for (const HeadResult& each : seeds) add(head.shown, each.statistics, share);
  report.heads.push_back(head);
  std::size_t cell = 0;
  for (const MethodRequest& request : study.methods) {
    for (const std::int64_t budget : budgets_of(request, study, task.context)) {
      FidelityRow row{.label = request.label,
                      .method = request.method,
                      .head = task.kind->name,
                      .context = task.context,
                      .budget = budget,
                      .error = {},
                      .mass = {}};
      for (std::size_t seed = 0; seed < seeds.size(); ++seed) {
        const Cell& one = seeds[seed].cells[cell];
        add(row.error, one.error, seed, share);
        add(row.mass, one.mass, seed, share);
        row.tokens += share * one.tokens;
        row.index_bytes += share * one.bytes.index;
        row.kv_bytes += share * one.bytes.kv;
        row.state_bytes += share * one.bytes.state;
        row.predicted_share += share * one.predicted_share;
      }
      report.rows.push_back(row);
      ++cell;
    }
  }
}

}  // namespace

std::int64_t TokenBudget::of(std::int64_t context) const {
  const std::int64_t wanted = static_cast<std::int64_t>(share * static_cast<double>(context)) + tokens;
  return std::clamp<std::int64_t>(wanted, 1, context);
}

FidelityReport run_fidelity(const FidelityStudy& study, const FidelityOptions& options) {
  std::vector<HeadTask> tasks;
  for (const std::int64_t context : study.contexts) {
    for (const HeadClass& kind : study.heads) {
      for (std::int64_t seed = 0; seed < study.seeds; ++seed)
        tasks.push_back({.kind = &kind, .context = context, .seed = seed});
    }
  }
  std::vector<HeadResult> results(tasks.size());
  std::mutex lock;
  std::size_t done = 0;
  parallel_for(tasks.size(), options.threads, [&](std::size_t i) {
    results[i] = run_head(study, tasks[i]);
    const std::lock_guard guard(lock);
    ++done;
    if (options.progress) options.progress(done, tasks.size());
  });
  FidelityReport report{.study = study.name,
                        .version = {},
                        .seed = study.seed,
                        .seeds = study.seeds,
                        .steps = study.steps,
                        .path = to_string(study.path),
                        .heads = {},
                        .rows = {}};
  const auto seeds = static_cast<std::size_t>(study.seeds);
  for (std::size_t i = 0; i < tasks.size(); i += seeds)
    add_rows(study, tasks[i], std::span(results).subspan(i, seeds), report);
  return report;
}

}  // namespace outrider
