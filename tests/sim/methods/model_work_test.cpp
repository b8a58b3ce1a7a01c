// A decode step of a model does its work once: every weight is read, every layer attends to what it may see.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> model_files() {
  std::set<fs::path> files;
  for (const char* folder : {"scenarios/models", "tests/data/models"}) {
    for (const auto& file : fs::directory_iterator(fs::path(OUTRIDER_SOURCE_DIR) / folder)) {
      if (file.path().extension() == ".json") files.insert(file.path());
    }
  }
  return {files.begin(), files.end()};
}

// FullKV on an H200 at batch 2 and 65536 tokens, where windows and top-k bite.
TaskGraph step_of(const ModelSpec& model) {
  const MachineSpec machine = machine_named("h200-16c");
  const Params params = resolve_params(entry_of("full_kv").info, "default", {});
  const MethodPoint point = {.model = &model,
                             .machine = &machine,
                             .params = &params,
                             .context = 65536,
                             .batch = 2,
                             .steps = 1,
                             .selection = nullptr,
                             .profiling = nullptr};
  return entry_of("full_kv").make(point)->step(0);
}

TEST(ModelWork, AStepMultipliesByEveryWeightOnce) {
  // Σ n·k·instances of the graph's products = parameters − input embedding − vectors, with as many experts as two
  // tokens visit: Σ over the model's own lists of products.
  for (const fs::path& file : model_files()) {
    const ModelSpec model = model_in(file);
    const TaskGraph graph = step_of(model);
    double expected = lm_head(model, 2.0).weights(), found = 0.0;
    for (const LayerSpec& layer : model.layers) {
      for (const auto& list :
           {attention_inputs(model, layer, 2.0), attention_outputs(model, layer, 2.0), ffn(model, layer, 2.0)}) {
        for (const Linear& linear : list) expected += linear.weights();
      }
    }
    for (const OpId op : ops_of(graph, Family::gemm)) {
      const auto& shape = std::get<GemmShape>(graph.op(op).shape);
      found += shape.instances * static_cast<double>(shape.n * shape.k);
    }
    EXPECT_NEAR(found, expected, 1e-9 * expected) << file.stem();
  }
}

TEST(ModelWork, EveryLayerAttendsToWhatItMaySee) {
  // A window or an indexer's choice caps the 65536 tokens of each of 2 sequences; a linear layer reads its state.
  int capped = 0;
  for (const fs::path& file : model_files()) {
    const ModelSpec model = model_in(file);
    const TaskGraph graph = step_of(model);
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      const Op& op = graph.op(op_at(graph, Family::attend_dense, static_cast<int>(i)));
      if (model.layers[i].attention.kind == AttentionKind::linear) {
        EXPECT_DOUBLE_EQ(std::get<StreamShape>(op.shape).read.value(),
                         2.0 * kv_bytes_per_sequence(model, model.layers[i], 65536).value());
        continue;
      }
      const auto seen = static_cast<double>(attended_tokens(model.layers[i], 65536));
      EXPECT_DOUBLE_EQ(std::get<AttentionShape>(op.shape).tokens, 2.0 * seen) << file.stem() << " layer " << i;
      capped += seen < 65536.0 ? 1 : 0;
    }
  }
  EXPECT_GT(capped, 50);
}

}  // namespace
}  // namespace outrider
