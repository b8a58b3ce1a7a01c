// Draws a head in the order: keys, values, content of queries, then the strengths of recency and sink that give the
// shares asked for.
#include "fidelity/head.h"

#include <algorithm>
#include <cmath>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr double kSinkLength = 10.0;        // of the sink keys along their channel
constexpr double kSinkValueLength = 0.1;    // of values of sinks, beside others
constexpr double kStrongestRecency = 64.0;  // bound of the search

// Roles of the pairs, by their number from the fastest.
struct Pairs {
  std::int64_t all = 64;
  std::int64_t content_begin() const { return all * 22 / 32; }
  std::int64_t content_end() const { return all * 30 / 32; }
  std::int64_t sink() const { return all - 1; }
  // Variance of content in a pair's two channels: 1/rank, with mean 1.
  double variance(std::int64_t pair) const {
    double sum = 0.0;
    const auto count = static_cast<double>(content_end() - content_begin());
    for (double rank = 1.0; rank <= count; ++rank) sum += 1.0 / rank;
    return count / sum / static_cast<double>(pair - content_begin() + 1);
  }
};

using Content = std::vector<double>;  // first halves of the content pairs, then their second halves

class Drawing {
 public:
  Drawing(const HeadClass& kind, const Generator& generator, const HeadSize& size, const RandomStream& stream)
      : kind_(kind), generator_(generator), size_(size), stream_(stream), pairs_{generator.head_dim / 2} {
    for (int half = 0; half < 2; ++half) {
      for (std::int64_t p = pairs_.content_begin(); p < pairs_.content_end(); ++p)
        deviations_.push_back(std::sqrt(pairs_.variance(p)));
    }
    head_.tokens = size.tokens;
    head_.head_dim = generator.head_dim;
    head_.group = generator.group;
    head_.steps = size.steps;
    head_.scale = 1.0 / std::sqrt(static_cast<double>(generator.head_dim));
    head_.rope_base = generator.rope_base;
  }

  Head draw() {
    draw_keys();
    draw_values();
    draw_query_content();
    set_recency();
    set_sinks();
    assemble_queries();
    return std::move(head_);
  }

 private:
  Content draw_content(RandomStream& stream) const {
    Content content;
    for (const double deviation : deviations_) content.push_back(deviation * stream.normal());
    return content;
  }
  std::vector<Content> draw_topics(const char* name) const {
    RandomStream stream = stream_.fork(name);
    std::vector<Content> topics;
    for (std::int64_t t = 0; t < generator_.topics; ++t) topics.push_back(draw_content(stream));
    return topics;
  }
  static void mix(Content& into, double share, const Content& topic) {
    for (std::size_t c = 0; c < into.size(); ++c)
      into[c] = std::sqrt(1.0 - share) * into[c] + std::sqrt(share) * topic[c];
  }
  // The topic of each token.
  std::vector<std::size_t> draw_spans() const {
    RandomStream stream = stream_.fork("spans");
    std::vector<std::size_t> topics;
    std::size_t topic = 0;
    for (std::int64_t i = 0; i < size_.tokens; ++i) {
      if (i == 0 || stream.uniform() * generator_.span_tokens < 1.0)
        topic = stream.below(static_cast<std::uint64_t>(generator_.topics));
      topics.push_back(topic);
    }
    return topics;
  }
  std::size_t content_channel(std::size_t c) const {
    const std::size_t half = deviations_.size() / 2, begin = static_cast<std::size_t>(pairs_.content_begin());
    return c < half ? begin + c : static_cast<std::size_t>(pairs_.all) + begin + c - half;
  }

  void draw_keys() {
    spans_ = draw_spans();
    const std::vector<Content> topics = draw_topics("key topics");
    RandomStream stream = stream_.fork("keys");
    const auto width = static_cast<std::size_t>(head_.head_dim);
    head_.unrotated.resize(static_cast<std::size_t>(size_.tokens) * width);
    head_.keys.resize(head_.unrotated.size());
    std::vector<float> rotated(width);
    for (std::int64_t i = 0; i < size_.tokens; ++i) {
      float* const key = head_.unrotated.data() + static_cast<std::size_t>(i) * width;
      draw_key(key, i, topics[spans_[static_cast<std::size_t>(i)]], stream);
      std::copy_n(key, width, rotated.data());
      rotate(rotated.data(), head_.head_dim, head_.rope_base, static_cast<double>(i));
      for (std::size_t c = 0; c < width; ++c) head_.keys[static_cast<std::size_t>(i) * width + c] = to_bf16(rotated[c]);
    }
  }

  void draw_key(float* key, std::int64_t token, const Content& topic, RandomStream& stream) const {
    const bool sink = token < kSinkTokens;
    for (std::int64_t c = 0; c < head_.head_dim; ++c)
      key[c] = static_cast<float>(generator_.key_noise * stream.normal());
    Content content = draw_content(stream);
    mix(content, generator_.topic_share, topic);
    for (std::size_t c = 0; c < content.size(); ++c)
      key[content_channel(c)] = sink ? 0.0f : static_cast<float>(content[c]);
    for (std::int64_t p = 0; p < pairs_.content_begin() && !sink; ++p) key[p] += 1.0f;
    for (std::int64_t p = pairs_.content_end(); p < pairs_.sink() && !sink; ++p)
      key[p] += static_cast<float>(generator_.outlier_scale);
    key[pairs_.sink()] = sink ? static_cast<float>(token == 0 ? kSinkLength : 0.5 * kSinkLength) : 0.0f;
    key[pairs_.sink() + pairs_.all] = 0.0f;
  }

  void draw_values() {
    RandomStream stream = stream_.fork("values"), topic_stream = stream_.fork("value topics");
    const auto width = static_cast<std::size_t>(head_.head_dim);
    std::vector<double> topics(static_cast<std::size_t>(generator_.topics) * width);
    for (double& each : topics) each = topic_stream.normal();
    const double shared = std::sqrt(generator_.value_topic_share), own = std::sqrt(1.0 - generator_.value_topic_share);
    head_.values.resize(head_.keys.size());
    head_.kv.resize(2 * head_.keys.size());
    for (std::size_t i = 0; i < static_cast<std::size_t>(size_.tokens); ++i) {
      const double length = i < kSinkTokens ? kSinkValueLength : 1.0;
      for (std::size_t c = 0; c < width; ++c) {
        const double value = shared * topics[spans_[i] * width + c] + own * stream.normal();
        head_.values[i * width + c] = to_bf16(static_cast<float>(length * value));
      }
      std::copy_n(head_.keys.data() + i * width, width, head_.kv.data() + 2 * i * width);
      std::copy_n(head_.values.data() + i * width, width, head_.kv.data() + (2 * i + 1) * width);
    }
  }

  // Content of each query head, before it is scaled. Heads of the group share a part of topic and motion.
  std::vector<Content> draw_group(const std::vector<Content>& topics, RandomStream& stream) const {
    const auto one = [&] {
      Content content = draw_content(stream);
      mix(content, generator_.topic_share, topics[stream.below(static_cast<std::uint64_t>(generator_.topics))]);
      return content;
    };
    const Content shared = one();
    std::vector<Content> group;
    for (std::int64_t h = 0; h < head_.group; ++h) {
      group.push_back(one());
      mix(group.back(), generator_.group_cosine, shared);
    }
    return group;
  }

  // Places content in a query, so that logits from it have the class's spread: Σ c² Λ of the channels is σ² head_dim.
  void place(const Content& content, float* query) const {
    double spread = 0.0;
    for (std::size_t c = 0; c < content.size(); ++c)
      spread += content[c] * content[c] * deviations_[c] * deviations_[c];
    const double length = kind_.spread * std::sqrt(static_cast<double>(head_.head_dim) / spread);
    for (std::size_t c = 0; c < content.size(); ++c)
      query[content_channel(c)] = static_cast<float>(length * content[c]);
  }

  // Of the first step, so that recency and sinks can be set beside it.
  void draw_query_content() {
    query_topics_ = draw_topics("query topics");
    RandomStream stream = stream_.fork("queries");
    content_ = draw_group(query_topics_, stream);
    still_ = draw_group(query_topics_, stream);
    head_.queries.assign(head_.query_size(), 0.0f);
    for (std::size_t h = 0; h < still_.size(); ++h) {
      Content content = content_[h];
      mix(content, generator_.static_share, still_[h]);
      place(content, head_.queries.data() + h * static_cast<std::size_t>(head_.head_dim));
    }
  }

  // Logits of all tokens under the first step's queries as they are, and under a recency of strength 1.
  std::vector<double> logits(const float* unrotated_query) const {
    std::vector<float> query(unrotated_query, unrotated_query + head_.head_dim);
    rotate(query.data(), head_.head_dim, head_.rope_base, static_cast<double>(size_.tokens));
    std::vector<double> result;
    for (std::int64_t i = 0; i < size_.tokens; ++i) {
      double sum = 0.0;
      for (std::int64_t c = 0; c < head_.head_dim; ++c)
        sum += static_cast<double>(query[static_cast<std::size_t>(c)]) *
               static_cast<double>(to_float(head_.keys[static_cast<std::size_t>(i * head_.head_dim + c)]));
      result.push_back(head_.scale * sum);
    }
    return result;
  }

  // ln Σ exp of logits[i] + strength · recency[i] over [begin, end).
  static double log_sum(const std::vector<double>& logits, const std::vector<double>& recency, double strength,
                        std::int64_t begin) {
    double most = -1e300, sum = 0.0;
    for (std::size_t i = static_cast<std::size_t>(begin); i < logits.size(); ++i)
      most = std::max(most, logits[i] + strength * recency[i]);
    for (std::size_t i = static_cast<std::size_t>(begin); i < logits.size(); ++i)
      sum += std::exp(logits[i] + strength * recency[i] - most);
    return most + std::log(sum);
  }

  void set_recency() {
    std::vector<float> ones(static_cast<std::size_t>(head_.head_dim), 0.0f);
    std::fill_n(ones.begin(), pairs_.content_begin(), 1.0f);
    recency_ = logits(ones.data());
    for (std::int64_t h = 0; h < head_.group; ++h) logits_.push_back(logits(head_.queries.data() + h * head_.head_dim));
    const std::int64_t recent = std::max(kSinkTokens, size_.tokens - kRecentTokens);
    const auto share = [&](double strength) {
      double sum = 0.0;
      for (const auto& each : logits_)
        sum += std::exp(log_sum(each, recency_, strength, recent) - log_sum(each, recency_, strength, kSinkTokens));
      return sum / static_cast<double>(logits_.size());
    };
    double low = 0.0, high = kStrongestRecency;
    for (int i = 0; i < 30 && share(0.0) < kind_.recent_share; ++i) {
      const double middle = 0.5 * (low + high);
      (share(middle) < kind_.recent_share ? low : high) = middle;
    }
    strength_ = low;
  }

  // With y = e^(x ÷ 2) for the first sink's logit x, the sinks weigh y² + 3 y beside what recency and noise give them.
  void set_sinks() {
    for (const auto& each : logits_) {
      const double rest = log_sum(each, recency_, strength_, kSinkTokens), own = each[0] + strength_ * recency_[0];
      const double wanted = std::exp(rest - own) * kind_.sink_share / (1.0 - kind_.sink_share);
      const double x = 2.0 * std::log(0.5 * (std::sqrt(9.0 + 4.0 * wanted) - 3.0));
      sinks_.push_back(std::max(0.0, x) / (kSinkLength * head_.scale));
    }
  }

  void finish(float* query, const Content& content, std::size_t head, double position) const {
    std::fill_n(query, head_.head_dim, 0.0f);
    place(content, query);
    for (std::int64_t p = 0; p < pairs_.content_begin(); ++p) query[p] = static_cast<float>(strength_);
    query[pairs_.sink()] = static_cast<float>(sinks_[head]);
    rotate(query, head_.head_dim, head_.rope_base, position);
  }

  void assemble_queries() {
    const double stays = generator_.step_correlation;
    RandomStream motion = stream_.fork("motion"), prefill = stream_.fork("prefill");
    const auto group = static_cast<std::size_t>(head_.group), width = static_cast<std::size_t>(head_.head_dim);
    head_.queries.assign(static_cast<std::size_t>(size_.steps) * group * width, 0.0f);
    for (std::size_t step = 0; step < static_cast<std::size_t>(size_.steps); ++step) {
      const std::vector<Content> fresh = step == 0 ? content_ : draw_group(query_topics_, motion);
      for (std::size_t h = 0; h < group; ++h) {
        if (step > 0) mix(content_[h], 1.0 - stays * stays, fresh[h]);
        Content content = content_[h];
        mix(content, generator_.static_share, still_[h]);
        finish(head_.queries.data() + (step * group + h) * width, content, h, static_cast<double>(size_.tokens));
      }
    }
    head_.prefill_queries.resize(static_cast<std::size_t>(size_.prefill_queries) * width);
    for (std::size_t q = 0; q < static_cast<std::size_t>(size_.prefill_queries); ++q) {
      const auto half = static_cast<std::uint64_t>(size_.tokens / 2);
      head_.prefill_positions.push_back(static_cast<std::int64_t>(half + prefill.below(half)));
      const std::vector<Content> drawn = draw_group(query_topics_, prefill);
      finish(head_.prefill_queries.data() + q * width, drawn[q % group], q % group,
             static_cast<double>(head_.prefill_positions.back()));
    }
  }

  const HeadClass& kind_;
  const Generator& generator_;
  const HeadSize& size_;
  RandomStream stream_;
  Pairs pairs_;
  std::vector<double> deviations_;  // of content, by its channels
  std::vector<std::size_t> spans_;
  std::vector<Content> query_topics_, content_, still_;
  std::vector<std::vector<double>> logits_;  // from content, of the first step, by query head
  std::vector<double> recency_, sinks_;
  double strength_ = 0.0;
  Head head_;
};

}  // namespace

Head make_head(const HeadClass& kind, const Generator& generator, const HeadSize& size, const RandomStream& stream) {
  CHECK(generator.head_dim % 64 == 0 && size.tokens >= 2 * kRecentTokens && size.steps >= 1,
        "no head of {} channels, {} tokens and {} steps", generator.head_dim, size.tokens, size.steps);
  return Drawing(kind, generator, size, stream).draw();
}

void rotate(float* vector, std::int64_t head_dim, double rope_base, double position) {
  const std::int64_t half = head_dim / 2;
  for (std::int64_t p = 0; p < half; ++p) {
    const double angle = position * std::pow(rope_base, -static_cast<double>(p) / static_cast<double>(half));
    const double first = static_cast<double>(vector[p]), second = static_cast<double>(vector[p + half]);
    vector[p] = static_cast<float>(first * std::cos(angle) - second * std::sin(angle));
    vector[p + half] = static_cast<float>(second * std::cos(angle) + first * std::sin(angle));
  }
}

bool carries_content(std::int64_t channel, std::int64_t head_dim) {
  const Pairs pairs{head_dim / 2};
  const std::int64_t pair = channel % pairs.all;
  return pair >= pairs.content_begin() && pair < pairs.content_end();
}

std::vector<float> predicted_queries(const Head& head, std::size_t step, double cosine, bool content_only,
                                     RandomStream stream) {
  const auto width = static_cast<std::size_t>(head.head_dim);
  std::vector<float> result(head.query(step), head.query(step) + head.query_size());
  for (std::size_t first = 0; first < result.size(); first += width) {
    std::vector<double> error(width);
    double along = 0.0, square = 0.0;
    for (std::size_t c = 0; c < width; ++c) {
      const double draw = stream.normal();
      error[c] = content_only && !carries_content(static_cast<std::int64_t>(c), head.head_dim) ? 0.0 : draw;
      along += error[c] * static_cast<double>(result[first + c]);
      square += static_cast<double>(result[first + c]) * static_cast<double>(result[first + c]);
    }
    double length = 0.0;
    for (std::size_t c = 0; c < width; ++c) {
      error[c] -= along / square * static_cast<double>(result[first + c]);
      length += error[c] * error[c];
    }
    const double noise = std::sqrt((1.0 - cosine * cosine) * square / length);
    for (std::size_t c = 0; c < width; ++c)
      result[first + c] = static_cast<float>(cosine * static_cast<double>(result[first + c]) + noise * error[c]);
  }
  return result;
}

}  // namespace outrider
