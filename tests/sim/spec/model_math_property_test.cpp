// Laws that hold for every layer of every published model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/io/hf_config.h"
#include "sim/spec/model_math.h"

namespace outrider {
namespace {

std::vector<std::string> model_files() {
  std::vector<std::string> files;
  for (const char* folder : {"/tests/data/models", "/scenarios/models"}) {
    for (const auto& entry : std::filesystem::directory_iterator(std::string(OUTRIDER_SOURCE_DIR) + folder)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

class EveryModel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ConfigErrors errors;
    const auto model = read_hf_config(GetParam(), errors);
    ASSERT_TRUE(model.has_value());
    model_ = *model;
  }
  ModelSpec model_;
};

INSTANTIATE_TEST_SUITE_P(Models, EveryModel, testing::ValuesIn(model_files()), [](const auto& instance) {
  std::string name = std::filesystem::path(instance.param).parent_path().parent_path().filename().string() + "_" +
                     std::filesystem::path(instance.param).stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

std::vector<Linear> products_of(const ModelSpec& model, const LayerSpec& layer, double tokens) {
  std::vector<Linear> all = attention_inputs(model, layer, tokens);
  for (const Linear& product : attention_outputs(model, layer, tokens)) all.push_back(product);
  for (const Linear& product : ffn(model, layer, tokens)) all.push_back(product);
  return all;
}

double weights_of(const std::vector<Linear>& products) {
  double weights = 0.0;
  for (const Linear& product : products) weights += product.weights();
  return weights;
}

Flops flops_of(const std::vector<Linear>& products) {
  Flops flops;
  for (const Linear& product : products) flops += product.flops();
  return flops;
}

// Every expert is active for so many tokens: (1 − k/E)^tokens underflows.
constexpr double kAllExperts = 1e9;

// All that is no matrix and no embedding is less than 0.1 % of a layer: 2 to 7 norms, biases, sinks, convolutions.
TEST_P(EveryModel, CountsTheWeightsOfItsProductsOnceAndLittleElse) {
  double matrices = (model_.tied_embeddings ? 1.0 : 2.0) * static_cast<double>(model_.vocab * model_.hidden);
  for (const LayerSpec& layer : model_.layers) matrices += weights_of(products_of(model_, layer, kAllExperts));
  const double total = count_parameters(model_).total;
  EXPECT_GT(total, matrices);
  EXPECT_LT(total, matrices * 1.001);
}

// One token visits exactly experts_per_token experts of each layer, and all of its dense weights.
TEST_P(EveryModel, ActivatesWhatOneTokenReads) {
  double matrices = (model_.tied_embeddings ? 1.0 : 2.0) * static_cast<double>(model_.vocab * model_.hidden);
  for (const LayerSpec& layer : model_.layers) matrices += weights_of(products_of(model_, layer, 1.0));
  const ParameterCount count = count_parameters(model_);
  EXPECT_GT(count.active, matrices * (1 - 1e-12));
  EXPECT_LT(count.active, matrices * 1.002);
  EXPECT_LE(count.active, count.total);
}

TEST_P(EveryModel, SpendsFlopsInProportionToTokens) {
  for (const LayerSpec& layer : model_.layers) {
    const double one = flops_of(products_of(model_, layer, 1)).value();
    EXPECT_NEAR(flops_of(products_of(model_, layer, 96)).value() / one, 96.0, 1e-9);
  }
}

TEST_P(EveryModel, ReadsMoreWeightsForMoreTokensUpToAllOfThem) {
  for (const LayerSpec& layer : model_.layers) {
    double before = 0.0;
    for (double tokens : {0.0, 1.0, 2.0, 16.0, 256.0, kAllExperts}) {
      const double now = weights_of(products_of(model_, layer, tokens));
      EXPECT_GE(now, before);
      before = now;
    }
  }
}

TEST_P(EveryModel, WeighsWhatItsLayersAndEmbeddingsWeigh) {
  Bytes sum = embedding_bytes(model_) + static_cast<double>(model_.hidden) * bytes_of(model_.unquantized_type);
  for (const LayerSpec& layer : model_.layers) sum += layer_weight_bytes(model_, layer);
  EXPECT_EQ(weight_bytes(model_), sum);
}

TEST_P(EveryModel, HoldsKvThatGrowsByTheTokenUntilAWindowIsFull) {
  for (const LayerSpec& layer : model_.layers) {
    if (layer.attention.kind == AttentionKind::linear) continue;
    const std::int64_t context = layer.attention.window > 0 ? layer.attention.window : 100000;
    const Bytes token = kv_bytes_per_token(model_, layer);
    EXPECT_EQ(kv_bytes_per_sequence(model_, layer, context), static_cast<double>(context) * token);
    EXPECT_EQ(kv_bytes_per_sequence(model_, layer, context) - kv_bytes_per_sequence(model_, layer, context - 1), token);
  }
}

TEST_P(EveryModel, HasWellFormedProducts) {
  for (const LayerSpec& layer : model_.layers) {
    for (const Linear& product : products_of(model_, layer, 8)) {
      EXPECT_GT(product.n, 0) << product.name;
      EXPECT_GT(product.k, 0) << product.name;
      EXPECT_GT(product.rows, 0.0) << product.name;
      EXPECT_GT(product.instances, 0.0) << product.name;
    }
  }
}

}  // namespace
}  // namespace outrider
