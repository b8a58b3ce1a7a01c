// Dense attention, in the plainest way.
#include "fidelity/exact.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace outrider {
namespace {

constexpr std::int64_t kBlock = 32, kSelectedShare = 16;  // 2048 tokens of 32k, as ScoutAttention's figures are

ExactStep attend_exactly(const Head& head, const float* queries, const std::vector<double>& keys) {
  const auto tokens = static_cast<std::size_t>(head.tokens), width = static_cast<std::size_t>(head.head_dim);
  ExactStep step;
  std::vector<double> weights(tokens);
  for (std::size_t h = 0; h < static_cast<std::size_t>(head.group); ++h) {
    for (std::size_t i = 0; i < tokens; ++i) {
      double sum = 0.0;
      for (std::size_t c = 0; c < width; ++c) sum += static_cast<double>(queries[h * width + c]) * keys[i * width + c];
      weights[i] = head.scale * sum;
    }
    const double most = *std::max_element(weights.begin(), weights.end());
    for (double& each : weights) each = std::exp(each - most);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<double> output(width);
    for (std::size_t i = 0; i < tokens; ++i) {
      const double probability = weights[i] / total;
      step.probabilities.push_back(static_cast<float>(probability));
      for (std::size_t c = 0; c < width; ++c)
        output[c] += probability * static_cast<double>(to_float(head.values[i * width + c]));
    }
    step.output.insert(step.output.end(), output.begin(), output.end());
  }
  return step;
}

// Blocks with the most mass of the group, sorted.
std::vector<std::size_t> top_blocks(const Head& head, const ExactStep& step) {
  const auto blocks = static_cast<std::size_t>(head.tokens / kBlock);
  std::vector<double> mass(blocks);
  for (std::size_t i = 0; i < step.probabilities.size(); ++i)
    mass[std::min(blocks - 1, i % static_cast<std::size_t>(head.tokens) / kBlock)] +=
        static_cast<double>(step.probabilities[i]);
  std::vector<std::size_t> order(blocks);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return mass[a] > mass[b] || (mass[a] == mass[b] && a < b); });
  order.resize(std::max<std::size_t>(1, blocks / kSelectedShare));
  std::sort(order.begin(), order.end());
  return order;
}

// Of one step and query head.
void add_shape(std::vector<double> probabilities, HeadStatistics& sums) {
  const auto sum_of = [&](std::size_t begin, std::size_t end) {
    return std::accumulate(probabilities.begin() + static_cast<std::ptrdiff_t>(begin),
                           probabilities.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
  };
  const std::size_t tokens = probabilities.size();
  const double sinks = sum_of(0, kSinkTokens);
  sums.sink_share += sinks;
  sums.recent_share += sum_of(tokens - kRecentTokens, tokens) / std::max(1e-12, 1.0 - sinks);
  for (const double p : probabilities) sums.entropy -= p > 0.0 ? p * std::log(p) : 0.0;
  std::sort(probabilities.begin(), probabilities.end(), std::greater<>());
  sums.top_20_percent += sum_of(0, tokens / 5);
  sums.below_percent_of_most +=
      static_cast<double>(std::count_if(probabilities.begin(), probabilities.end(),
                                        [&](double p) { return p < 0.01 * probabilities.front(); })) /
      static_cast<double>(tokens);
}

double cosine(const float* a, const float* b, std::size_t width) {
  double product = 0.0, first = 0.0, second = 0.0;
  for (std::size_t c = 0; c < width; ++c) {
    product += static_cast<double>(a[c]) * static_cast<double>(b[c]);
    first += static_cast<double>(a[c]) * static_cast<double>(a[c]);
    second += static_cast<double>(b[c]) * static_cast<double>(b[c]);
  }
  return product / std::sqrt(first * second);
}

void add_motion(const Head& head, std::span<const ExactStep> exact, HeadStatistics& result) {
  const auto width = static_cast<std::size_t>(head.head_dim), group = static_cast<std::size_t>(head.group);
  result.step_cosine = exact.size() == 1 ? 1.0 : 0.0;
  const double pairs = static_cast<double>(exact.size() - 1);
  std::vector<std::size_t> before = top_blocks(head, exact[0]);
  for (std::size_t step = 1; step < exact.size(); ++step) {
    for (std::size_t h = 0; h < group; ++h)
      result.step_cosine += cosine(head.query(step - 1) + h * width, head.query(step) + h * width, width) /
                            (pairs * static_cast<double>(group));
    const std::vector<std::size_t> now = top_blocks(head, exact[step]);
    std::vector<std::size_t> kept;
    std::set_intersection(before.begin(), before.end(), now.begin(), now.end(), std::back_inserter(kept));
    result.block_turnover += (1.0 - static_cast<double>(kept.size()) / static_cast<double>(now.size())) / pairs;
    before = now;
  }
}

}  // namespace

std::vector<ExactStep> exact_attention(const Head& head) {
  std::vector<double> keys;
  for (const Bf16 each : head.keys) keys.push_back(static_cast<double>(to_float(each)));
  std::vector<ExactStep> steps;
  for (std::size_t step = 0; step < static_cast<std::size_t>(head.steps); ++step)
    steps.push_back(attend_exactly(head, head.query(step), keys));
  return steps;
}

double relative_error(const Head& head, const ExactStep& exact, std::span<const float> output) {
  const auto width = static_cast<std::size_t>(head.head_dim);
  double sum = 0.0;
  for (std::size_t first = 0; first < output.size(); first += width) {
    double difference = 0.0, square = 0.0;
    for (std::size_t c = first; c < first + width; ++c) {
      const double delta = static_cast<double>(output[c]) - exact.output[c];
      difference += delta * delta;
      square += exact.output[c] * exact.output[c];
    }
    sum += std::sqrt(difference / square);
  }
  return sum / static_cast<double>(head.group);
}

double covered_mass(const Head& head, const ExactStep& exact, const std::vector<std::vector<std::int32_t>>& tokens) {
  double sum = 0.0;
  for (std::size_t h = 0; h < static_cast<std::size_t>(head.group); ++h) {
    for (const std::int32_t token : tokens[tokens.size() == 1 ? 0 : h])
      sum += static_cast<double>(
          exact.probabilities[h * static_cast<std::size_t>(head.tokens) + static_cast<std::size_t>(token)]);
  }
  return sum / static_cast<double>(head.group);
}

HeadStatistics statistics_of(const Head& head, std::span<const ExactStep> exact) {
  HeadStatistics result;
  const auto tokens = static_cast<std::ptrdiff_t>(head.tokens);
  for (const ExactStep& step : exact) {
    for (std::ptrdiff_t h = 0; h < head.group; ++h) {
      const auto first = step.probabilities.begin() + h * tokens;
      add_shape({first, first + tokens}, result);
    }
  }
  const double rows = static_cast<double>(exact.size()) * static_cast<double>(head.group);
  for (double HeadStatistics::*sum : {&HeadStatistics::sink_share, &HeadStatistics::recent_share,
                                      &HeadStatistics::top_20_percent, &HeadStatistics::below_percent_of_most})
    result.*sum /= rows;
  result.entropy /= rows * std::log(static_cast<double>(head.tokens));
  add_motion(head, exact, result);
  return result;
}

}  // namespace outrider
