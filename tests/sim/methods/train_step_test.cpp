// A training step's graph: its arithmetic by number format, its gradients' way to the optimizer, and what it holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sim/methods/training_memory.h"
#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

using F = Family;
using Tier = MemoryUse::Tier;
using testing::HasSubstr;

PointSpec training(const std::string& preset, std::map<std::string, ParamValue> set = {}) {
  return {.method = "train_step",
          .preset = preset,
          .set = std::move(set),
          .model = "../training/llama-7b-formula",
          .context = 4096,
          .batch = 1,
          .steps = 1,
          .machine = "b200-56c"};
}
PointSpec four_layers(const std::string& preset, std::map<std::string, ParamValue> set = {}) {
  PointSpec spec = training(preset, std::move(set));
  spec.layers = 4;
  return spec;
}
TaskGraph step_of(const PointSpec& spec) { return std::move(DesignPoint(spec).graphs().front()); }
double percent_to_a_decimal(double share) { return std::round(share * 1000.0) / 10.0; }

double flops_of(const GemmShape& shape) {
  return 2.0 * shape.rows * shape.instances * static_cast<double>(shape.n) * static_cast<double>(shape.k);
}
// Two products for each pair of query and key forward, and four backward beside the scores, which are computed anew.
double flops_of(F family, const AttentionShape& shape) {
  const double once =
      2.0 * static_cast<double>(shape.q_heads * (shape.head_dim + shape.v_head_dim)) * attended_pairs(shape);
  return family == F::attend_backward ? 2.0 * once : once;
}

struct Arithmetic {
  double flops = 0.0, weighed = 0.0;                     // by bits ÷ 16
  double ffn = 0.0, projections = 0.0, attention = 0.0;  // forward
  double cost() const { return weighed / flops; }
  double forward() const { return ffn + projections + attention; }
};
// Off the graph's layers alone.
Arithmetic arithmetic_of(const TaskGraph& graph, std::int64_t ffn_width) {
  Arithmetic sum;
  for (const Op& op : graph.ops()) {
    if (op.layer < 0) continue;
    double flops = 0.0, bits = 16.0;
    if (const auto* gemm = std::get_if<GemmShape>(&op.shape)) {
      flops = flops_of(*gemm);
      bits = bits_of(gemm->type);
      const bool ffn = gemm->n == 2 * ffn_width || gemm->k == ffn_width;
      if (op.family == F::gemm) (ffn ? sum.ffn : sum.projections) += flops;
    } else if (const auto* attention = std::get_if<AttentionShape>(&op.shape)) {
      flops = flops_of(op.family, *attention);
      if (op.family == F::prefill_attend) sum.attention += flops;
    }
    sum.flops += flops;
    sum.weighed += flops * bits / 16.0;
  }
  return sum;
}

TEST(TrainStep, TheCostTableComesOutOfTheGraph) {
  // LLaMA-7B at 4K with an FFN of 2/3 · 4 · 4096: of the forward pass, attention 1, its projections 2 and the FFN 4
  // parts of 7. Forward and weight gradients in FP4, but for attention: (2·(6/4 + 1) + 7) ÷ 21 = 57.1 %. With Q, K, V
  // (1.5 parts) and weight gradients in FP8: (4.5/4 + 1.5/2 + 1 + 6/2 + 1 + 7) ÷ 21 = 66.1 %.
  const auto cost = [](const char* preset) {
    return percent_to_a_decimal(arithmetic_of(step_of(training(preset)), 10923).cost());
  };
  EXPECT_DOUBLE_EQ(cost("cost_fp4_fp4_fp4"), 57.1);
  EXPECT_DOUBLE_EQ(cost("cost_fp8_fp4_fp8"), 66.1);
  EXPECT_DOUBLE_EQ(cost("bf16"), 100.0);
}

TEST(TrainStep, TheReleasedModelsWiderFfnMovesTheSecondRowByATenth) {
  // 11008 rather than 10923: (1.75 · 4.03125 + 6.875) ÷ 21.09375 = 66.04 %.
  const auto cost = [](const char* preset) {
    PointSpec spec = training(preset);
    spec.model = "llama-2-7b";
    return percent_to_a_decimal(arithmetic_of(step_of(spec), 11008).cost());
  };
  EXPECT_DOUBLE_EQ(cost("cost_fp4_fp4_fp4"), 57.1);
  EXPECT_DOUBLE_EQ(cost("cost_fp8_fp4_fp8"), 66.0);
}

TEST(TrainStep, TheRowsAsWrittenCostLess) {
  // All products FP4, both gradients too: (18/4 + 3) ÷ 21; Q, K, V, output and gradients FP8: (4/4 + 2/2 + 12/2 + 3)
  // ÷ 21.
  const auto cost = [](const char* preset) {
    return percent_to_a_decimal(arithmetic_of(step_of(training(preset, {{"causal", false}})), 10923).cost());
  };
  EXPECT_DOUBLE_EQ(cost("fp4_fp4_fp4"), 35.7);
  EXPECT_DOUBLE_EQ(cost("fp8_fp4_fp8"), 52.4);
}

TEST(TrainStep, TheForwardSharesComeOutOfTheGraph) {
  // 4, 2 and 1 of 7; published: 57, 28.7 and 14.3.
  const Arithmetic sum = arithmetic_of(step_of(training("cost_fp4_fp4_fp4")), 10923);
  EXPECT_DOUBLE_EQ(percent_to_a_decimal(sum.ffn / sum.forward()), 57.1);
  EXPECT_DOUBLE_EQ(percent_to_a_decimal(sum.projections / sum.forward()), 28.6);
  EXPECT_DOUBLE_EQ(percent_to_a_decimal(sum.attention / sum.forward()), 14.3);
}

TEST(TrainStep, FactsAreThoseOfTheGraphWhateverIsComputedAnew) {
  for (const Preset& preset : entry_of("train_step").info.presets) {
    for (const bool checkpointing : {false, true}) {
      DesignPoint plain(four_layers(preset.name)),
          point(four_layers(preset.name, {{"checkpointing", checkpointing}, {"launch", std::string("graph")}}));
      const Arithmetic sum = arithmetic_of(plain.graphs().front(), 10923);
      point.graphs();
      const TrainingFacts facts = point.method().facts().training;
      EXPECT_NEAR(facts.cost, sum.cost(), 1e-12) << preset.name;
      EXPECT_NEAR(facts.ffn_share, sum.ffn / sum.forward(), 1e-12) << preset.name;
      EXPECT_NEAR(facts.projection_share, sum.projections / sum.forward(), 1e-12) << preset.name;
      EXPECT_NEAR(facts.attention_share, sum.attention / sum.forward(), 1e-12) << preset.name;
    }
  }
}

TEST(TrainStep, EveryProductHasBothGradientsOfItsSize) {
  const TaskGraph graph = step_of(four_layers("bf16"));
  for (int layer = -1; layer < 4; ++layer) {
    double flops[3] = {};
    const F families[3] = {F::gemm, F::gemm_dgrad, F::gemm_wgrad};
    for (int i = 0; i < 3; ++i) {
      for (const OpId op : ops_of(graph, families[i], layer))
        flops[i] += flops_of(std::get<GemmShape>(graph.op(op).shape));
    }
    EXPECT_GT(flops[0], 0.0);
    EXPECT_DOUBLE_EQ(flops[0], flops[1]) << layer;
    EXPECT_DOUBLE_EQ(flops[0], flops[2]) << layer;
  }
}

TEST(TrainStep, EachPassHasItsFormat) {
  const TaskGraph graph = step_of(four_layers(
      "bf16",
      {{"qkv_forward", std::string("fp8")}, {"out_dgrad", std::string("fp4")}, {"ffn_wgrad", std::string("fp4")}}));
  const auto types = [&](F family) {
    std::vector<DataType> found;
    for (const OpId op : ops_of(graph, family, 2)) found.push_back(std::get<GemmShape>(graph.op(op).shape).type);
    return found;
  };
  using enum DataType;
  EXPECT_EQ(types(F::gemm), (std::vector{fp8, bf16, bf16, bf16}));        // qkv, out, gate and up, down
  EXPECT_EQ(types(F::gemm_dgrad), (std::vector{bf16, bf16, fp4, bf16}));  // down first
  EXPECT_EQ(types(F::gemm_wgrad), (std::vector{fp4, fp4, bf16, bf16}));
  EXPECT_TRUE(ops_of(step_of(four_layers("bf16")), F::quantise).empty());
  EXPECT_FALSE(ops_of(graph, F::quantise, 2).empty());
  EXPECT_TRUE(ops_of(step_of(four_layers("fp8", {{"quantise_kernels", false}})), F::quantise).empty());
}

TEST(TrainStep, CheckpointingComputesEveryLayerOnceMore) {
  const TaskGraph once = step_of(four_layers("bf16"));
  const TaskGraph twice = step_of(four_layers("bf16", {{"checkpointing", true}}));
  for (int layer = 0; layer < 4; ++layer) {
    EXPECT_EQ(ops_of(twice, F::gemm, layer).size(), 2 * ops_of(once, F::gemm, layer).size());
    EXPECT_EQ(ops_of(twice, F::prefill_attend, layer).size(), 2u);
    EXPECT_EQ(ops_of(twice, F::gemm_wgrad, layer).size(), ops_of(once, F::gemm_wgrad, layer).size());
  }
}

TEST(TrainStep, BucketsHoldEveryParameterOnce) {
  for (const char* model : {"llama-2-7b", "qwen3-8b", "qwen3-30b-a3b"}) {
    const ModelSpec spec = model_named(model);
    double sum = 0.0;
    for (const Bucket& bucket : buckets_of(spec)) sum += bucket.parameters;
    EXPECT_DOUBLE_EQ(sum, count_parameters(spec).total) << model;
  }
}

// Gradients of a layer leave while the layers before it are differentiated, and Adam follows bucket by bucket.
TEST(TrainStep, AdamOnTheCpuOverlapsTheBackwardPass) {
  const TaskGraph graph = step_of(four_layers("zero_offload"));
  for (int layer = 0; layer < 4; ++layer) {
    const OpId adam = op_at(graph, F::cpu_adam, layer);
    const OpId sent = ops_of(graph, F::copy_d2h, layer).front(), back = ops_of(graph, F::copy_h2d, layer).front();
    EXPECT_TRUE(waits_for(graph, sent, ops_of(graph, F::gemm_wgrad, layer).back()));
    EXPECT_TRUE(waits_for(graph, adam, sent));
    EXPECT_TRUE(waits_for(graph, back, adam));
    if (layer == 0) continue;
    EXPECT_FALSE(waits_for(graph, adam, ops_of(graph, F::gemm_dgrad, layer - 1).front()));
    EXPECT_FALSE(waits_for(graph, ops_of(graph, F::gemm_wgrad, layer - 1).back(), adam));
  }
  EXPECT_TRUE(ops_of(graph, F::adam).empty());
}

TEST(TrainStep, ClippingHoldsAdamUntilTheLastGradient) {
  const TaskGraph graph = step_of(four_layers("zero_offload", {{"clipping", true}}));
  const OpId last_sent = ops_of(graph, F::copy_d2h).back();
  for (const OpId adam : ops_of(graph, F::cpu_adam)) EXPECT_TRUE(waits_for(graph, adam, last_sent));
  EXPECT_EQ(ops_of(graph, F::cpu_adam).size(), 6u);
}

TEST(TrainStep, GradientsAndWeightsCrossTheLinkOnceAStep) {
  // 2 B a parameter each way, however many micro-batches, and nothing where the optimizer is in HBM.
  for (const std::int64_t micro_batches : {1, 4}) {
    PointSpec spec = four_layers("zero_offload");
    spec.micro_batches = micro_batches;
    DesignPoint point(spec);
    const double parameters = count_parameters(point.model()).total;
    const TaskGraph graph = std::move(point.graphs().front());
    EXPECT_NEAR(copied(graph, Direction::d2h), 2.0 * parameters, 1.0);
    EXPECT_NEAR(copied(graph, Direction::h2d), 2.0 * parameters, 1.0);
    EXPECT_NEAR(point.method().facts().link_bytes_per_step, 4.0 * parameters, 1.0);
    EXPECT_EQ(ops_of(graph, F::gemm_wgrad, 1).size(), 4u * static_cast<std::size_t>(micro_batches));
    EXPECT_EQ(ops_of(graph, F::cpu_adam).size(), 6u);
  }
  const TaskGraph resident = step_of(four_layers("bf16"));
  EXPECT_DOUBLE_EQ(copied(resident, Direction::d2h) + copied(resident, Direction::h2d), 0.0);
  EXPECT_EQ(ops_of(resident, F::adam).size(), 6u);
}

TEST(TrainStep, TheLastStepsAreInTheTargetFormat) {
  PointSpec spec = four_layers("scheduled");
  spec.steps = 10;
  DesignPoint point(spec);
  const std::vector<TaskGraph> graphs = point.graphs();
  for (std::size_t step = 0; step < 10; ++step) {
    const Op& down = graphs[step].op(ops_of(graphs[step], F::gemm, 1).back());
    EXPECT_EQ(std::get<GemmShape>(down.shape).type, step < 9 ? DataType::fp4 : DataType::bf16) << step;
  }
  DesignPoint all(four_layers("fp8_fp4_fp8"));
  all.graphs();
  EXPECT_NEAR(point.method().facts().training.cost, 0.9 * all.method().facts().training.cost + 0.1, 1e-12);
}

TEST(TrainStep, FormatsWithoutUnitsAreRefusedOrEmulatedAsAsked) {
  const ModelSpec model = model_named("llama-2-7b");
  const auto refusal = [&](const char* machine, const char* preset, const char* missing_units) {
    const MachineSpec spec = machine_named(machine);
    const MethodEntry& entry = entry_of("train_step");
    const Params params = resolve_params(entry.info, preset, {{"missing_units", std::string(missing_units)}});
    return entry.refusal({.model = &model, .machine = &spec, .params = &params, .context = 4096, .steps = 1});
  };
  EXPECT_EQ(refusal("b200-56c", "fp4_fp4_fp4", "refuse"), "");
  EXPECT_THAT(refusal("h200-16c", "fp4_fp4_fp4", "refuse"), HasSubstr("has no units for fp4 products"));
  EXPECT_EQ(refusal("h200-16c", "fp8", "refuse"), "");
  EXPECT_EQ(refusal("h200-16c", "fp4_fp4_fp4", "fp8"), "");
  EXPECT_THAT(refusal("a100-80gb-pcie-36c", "fp8", "fp8"), HasSubstr("neither for fp8 products nor for fp8"));
  EXPECT_THAT(refusal("h200x8-112c", "bf16", "refuse"), HasSubstr("gradients are not sent between GPUs"));
  PointSpec spec = four_layers("fp4_fp4_fp4", {{"missing_units", std::string("fp8")}});
  spec.machine = "h200-16c";
  DesignPoint point(spec);
  const TaskGraph graph = std::move(point.graphs().front());
  EXPECT_EQ(std::get<GemmShape>(graph.op(ops_of(graph, F::gemm, 1).front()).shape).type, DataType::fp8);
  EXPECT_THAT(point.method().facts().notes, testing::ElementsAre(HasSubstr("fp4 products at the rate of fp8")));
  DesignPoint native(four_layers("fp4_fp4_fp4"));
  native.graphs();
  EXPECT_DOUBLE_EQ(point.method().facts().training.cost, native.method().facts().training.cost);
}

// Memory.

const MemoryUse& row(const std::vector<MemoryUse>& uses, const std::string& what, Tier tier) {
  for (const MemoryUse& use : uses) {
    if (use.what == what && use.tier == tier) return use;
  }
  ADD_FAILURE() << "no row " << what;
  return uses.front();
}
std::vector<MemoryUse> plan_of(const std::string& preset, std::map<std::string, ParamValue> set = {}) {
  PointSpec spec = training(preset, std::move(set));
  spec.model = "llama-2-7b";
  return DesignPoint(spec).method().memory();
}
constexpr double kLlama = 6738415616.0;  // parameters

TEST(TrainStep, AdamsStateIsTwelveBytesAParameterInHbmOrDram) {
  for (const Tier tier : {Tier::hbm, Tier::dram}) {
    const auto plan = plan_of(tier == Tier::hbm ? "bf16" : "zero_offload");
    EXPECT_DOUBLE_EQ(row(plan, "FP32 master weights", tier).fixed.value(), 4.0 * kLlama);
    EXPECT_DOUBLE_EQ(row(plan, "Adam's moments", tier).fixed.value(), 8.0 * kLlama);
    EXPECT_DOUBLE_EQ(row(plan, "weights", Tier::hbm).fixed.value(), 2.0 * kLlama);
  }
  EXPECT_DOUBLE_EQ(row(plan_of("bf16"), "gradients", Tier::hbm).fixed.value(), 2.0 * kLlama);
  EXPECT_DOUBLE_EQ(row(plan_of("zero_offload"), "gradients", Tier::pinned).fixed.value(), 2.0 * kLlama);
  // Two buckets of a layer: 4·4096² + 3·4096·11008 weights and two norms.
  EXPECT_DOUBLE_EQ(row(plan_of("zero_offload"), "gradients", Tier::hbm).fixed.value(), 2.0 * 2.0 * 202383360.0);
}

TEST(TrainStep, WeightsAreKeptInEachFormatThatReadsThem) {
  // 32 layers of 202375168 weights: FP4 both ways half a byte, FP4 and 16 bits two and a half; else two bytes.
  const double weights = 32.0 * 202375168.0, others = kLlama - weights;
  EXPECT_DOUBLE_EQ(row(plan_of("fp4_fp4_fp4"), "weights", Tier::hbm).fixed.value(), 0.5 * weights + 2.0 * others);
  EXPECT_DOUBLE_EQ(row(plan_of("cost_fp4_fp4_fp4"), "weights", Tier::hbm).fixed.value(), 2.5 * weights + 2.0 * others);
}

TEST(TrainStep, ActivationsAreThoseThatTheBackwardPassReads) {
  // A token and layer, 16 bits: inputs of two norms, Q, K, V, attention's output, QKV's, gate's and down's inputs, gate
  // and up, and a float a head: 2·(8·4096 + 3·11008) + 4·32 = 131712 B. FP8 weight gradients read a byte of each
  // product's input: −(2·4096 + 11008) + 4096 for the output projection's own copy.
  const double layer = 2.0 * (8.0 * 4096.0 + 3.0 * 11008.0) + 128.0;
  EXPECT_DOUBLE_EQ(row(plan_of("bf16"), "activations", Tier::hbm).per_sequence.value(), 4096.0 * 32.0 * layer);
  EXPECT_DOUBLE_EQ(row(plan_of("fp8"), "activations", Tier::hbm).per_sequence.value(),
                   4096.0 * 32.0 * (layer - 2.0 * 4096.0 - 11008.0 + 4096.0));
  EXPECT_DOUBLE_EQ(row(plan_of("bf16", {{"checkpointing", true}}), "activations", Tier::hbm).per_sequence.value(),
                   4096.0 * 32.0 * 2.0 * 4096.0);
}

}  // namespace
}  // namespace outrider
