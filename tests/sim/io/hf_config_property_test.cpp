// Damaged config.json files are refused with messages or read into a sound model; never anything else.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/random.h"
#include "sim/io/hf_config.h"
#include "sim/spec/model_math.h"
#include "tests/sim/io/config_messages.h"

namespace outrider {
namespace {

struct Sample {
  std::string name;
  std::string text;
};

std::vector<Sample> published() {
  std::vector<Sample> samples;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(OUTRIDER_SOURCE_DIR) + "/tests/data/models")) {
    std::ifstream stream(entry.path(), std::ios::binary);
    samples.push_back(
        {.name = entry.path().filename().string(), .text = std::string(std::istreambuf_iterator<char>(stream), {})});
  }
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return samples;
}

// What every model that is read must satisfy, so that no formula divides by zero or overflows.
void expect_sound(const ModelSpec& model) {
  EXPECT_FALSE(model.layers.empty());
  EXPECT_GT(model.hidden, 0);
  EXPECT_GT(model.vocab, 0);
  for (const LayerSpec& layer : model.layers) {
    const AttentionSpec& attention = layer.attention;
    if (attention.kind != AttentionKind::linear) {
      ASSERT_GT(attention.kv_heads, 0);
      EXPECT_EQ(attention.q_heads % attention.kv_heads, 0);
      EXPECT_GT(attention.head_dim, 0);
      EXPECT_GT(attention.v_head_dim, 0);
    }
    EXPECT_GE(attention.window, 0);
    EXPECT_GT(layer.ffn.intermediate + layer.ffn.expert_intermediate, 0);
    EXPECT_LE(layer.ffn.experts_per_token, layer.ffn.experts);
    EXPECT_GE(kv_bytes_per_sequence(model, layer, 1000).value(), 0.0);
  }
  const ParameterCount count = count_parameters(model);
  EXPECT_TRUE(std::isfinite(count.total));
  EXPECT_GT(count.active, 0.0);
  EXPECT_LE(count.active, count.total);
}

void expect_refused_or_sound(const std::string& text) {
  ConfigErrors errors;
  const auto model = parse_hf_config(text, "damaged.json", errors);
  EXPECT_EQ(model.has_value(), errors.empty());
  if (model) expect_sound(*model);
  for (const std::string& message : messages(errors)) {
    EXPECT_EQ(message.rfind("damaged.json:", 0), 0U) << message;
    EXPECT_LT(message.size(), 2000U);
  }
}

TEST(DamagedConfigs, WithFlippedBytesAreRefusedOrSound) {
  RandomStream random(1);
  for (const Sample& sample : published()) {
    for (int trial = 0; trial < 100; ++trial) {
      std::string text = sample.text;
      for (int flips = 0; flips < 3; ++flips) text[random.below(text.size())] = static_cast<char>(random.below(256));
      expect_refused_or_sound(text);
    }
  }
}

TEST(DamagedConfigs, CutShortAreAlwaysRefused) {
  RandomStream random(2);
  for (const Sample& sample : published()) {
    const std::size_t end = sample.text.rfind('}');
    for (int trial = 0; trial < 50; ++trial) {
      ConfigErrors errors;
      EXPECT_FALSE(parse_hf_config(sample.text.substr(0, random.below(end)), "damaged.json", errors).has_value());
      EXPECT_EQ(errors.size(), 1U);
    }
  }
}

// Puts odd values in the place of numbers and words, one at a time: every line with a member is tried.
TEST(DamagedConfigs, WithOddValuesAreRefusedOrSound) {
  constexpr std::array<std::string_view, 10> kOdd = {"0",    "-1",    "1",  "3",    "1048576", "9223372036854775807",
                                                     "null", "\"x\"", "[]", "1e300"};
  for (const Sample& sample : published()) {
    for (std::size_t colon = sample.text.find(": "); colon != std::string::npos;
         colon = sample.text.find(": ", colon + 1)) {
      const std::size_t value = colon + 2;
      const char first = sample.text[value];
      if (first == '{' || first == '[') continue;
      const std::size_t end = sample.text.find_first_of(",\n}", value);
      for (std::string_view odd : kOdd) {
        expect_refused_or_sound(sample.text.substr(0, value) + std::string(odd) + sample.text.substr(end));
      }
    }
  }
}

}  // namespace
}  // namespace outrider
