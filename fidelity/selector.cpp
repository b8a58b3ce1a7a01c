// Selection by the top-k kernel, attention by the attention kernel over blocks of one token.
#include "fidelity/selector.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/topk.h"

namespace outrider {
namespace {

TokenList all_tokens(const Head& head) {
  TokenList tokens(static_cast<std::size_t>(head.tokens));
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

}  // namespace

TokenList ends_of(const Head& head, std::int64_t sinks, std::int64_t recent) {
  if (sinks + recent >= head.tokens) return all_tokens(head);
  TokenList tokens;
  for (std::int64_t i = 0; i < sinks; ++i) tokens.push_back(static_cast<std::int32_t>(i));
  for (std::int64_t i = head.tokens - recent; i < head.tokens; ++i) tokens.push_back(static_cast<std::int32_t>(i));
  return tokens;
}

TokenList united(const TokenList& a, const TokenList& b) {
  TokenList result;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result));
  return result;
}

TokenList Selector::select(const float* queries, std::int64_t budget) const {
  if (budget >= head_.tokens) return all_tokens(head_);
  const std::int64_t unit = index_->unit_tokens(), kept = static_cast<std::int64_t>(kept_.size());
  if (unit == 1 && budget <= kept) return kept_;
  std::vector<float> scores = index_->scores(queries);
  std::vector<std::int64_t> left(scores.size(), unit);
  left.back() = head_.tokens - unit * (static_cast<std::int64_t>(scores.size()) - 1);
  for (const std::int32_t token : kept_) --left[static_cast<std::size_t>(token / unit)];
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (left[i] == 0) scores[i] = std::numeric_limits<float>::quiet_NaN();  // ranks last
  }
  std::vector<std::int32_t> units(scores.size()), scratch(top_k_scratch(scores.size()));
  const std::int64_t wanted = std::max<std::int64_t>(1, (budget - kept) / unit);
  const std::int64_t found =
      select_top_k(path_, {.scores = scores, .k = wanted, .selected = units.data(), .scratch = scratch});
  TokenList tokens;
  for (std::int64_t i = 0; i < found; ++i) {
    const std::int64_t first = units[static_cast<std::size_t>(i)] * unit;
    for (std::int64_t token = first; token < std::min(first + unit, head_.tokens); ++token)
      tokens.push_back(static_cast<std::int32_t>(token));
  }
  return united(tokens, kept_);
}

PartialAttention attend_tokens(const Head& head, const std::vector<Bf16>& kv, const float* queries,
                               const TokenList& tokens, CpuPath path) {
  PartialAttention result{.output = std::vector<float>(head.query_size()),
                          .lse = std::vector<float>(static_cast<std::size_t>(head.group))};
  attend(path, AttentionPart<Bf16>{
                   .kv = {.data = kv.data(), .stride = 2 * head.head_dim, .block_tokens = 1, .head_dim = head.head_dim},
                   .blocks = tokens,
                   .tokens = static_cast<std::int64_t>(tokens.size()),
                   .group = head.group,
                   .queries = queries,
                   .scale = static_cast<float>(head.scale),
                   .output = result.output.data(),
                   .lse = result.lse.data()});
  return result;
}

double kv_bytes(const Head& head, double tokens) {
  return tokens * 2.0 * static_cast<double>(head.head_dim) * kElementBytes;
}

Attended SparseAttention::attend(std::size_t step) {
  const float* const own = head_.query(step);
  const std::vector<float> choosing = parts_.choosing_query ? parts_.choosing_query(step) : std::vector<float>();
  TokenList tokens = parts_.selector.select(choosing.empty() ? own : choosing.data(), budget_);
  const auto count = static_cast<double>(tokens.size());
  const std::vector<Bf16>& kv = parts_.kv.empty() ? head_.kv : parts_.kv;
  return {.output = attend_tokens(head_, kv, own, tokens, path_).output,
          .tokens = {std::move(tokens)},
          .bytes = {.index = parts_.selector.index_bytes(),
                    .kv = (parts_.bytes_per_token > 0.0 ? count * parts_.bytes_per_token : kv_bytes(head_, count)) +
                          parts_.bytes_beside_tokens,
                    .state = 0.0}};
}

}  // namespace outrider
