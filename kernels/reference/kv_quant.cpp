// Plain loops over tiles; sums in double.
#include "kernels/reference/kv_quant.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr double kInt8 = 127.0;

// INT8 codes of one channel of a tile become codes of `bits` bits; each is replaced by what it stands for.
void coarsen(double* codes, std::int64_t count, std::int64_t stride, int bits) {
  double least = codes[0], most = codes[0];
  for (std::int64_t i = 0; i < count; ++i) {
    least = std::min(least, codes[i * stride]);
    most = std::max(most, codes[i * stride]);
  }
  const double levels = static_cast<double>((1 << bits) - 1);
  const double scale = std::max(1.0, std::ceil((most - least) / levels));
  for (std::int64_t i = 0; i < count; ++i)
    codes[i * stride] = least + scale * std::min(levels, std::nearbyint((codes[i * stride] - least) / scale));
}

double rounded_to_int8(double value, double scale) { return scale > 0.0 ? std::nearbyint(value / scale) * scale : 0.0; }

// The part of the softmax of one query head that tiles so far have made.
struct Running {
  double most = -std::numeric_limits<double>::infinity(), total = 0.0;
  std::vector<double> sum;
};

void attend_tile(const IntegerAttention& a, const std::vector<double>& query, std::int64_t first, Running& running) {
  const std::int64_t count = std::min(a.tile_tokens, a.tokens - first);
  std::vector<double> scores(static_cast<std::size_t>(count));
  double most = running.most;
  for (std::int64_t i = 0; i < count; ++i) {
    double score = 0.0;
    for (std::int64_t c = 0; c < a.head_dim; ++c)
      score += query[static_cast<std::size_t>(c)] * a.keys[(first + i) * a.head_dim + c];
    scores[static_cast<std::size_t>(i)] = a.scale * score;
    most = std::max(most, a.scale * score);
  }
  const double shrink = std::exp(running.most - most);  // 0 for the first tile
  running.total *= shrink;
  for (double& each : running.sum) each *= shrink;
  running.most = most;
  double largest = 0.0;
  for (double& score : scores) {
    score = sas_exp(score - most, a.threshold);
    running.total += score;
    largest = std::max(largest, score);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const double weight = rounded_to_int8(scores[static_cast<std::size_t>(i)], largest / kInt8);
    for (std::int64_t c = 0; c < a.head_dim && weight > 0.0; ++c)
      running.sum[static_cast<std::size_t>(c)] += weight * a.values[(first + i) * a.head_dim + c];
  }
}

}  // namespace

std::vector<float> progressive_values(const ProgressiveFormat& format, const Bf16* rows, std::int64_t tokens) {
  CHECK(format.bits == 8 || (format.bits >= 2 && format.bits <= 4), "no format of {} bits", format.bits);
  const std::int64_t width = format.head_dim;
  std::vector<float> result(static_cast<std::size_t>(tokens * width));
  std::vector<double> codes(static_cast<std::size_t>(format.tile_tokens * width));
  for (std::int64_t first = 0; first < tokens; first += format.tile_tokens) {
    const std::int64_t count = std::min(format.tile_tokens, tokens - first);
    double largest = 0.0;
    for (std::int64_t i = 0; i < count * width; ++i)
      largest = std::max(largest, std::abs(static_cast<double>(to_float(rows[first * width + i]))));
    const double scale = largest > 0.0 ? largest / kInt8 : 1.0;
    for (std::int64_t i = 0; i < count * width; ++i)
      codes[static_cast<std::size_t>(i)] = std::nearbyint(to_float(rows[first * width + i]) / scale);
    for (std::int64_t c = 0; c < width && format.bits < 8; ++c) coarsen(codes.data() + c, count, width, format.bits);
    for (std::int64_t i = 0; i < count * width; ++i)
      result[static_cast<std::size_t>(first * width + i)] =
          static_cast<float>(scale * codes[static_cast<std::size_t>(i)]);
  }
  return result;
}

double progressive_bytes(const ProgressiveFormat& format, std::int64_t tokens) {
  const double tiles = std::ceil(static_cast<double>(tokens) / static_cast<double>(format.tile_tokens));
  const double width = static_cast<double>(format.head_dim);
  const double second_stage = format.bits < 8 ? 2.0 * width : 0.0;
  return static_cast<double>(tokens) * width * format.bits / 8.0 + tiles * (4.0 + second_stage);
}

double sas_exp(double x, double threshold) {
  if (x < threshold) return 0.0;
  const double whole = std::floor(-x), f = -x - whole;
  return std::exp(-whole) * (((-0.1025 * f + 0.4626) * f - 0.9922) * f + 0.9996);
}

std::vector<float> attend_in_integers(const IntegerAttention& a) {
  std::vector<float> output(static_cast<std::size_t>(a.group * a.head_dim));
  for (std::int64_t head = 0; head < a.group; ++head) {
    const float* const given = a.queries + head * a.head_dim;
    double largest = 0.0;
    for (std::int64_t c = 0; c < a.head_dim; ++c) largest = std::max(largest, std::abs(static_cast<double>(given[c])));
    std::vector<double> query;
    for (std::int64_t c = 0; c < a.head_dim; ++c) query.push_back(rounded_to_int8(given[c], largest / kInt8));
    Running running{.sum = std::vector<double>(static_cast<std::size_t>(a.head_dim))};
    for (std::int64_t first = 0; first < a.tokens; first += a.tile_tokens) attend_tile(a, query, first, running);
    for (std::int64_t c = 0; c < a.head_dim; ++c)
      output[static_cast<std::size_t>(head * a.head_dim + c)] =
          static_cast<float>(running.sum[static_cast<std::size_t>(c)] / running.total);
  }
  return output;
}

}  // namespace outrider
