// Problems, exact arithmetic, and the checks.
#include "kernels/backend/result_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/backend/work.h"
#include "sim/base/check.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

std::size_t page_elements(const AttentionProblem& problem) {
  return static_cast<std::size_t>(2 * kPageTokens * problem.head_dim);
}

const Bf16* page_of(const AttentionProblem& problem, std::int32_t block, std::int64_t head) {
  const std::int64_t page = problem.place[static_cast<std::size_t>(block)] * problem.kv_heads + head;
  return problem.cache.data() + static_cast<std::size_t>(page) * page_elements(problem);
}

// Blocks lie scattered, as where a method put them.
AttentionProblem make_problem(const ResultShape& shape, ThreadPool& pool) {
  AttentionProblem problem{.kv_heads = shape.kv_heads,
                           .group = shape.q_heads / shape.kv_heads,
                           .head_dim = shape.head_dim,
                           .blocks = shape.blocks,
                           .scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim)),
                           .queries = {},
                           .cache = {},
                           .place = {}};
  const auto normal = [](RandomStream& random) { return to_bf16(static_cast<float>(random.normal())); };
  RandomStream random(1);
  for (std::int64_t i = 0; i < problem.rows() * problem.head_dim; ++i) problem.queries.push_back(normal(random));
  const std::size_t page = page_elements(problem), pages = static_cast<std::size_t>(shape.blocks * shape.kv_heads);
  problem.cache.resize(pages * page);
  pool.parallel_for(pages, [&](std::size_t i, int) {
    RandomStream own = random.fork(i);
    std::generate_n(problem.cache.begin() + static_cast<std::ptrdiff_t>(i * page), page, [&] { return normal(own); });
  });
  for (std::int64_t block = 0; block < shape.blocks; ++block)
    problem.place.push_back(static_cast<std::int32_t>(scattered(block, shape.blocks)));
  return problem;
}

// The same with its blocks one after another.
AttentionProblem in_order(const AttentionProblem& problem) {
  AttentionProblem result = problem;
  std::iota(result.place.begin(), result.place.end(), 0);
  const auto heads = static_cast<std::size_t>(problem.kv_heads) * page_elements(problem);
  for (std::size_t block = 0; block < result.place.size(); ++block)
    std::copy_n(page_of(problem, static_cast<std::int32_t>(block), 0), heads,
                result.cache.begin() + static_cast<std::ptrdiff_t>(block * heads));
  return result;
}

struct Exact {
  std::vector<double> output, lse;  // as of PartialResult
};

// One query head in double arithmetic: scores first, then weights relative to the highest.
void attend_exactly(const AttentionProblem& problem, const std::vector<std::int32_t>& blocks, std::size_t row,
                    Exact& exact) {
  const auto width = static_cast<std::size_t>(problem.head_dim);
  const auto head = static_cast<std::int64_t>(row) / problem.group;
  std::vector<double> query(width), scores;
  for (std::size_t i = 0; i < width; ++i) query[i] = static_cast<double>(to_float(problem.queries[row * width + i]));
  for (const std::int32_t block : blocks) {
    const Bf16* keys = page_of(problem, block, head);
    for (std::size_t token = 0; token < kPageTokens; ++token, keys += width) {
      double sum = 0.0;
      for (std::size_t i = 0; i < width; ++i) sum += query[i] * static_cast<double>(to_float(keys[i]));
      scores.push_back(sum * static_cast<double>(problem.scale));
    }
  }
  if (scores.empty()) return;
  const double most = *std::max_element(scores.begin(), scores.end());
  double* const output = exact.output.data() + row * width;
  double total = 0.0;
  auto score = scores.begin();
  for (const std::int32_t block : blocks) {
    const Bf16* values = page_of(problem, block, head) + kPageTokens * problem.head_dim;
    for (std::size_t token = 0; token < kPageTokens; ++token, values += width) {
      const double weight = std::exp(*score++ - most);
      total += weight;
      for (std::size_t i = 0; i < width; ++i) output[i] += weight * static_cast<double>(to_float(values[i]));
    }
  }
  for (std::size_t i = 0; i < width; ++i) output[i] /= total;
  exact.lse[row] = most + std::log(total);
}

Exact attend_exactly(const AttentionProblem& problem, const BlockLists& lists, ThreadPool& pool) {
  const auto rows = static_cast<std::size_t>(problem.rows());
  Exact exact{std::vector<double>(problem.queries.size(), 0.0), std::vector<double>(rows, -INFINITY)};
  pool.parallel_for(rows, [&](std::size_t row, int) {
    attend_exactly(problem, lists[row / static_cast<std::size_t>(problem.group)], row, exact);
  });
  return exact;
}

BlockLists all_blocks(const AttentionProblem& problem) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(problem.blocks));
  std::iota(all.begin(), all.end(), 0);
  return BlockLists(static_cast<std::size_t>(problem.kv_heads), all);
}

struct Parts {
  BlockLists resident, offloaded;
};

// `offloaded` of each list's blocks, scattered over it.
Parts deal_out(const BlockLists& lists, std::int64_t offloaded) {
  Parts parts{BlockLists(lists.size()), BlockLists(lists.size())};
  for (std::size_t head = 0; head < lists.size(); ++head) {
    const auto count = static_cast<std::int64_t>(lists[head].size());
    for (std::int64_t i = 0; i < count; ++i) {
      auto& part = scattered(i, count) < offloaded ? parts.offloaded : parts.resident;
      part[head].push_back(lists[head][static_cast<std::size_t>(i)]);
    }
  }
  return parts;
}

// What is wrong with a selection of `k` blocks; empty: nothing.
std::string wrong_selection(const BlockLists& lists, std::int64_t k, const AttentionProblem& problem) {
  if (lists.size() != static_cast<std::size_t>(problem.kv_heads)) return "not a selection for each KV head";
  for (std::size_t head = 0; head < lists.size(); ++head) {
    const std::vector<std::int32_t>& list = lists[head];
    if (list.size() != static_cast<std::size_t>(k))
      return fmt::format("{} blocks selected for {} of KV head {}", list.size(), k, head);
    const bool known =
        std::all_of(list.begin(), list.end(), [&](std::int32_t b) { return b >= 0 && b < problem.blocks; });
    const bool ascends = std::adjacent_find(list.begin(), list.end(), std::greater_equal<>()) == list.end();
    if (!known || !ascends) return fmt::format("the blocks selected for KV head {} are not ascending blocks", head);
  }
  return {};
}

// Over a KV head's group: Σ (weight · difference of a and b)², and the root of it.
class Group {
 public:
  Group(const AttentionProblem& problem, std::size_t head)
      : width_(static_cast<std::size_t>(problem.head_dim)),
        first_(head * static_cast<std::size_t>(problem.group)),
        last_(first_ + static_cast<std::size_t>(problem.group)) {}

  template <class Value>  // value(row, element)
  double norm(Value value) const {
    double sum = 0.0;
    for (std::size_t row = first_; row < last_; ++row) {
      for (std::size_t i = row * width_; i < (row + 1) * width_; ++i) sum += value(row, i) * value(row, i);
    }
    return std::sqrt(sum);
  }

 private:
  std::size_t width_, first_, last_;
};

double norm(const Group& group, const std::vector<double>& values) {
  return group.norm([&](std::size_t, std::size_t i) { return values[i]; });
}

// ‖Δ‖ of the group that merging parts may cause, each within the kernels' bounds.
double merging_bound(const Group& group, const Exact& first, const Exact& second, const AttentionKernels& resident,
                     const AttentionKernels& offloaded) {
  const auto weight = [](const Exact& own, const Exact& other, std::size_t row) {
    return 1.0 / (1.0 + std::exp(other.lse[row] - own.lse[row]));
  };
  const double of_first =
      group.norm([&](std::size_t row, std::size_t i) { return weight(first, second, row) * first.output[i]; });
  const double of_second =
      group.norm([&](std::size_t row, std::size_t i) { return weight(second, first, row) * second.output[i]; });
  const double apart = group.norm([&](std::size_t row, std::size_t i) {
    return weight(first, second, row) * weight(second, first, row) * (first.output[i] - second.output[i]);
  });
  const double e1 = resident.attend_bound(), e2 = offloaded.attend_bound();
  const double larger = std::hypot(norm(group, first.output), norm(group, second.output));
  return e1 * of_first + e2 * of_second + (e1 + e2) * apart + resident.merge_bound() * larger;
}

// One run of checks on one problem.
class Checks {
 public:
  Checks(const ResultShape& shape, const KernelMaker& resident, const KernelMaker& offloaded, ThreadPool& pool)
      : shape_(shape),
        problem_(make_problem(shape, pool)),
        pool_(pool),
        resident_(resident(problem_)),
        offloaded_(offloaded(problem_)) {
    kernels_ = resident_->name();
    if (offloaded_->name() != kernels_) kernels_ += " and " + offloaded_->name();
  }

  std::vector<ResultCheck> run(const KernelMaker& resident) {
    const AttentionProblem ordered = in_order(problem_);
    const BlockLists all = all_blocks(problem_);
    const PartialResult dense = resident(ordered)->attend(all);
    const Exact exact = attend_exactly(problem_, all, pool_);
    against_exact("dense", dense, exact);
    const BlockLists covering = resident_->select(shape_.blocks);
    const std::int64_t offloaded = shape_.offloaded * shape_.blocks / std::max<std::int64_t>(shape_.selected, 1);
    if (sound("all blocks selected", covering, shape_.blocks))
      dealt_out("all blocks selected", covering, offloaded, dense, exact);
    const BlockLists selected = resident_->select(shape_.selected);
    if (!sound("selection", selected, shape_.selected)) return std::move(checks_);
    const PartialResult whole = resident_->attend(selected);
    const Exact exactly = attend_exactly(problem_, selected, pool_);
    against_exact("selection", whole, exactly);
    if (shape_.offloaded > 0) dealt_out("parts merged", selected, shape_.offloaded, whole, exactly);
    return std::move(checks_);
  }

 private:
  bool sound(const char* what, const BlockLists& lists, std::int64_t k) {
    const std::string wrong = wrong_selection(lists, k, problem_);
    if (wrong.empty()) return true;
    checks_.push_back({.kernels = kernels_, .what = what, .wrong = wrong});
    return false;
  }

  void against_exact(const char* what, const PartialResult& found, const Exact& exact) {
    const std::vector<double> as_double(found.output.begin(), found.output.end());
    compare(what, as_double, exact.output, exact,
            [&](const Group& group) { return resident_->attend_bound() * norm(group, exact.output); });
  }

  // The blocks dealt out and merged, against `whole`, the same in one piece.
  void dealt_out(const char* what, const BlockLists& blocks, std::int64_t offloaded, const PartialResult& whole,
                 const Exact& exact) {
    const Parts parts = deal_out(blocks, offloaded);
    PartialResult merged = resident_->attend(parts.resident);
    if (offloaded > 0) merged = resident_->merge(merged, offloaded_->attend(parts.offloaded));
    const Exact first = attend_exactly(problem_, parts.resident, pool_);
    const Exact second = attend_exactly(problem_, parts.offloaded, pool_);
    const std::vector<double> found(merged.output.begin(), merged.output.end());
    const std::vector<double> expected(whole.output.begin(), whole.output.end());
    compare(what, found, expected, exact, [&](const Group& group) {
      return merging_bound(group, first, second, *resident_, *offloaded_) +
             resident_->attend_bound() * norm(group, exact.output);
    });
  }

  // Keeps the KV head that is nearest to its bound; one that is not a number is beyond any.
  template <class BoundOf>
  void compare(const char* what, const std::vector<double>& found, const std::vector<double>& expected,
               const Exact& exact, BoundOf bound_of) {
    CHECK(found.size() == expected.size(), "{} and {} results", found.size(), expected.size());
    ResultCheck worst{.kernels = kernels_, .what = what};
    double nearest = -1.0;
    for (std::size_t head = 0; head < static_cast<std::size_t>(problem_.kv_heads); ++head) {
      const Group group(problem_, head);
      const double size = norm(group, exact.output), bound = bound_of(group);
      const double error = group.norm([&](std::size_t, std::size_t i) { return found[i] - expected[i]; });
      const double share = std::isnan(error) ? INFINITY : error / bound;
      if (share <= nearest) continue;
      nearest = share;
      worst.error = error / size;
      worst.bound = bound / size;
    }
    checks_.push_back(worst);
  }

  ResultShape shape_;
  AttentionProblem problem_;
  ThreadPool& pool_;
  std::unique_ptr<AttentionKernels> resident_, offloaded_;
  std::string kernels_;
  std::vector<ResultCheck> checks_;
};

}  // namespace

ResultShape within_limit(ResultShape shape) {
  const std::int64_t most = kMostCheckedTokens / kPageTokens;
  if (shape.blocks <= most) return shape;
  const std::int64_t selected = std::max<std::int64_t>(1, shape.selected * most / shape.blocks);
  shape.offloaded = shape.offloaded * selected / shape.selected;
  shape.selected = selected;
  shape.blocks = most;
  return shape;
}

std::vector<ResultCheck> check_results(const ResultShape& shape, const KernelMaker& resident,
                                       const KernelMaker& offloaded, ThreadPool& pool) {
  CHECK(shape.blocks > 0 && shape.selected > 0 && shape.selected <= shape.blocks && shape.offloaded >= 0 &&
            shape.offloaded <= shape.selected && shape.kv_heads > 0 && shape.q_heads % shape.kv_heads == 0,
        "{} of {} of {} blocks, {} query heads to {}", shape.offloaded, shape.selected, shape.blocks, shape.q_heads,
        shape.kv_heads);
  return Checks(shape, resident, offloaded, pool).run(resident);
}

std::vector<ResultCheck> check_results(const ResultShape& shape, ThreadPool& pool) {
  const KernelMaker cpu = [&](const AttentionProblem& problem) { return make_cpu_kernels(problem, pool); };
  std::vector<ResultCheck> checks = check_results(shape, cpu, cpu, pool);
  if (!has_gpu_kernels(shape)) return checks;
  const std::vector<ResultCheck> with_gpu = check_results(shape, make_gpu_kernels, cpu, pool);
  checks.insert(checks.end(), with_gpu.begin(), with_gpu.end());
  return checks;
}

}  // namespace outrider
