// What each method's graph runs in which order, and what waits for what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

using testing::ElementsAre;
using F = Family;

constexpr int kLayers = 5;

PointSpec five_layers(const char* method, const char* preset = "", std::map<std::string, ParamValue> set = {}) {
  return {.method = method, .preset = preset, .set = std::move(set), .layers = kLayers};
}

TaskGraph first_step(const PointSpec& spec) { return std::move(DesignPoint(spec).graphs().front()); }

// The last kernel of a layer: the FFN's down projection.
OpId end_of(const TaskGraph& graph, int layer) { return ops_of(graph, F::gemm, layer).back(); }
// The first kernel of a layer that reads the layer's input.
OpId begin_of(const TaskGraph& graph, int layer) { return ops_of(graph, F::norm_rope, layer).front(); }

OpId attention_of(const TaskGraph& graph, int layer) {
  for (const F family : {F::attend_dense, F::attend_sparse, F::attend_quantised, F::cpu_attend}) {
    const std::vector<OpId> found = ops_of(graph, family, layer);
    if (!found.empty()) return found.front();
  }
  ADD_FAILURE() << "layer " << layer << " has no attention";
  return OpId(0);
}

// But for pairs of sub-batches, each of which waits for its own (pairs_test.cpp).
TEST(GraphShape, EveryLayerWaitsForTheLayerBeforeAndTheStepForAll) {
  for (const MethodEntry& entry : decode_methods()) {
    if (entry.info.name == "neo" || entry.info.name == "fastdecode") continue;
    for (const Preset& preset : entry.info.presets) {
      SCOPED_TRACE(entry.info.name + " " + preset.name);
      for (const TaskGraph& graph : DesignPoint(five_layers(entry.info.name.c_str(), preset.name.c_str())).graphs()) {
        for (int layer = 0; layer < kLayers; ++layer) {
          EXPECT_TRUE(waits_for(graph, end_of(graph, layer), attention_of(graph, layer)));
          EXPECT_TRUE(waits_for(graph, attention_of(graph, layer), begin_of(graph, layer)));
          EXPECT_TRUE(waits_for(graph, graph.last(), end_of(graph, layer)));
          if (layer > 0) { EXPECT_TRUE(waits_for(graph, begin_of(graph, layer), end_of(graph, layer - 1))); }
        }
        EXPECT_EQ(graph.op(graph.last()).family, F::synchronize);
      }
    }
  }
}

TEST(GraphShape, ADenseLayerOfFullKvIsTheUsualNineKernels) {
  // Norm; QKV; RoPE and append; attention; output; norm; gate and up; activation; down.
  const TaskGraph graph = first_step(five_layers("full_kv"));
  for (int layer = 0; layer < kLayers; ++layer) {
    EXPECT_THAT(kernels_of(graph, Lane::compute, layer),
                ElementsAre(F::norm_rope, F::gemm, F::norm_rope, F::attend_dense, F::gemm, F::norm_rope, F::gemm,
                            F::activation, F::gemm));
  }
  // Embedding before, norm, LM head and sampling after.
  EXPECT_THAT(kernels_of(graph, Lane::compute, -1), ElementsAre(F::embed, F::norm_rope, F::gemm, F::sample));
}

TEST(GraphShape, AttentionReadsTheTokensCachedInItsStep) {
  // FullKV: B·(S + t) = 2·(8192 + t) tokens.
  double step = 0.0;
  for (const TaskGraph& graph : DesignPoint(five_layers("full_kv")).graphs()) {
    const auto& shape = std::get<AttentionShape>(graph.op(op_at(graph, F::attend_dense, 3)).shape);
    EXPECT_DOUBLE_EQ(shape.tokens, 2.0 * (8192.0 + step));
    EXPECT_DOUBLE_EQ(shape.longest, 8192.0 + step);
    step += 1.0;
  }
}

TEST(GraphShape, ALayerOfScoutRunsInThePapersOrder) {
  // 1 to 4: predict Q of the next layer, score its digests, top-k, residency; 5: Q of this layer; 6: attention over
  // resident blocks; 7: merge with the CPU's part.
  const TaskGraph graph = first_step(five_layers("scout"));
  std::vector<Family> order;
  for (std::size_t i = begin_of(graph, 2).index(); i < end_of(graph, 2).index(); ++i) {
    const Op& op = graph.ops()[i];
    if (op.lane == lane_id(Lane::compute)) order.push_back(op.family);
  }
  EXPECT_THAT(order,
              ElementsAre(F::norm_rope, F::predict_q, F::score_blocks, F::select_top_k, F::residency_diff, F::gemm,
                          F::norm_rope, F::attend_sparse, F::merge_lse, F::gemm, F::norm_rope, F::gemm, F::activation));
  EXPECT_EQ(graph.op(ops_of(graph, F::predict_q).back()).layer, kLayers - 1) << "nobody follows the last layer";
  EXPECT_EQ(ops_of(graph, F::predict_q).size(), static_cast<std::size_t>(kLayers - 1));
}

TEST(GraphShape, ScoutsCpuPartAndResidentPartCoverTheBudget) {
  // tokens on the GPU + tokens on the CPU = B·2048, or with all resident blocks attended, B·2048 + the CPU's.
  for (const std::string attends : {"selected", "resident"}) {
    DesignPoint point(five_layers("scout", "", {{"gpu_attends", attends}}));
    const TaskGraph graph = point.method().step(0);
    for (int layer = 0; layer < kLayers; ++layer) {
      const auto& on_gpu = std::get<AttentionShape>(graph.op(op_at(graph, F::attend_sparse, layer)).shape);
      const auto& on_cpu = std::get<AttentionShape>(graph.op(op_at(graph, F::cpu_attend, layer)).shape);
      const double missing = 32.0 * static_cast<double>(point.missing(layer, 0, -1));
      EXPECT_DOUBLE_EQ(on_cpu.tokens, missing);
      EXPECT_DOUBLE_EQ(on_gpu.tokens, 2.0 * 2048.0 - (attends == "selected" ? missing : 0.0));
    }
  }
}

TEST(GraphShape, LayerAheadFreesTheCpuFromTheLayerBefore) {
  // The CPU's part of layer l hangs on the input of layer l − 1, not on its attention or FFN. Layer 0 has no layer
  // before.
  const TaskGraph ahead = first_step(five_layers("scout"));
  const TaskGraph same = first_step(five_layers("scout", "", {{"layer_ahead", false}}));
  for (int layer = 1; layer < kLayers; ++layer) {
    EXPECT_FALSE(waits_for(ahead, op_at(ahead, F::cpu_attend, layer), op_at(ahead, F::attend_sparse, layer - 1)));
    EXPECT_FALSE(waits_for(ahead, op_at(ahead, F::cpu_attend, layer), end_of(ahead, layer - 1)));
    EXPECT_TRUE(waits_for(ahead, op_at(ahead, F::cpu_attend, layer), begin_of(ahead, layer - 1)));
    EXPECT_TRUE(waits_for(same, op_at(same, F::cpu_attend, layer), end_of(same, layer - 1)));
  }
  EXPECT_TRUE(waits_for(ahead, op_at(ahead, F::cpu_attend, 0), begin_of(ahead, 0)));
  EXPECT_TRUE(ops_of(same, F::predict_q).empty());
}

TEST(GraphShape, LayerAheadStartsTheCpuBeforeTheLayerBeforeHasEnded) {
  for (const bool ahead : {true, false}) {
    DesignPoint point(five_layers("scout", "", {{"layer_ahead", ahead}, {"periodic_recall", false}}));
    std::vector<TaskGraph> graphs;
    graphs.push_back(point.method().step(0));
    const Trace trace = simulated(point, graphs);
    for (int layer = 1; layer < kLayers; ++layer) {
      const Instant started = span_of(trace, 0, op_at(graphs[0], F::cpu_attend, layer)).start;
      const Instant ended = span_of(trace, 0, end_of(graphs[0], layer - 1)).end;
      EXPECT_EQ(started < ended, ahead) << "layer " << layer;
    }
  }
}

TEST(GraphShape, ScoutMergesOnceBothPartsAreThere) {
  const TaskGraph graph = first_step(five_layers("scout"));
  for (int layer = 0; layer < kLayers; ++layer) {
    const OpId merge = op_at(graph, F::merge_lse, layer);
    EXPECT_TRUE(waits_for(graph, merge, op_at(graph, F::attend_sparse, layer)));
    EXPECT_TRUE(waits_for(graph, merge, op_at(graph, F::cpu_attend, layer)));
    EXPECT_TRUE(waits_for(graph, end_of(graph, layer), merge));
    EXPECT_FALSE(waits_for(graph, op_at(graph, F::attend_sparse, layer), op_at(graph, F::cpu_attend, layer)))
        << "the two parts run beside each other";
  }
}

std::vector<int> recalled_layers(const TaskGraph& graph) {
  std::vector<int> layers;
  for (const Op& op : graph.ops()) {
    if (op.lane == lane_id(Lane::recall)) layers.push_back(op.layer);
  }
  return layers;
}

TEST(GraphShape, RecallsHappenAtTheirStepsOnly) {
  // Interval 3: after prefill (step −1), in steps 2, 5 and 8.
  PointSpec spec = five_layers("scout", "", {{"recall_interval", std::int64_t{3}}});
  spec.steps = 9;
  std::int64_t step = 0;
  for (const TaskGraph& graph : DesignPoint(spec).graphs()) {
    if (step % 3 == 2) {
      EXPECT_THAT(recalled_layers(graph), ElementsAre(0, 1, 2, 3, 4)) << step;
    } else {
      EXPECT_TRUE(recalled_layers(graph).empty()) << step;
    }
    ++step;
  }
  spec.set = {{"periodic_recall", false}};
  for (const TaskGraph& graph : DesignPoint(spec).graphs()) {
    EXPECT_TRUE(recalled_layers(graph).empty());
    EXPECT_TRUE(graph.fills().empty());
    EXPECT_TRUE(graph.awaits().empty());
  }
}

TEST(GraphShape, ARecallIsIssuedAfterItsLayersAttentionAndNeededByItInTheNextStep) {
  PointSpec spec = five_layers("scout", "", {{"recall_interval", std::int64_t{1}}});
  const auto graphs = DesignPoint(spec).graphs();
  for (std::size_t step = 0; step + 1 < graphs.size(); ++step) {
    const TaskGraph& now = graphs[step];
    const TaskGraph& then = graphs[step + 1];
    ASSERT_EQ(now.fills().size(), static_cast<std::size_t>(kLayers));
    for (const Carry& fill : now.fills()) {
      const int layer = now.op(fill.op).layer;
      EXPECT_TRUE(waits_for(now, fill.op, op_at(now, F::attend_sparse, layer)));
      EXPECT_FALSE(waits_for(now, now.last(), fill.op)) << "the step does not wait for its recalls";
      const auto awaiting = std::find_if(then.awaits().begin(), then.awaits().end(),
                                         [&](const Carry& carry) { return carry.slot == fill.slot; });
      ASSERT_NE(awaiting, then.awaits().end());
      EXPECT_EQ(awaiting->op, op_at(then, F::attend_sparse, layer));
    }
  }
}

TEST(GraphShape, AProfiledIntervalIsTheLongestBelowTheThreshold) {
  // Interval n of a layer: turnover < beta at lags 2 to n of the profiled sequences, and not at n + 1; 1 at least.
  for (const double beta : {0.05, 0.12, 0.3}) {
    PointSpec spec = five_layers("scout", "", {{"cpu_ratio_limit", beta}});
    spec.locality = {"uneven", 0.996, 0.0, 0.5};
    DesignPoint point(spec);
    double sum = 0.0;
    for (int layer = 0; layer < kLayers; ++layer) {
      std::int64_t lag = 2;
      while (lag <= 48 && point.profiling().turnover(layer, lag) < beta) ++lag;
      sum += static_cast<double>(lag - 1);
    }
    EXPECT_DOUBLE_EQ(point.method().facts().recall_interval, sum / kLayers) << beta;
    EXPECT_GT(sum, kLayers) << "a longer interval than the least for this test to say anything";
  }
}

TEST(GraphShape, FlexGenLoadsALayerWhileTheOneBeforeIsAttended) {
  const TaskGraph graph = first_step(five_layers("flexgen"));
  for (int layer = 0; layer < kLayers; ++layer) {
    const OpId load = op_at(graph, F::copy_h2d, layer);
    EXPECT_TRUE(waits_for(graph, op_at(graph, F::attend_dense, layer), load));
    if (layer >= 1) { EXPECT_FALSE(waits_for(graph, load, op_at(graph, F::attend_dense, layer - 1))); }
    // Two buffers: that of layer l − 2 is the one to overwrite.
    if (layer >= 2) { EXPECT_TRUE(waits_for(graph, load, op_at(graph, F::attend_dense, layer - 2))); }
  }
}

TEST(GraphShape, FlexGenNeverOverwritesABufferThatIsRead) {
  // A buffer is in use from the begin of its load to the end of its attention; no more than two may be at any instant.
  for (const char* launch : {"graph", "eager"}) {
    DesignPoint point(five_layers("flexgen", "", {{"launch", std::string(launch)}}));
    const auto graphs = point.graphs();
    const Trace trace = simulated(point, graphs);
    for (std::size_t step = 0; step < graphs.size(); ++step) {
      int overlapping = 0;
      for (int layer = 0; layer < kLayers; ++layer) {
        const Instant loading = span_of(trace, step, op_at(graphs[step], F::copy_h2d, layer)).start;
        if (layer >= 2) {
          EXPECT_GE(loading, span_of(trace, step, op_at(graphs[step], F::attend_dense, layer - 2)).end);
        }
        if (layer >= 1 && loading < span_of(trace, step, op_at(graphs[step], F::attend_dense, layer - 1)).end)
          ++overlapping;
      }
      EXPECT_GT(overlapping, 0) << "no load overlaps the attention before it: nothing is double-buffered";
    }
  }
}

TEST(GraphShape, HgcaRunsBothPartsOfALayerBesideEachOther) {
  // Window 512 of the budget of 2048 tokens on the GPU, 1536 on the CPU, of each of 2 sequences.
  const TaskGraph graph = first_step(five_layers("hgca"));
  for (int layer = 0; layer < kLayers; ++layer) {
    const OpId on_gpu = op_at(graph, F::attend_dense, layer), on_cpu = op_at(graph, F::cpu_attend, layer);
    EXPECT_DOUBLE_EQ(std::get<AttentionShape>(graph.op(on_gpu).shape).tokens, 2.0 * 512.0);
    EXPECT_DOUBLE_EQ(std::get<AttentionShape>(graph.op(on_cpu).shape).tokens, 2.0 * 1536.0);
    EXPECT_FALSE(waits_for(graph, on_gpu, on_cpu));
    EXPECT_FALSE(waits_for(graph, on_cpu, on_gpu));
    EXPECT_TRUE(waits_for(graph, op_at(graph, F::merge_lse, layer), on_gpu));
    EXPECT_TRUE(waits_for(graph, op_at(graph, F::merge_lse, layer), on_cpu));
    if (layer > 0) { EXPECT_TRUE(waits_for(graph, on_cpu, end_of(graph, layer - 1))) << "the same layer's query"; }
  }
}

TEST(GraphShape, InfiniGenAsksForALayerOneLayerAheadAndWaitsForItsBlocks) {
  const TaskGraph graph = first_step(five_layers("infinigen"));
  for (int layer = 1; layer < kLayers; ++layer) {
    const OpId fetch = op_at(graph, F::copy_h2d, layer);
    EXPECT_TRUE(waits_for(graph, fetch, begin_of(graph, layer - 1)));
    EXPECT_FALSE(waits_for(graph, fetch, op_at(graph, F::attend_sparse, layer - 1)));
    EXPECT_TRUE(waits_for(graph, op_at(graph, F::attend_sparse, layer), fetch));
  }
  EXPECT_TRUE(waits_for(graph, op_at(graph, F::copy_h2d, 0), begin_of(graph, 0)));
}

TEST(GraphShape, InfiniGensArtifactHoldsTheHostThreadInTheGather) {
  // Blocking: the host waits for the gather before it launches anything else, so the kernels of this layer's FFN do.
  const TaskGraph blocking = first_step(five_layers("infinigen", "artifact"));
  const TaskGraph async = first_step(five_layers("infinigen", "paper"));
  const auto gathers_hold_host = [](const TaskGraph& graph, int layer) {
    for (const OpId step : ops_of(graph, F::dispatch_pool, layer)) {
      if (waits_for(graph, step, op_at(graph, F::cpu_gather, layer))) return true;
    }
    return false;
  };
  for (int layer = 1; layer < kLayers; ++layer) {
    EXPECT_TRUE(gathers_hold_host(blocking, layer));
    EXPECT_FALSE(gathers_hold_host(async, layer));
  }
}

// Calls: a launch per block; batched: one launch; zero-copy: a kernel beside the compute stream, which the host thread
// neither waits for nor launches apart, so that the list of blocks stays on the GPU.
TEST(GraphShape, BlocksComeByCallsInOneBatchOrByAKernel) {
  const auto step = [](const char* how) {
    return std::move(DesignPoint(five_layers("infinigen", "", {{"block_copies", std::string(how)}})).graphs().back());
  };
  const auto launches = [](const TaskGraph& graph) {
    double calls = 0.0;
    for (const OpId op : ops_of(graph, F::launch_copy, 1)) calls += std::get<HostShape>(graph.op(op).shape).count;
    return calls;
  };
  const TaskGraph calls = step("calls"), batched = step("batched"), kernel = step("zero_copy");
  const auto blocks = std::get<CopyShape>(calls.op(op_at(calls, F::copy_h2d, 1)).shape).fragments;
  ASSERT_GT(blocks, 1.0) << "a drifting selection misses blocks";
  EXPECT_EQ(launches(calls), blocks);
  EXPECT_EQ(launches(batched), 1.0);
  EXPECT_EQ(ops_of(kernel, F::synchronize, 1).size() + ops_of(kernel, F::copy_d2h, 1).size(), 1u) << "the write-back";
  EXPECT_EQ(kernel.op(op_at(kernel, F::zero_copy_h2d, 1)).lane, lane_id(Lane::side));
  EXPECT_TRUE(waits_for(kernel, op_at(kernel, F::attend_sparse, 1), op_at(kernel, F::zero_copy_h2d, 1)));
  for (const TaskGraph* graph : {&batched, &kernel}) {
    EXPECT_EQ(copied(*graph, Direction::h2d, 1), copied(calls, Direction::h2d, 1));
  }
}

TEST(GraphShape, PageableMemoryHoldsTheHostThread) {
  const TaskGraph graph = first_step(five_layers("flexgen", "", {{"host_memory", std::string("pageable")}}));
  const OpId copy = op_at(graph, F::copy_h2d, 1), freed = op_at(graph, F::synchronize, 1);
  EXPECT_TRUE(waits_for(graph, freed, copy));
  EXPECT_EQ(std::get<CopyShape>(graph.op(copy).shape).memory, HostMemory::pageable);
}

TEST(GraphShape, FlexGensCpuAttendsTheNewTokenToo) {
  const TaskGraph graph = first_step(five_layers("flexgen", "cpu"));
  for (const OpId copy : ops_of(graph, F::copy_d2h, 1)) {
    EXPECT_TRUE(waits_for(graph, op_at(graph, F::cpu_attend, 1), copy)) << "query and the new K and V";
  }
}

TEST(GraphShape, EagerModeLaunchesEveryKernelAndGraphModeASegment) {
  for (const MethodEntry& entry : decode_methods()) {
    const TaskGraph eager = first_step(five_layers(entry.info.name.c_str(), "", {{"launch", std::string("eager")}}));
    std::size_t kernels = 0;
    for (const Op& op : eager.ops())
      kernels += kind_of(op.family) == OpKind::gpu_kernel || op.family == F::zero_copy_h2d ? 1 : 0;
    EXPECT_EQ(ops_of(eager, F::launch_kernel).size(), kernels) << entry.info.name;
    EXPECT_TRUE(ops_of(eager, F::launch_graph).empty()) << entry.info.name;
    const TaskGraph graph = first_step(five_layers(entry.info.name.c_str(), "", {{"launch", std::string("graph")}}));
    EXPECT_TRUE(ops_of(graph, F::launch_kernel).empty()) << entry.info.name;
    // Wherever the host comes in between, as InfiniGen's does before each layer's blocks come, one segment more; its
    // wait for the step's tokens is no layer's.
    std::size_t segments = 1;
    for (const OpId wait : ops_of(graph, F::synchronize)) segments += graph.op(wait).layer >= 0 ? 1 : 0;
    if (entry.info.name == "infinigen") { EXPECT_EQ(segments, kLayers + 1u); }
    if (entry.info.name == "scout" || entry.info.name == "quest") { EXPECT_EQ(segments, 1u); }
    EXPECT_EQ(ops_of(graph, F::launch_graph).size(), segments) << entry.info.name;
  }
}

TEST(GraphShape, WindowAndLatentLayersAreAttendedOnTheGpuUnderEveryMethod) {
  // gpt-oss-20b: every other layer, from the first on, has a window of 128 tokens, which 2 sequences read whole.
  for (const MethodEntry& entry : decode_methods()) {
    PointSpec windows = five_layers(entry.info.name.c_str());
    windows.model = "gpt-oss-20b";
    const TaskGraph graph = first_step(windows);
    double tokens = 0.0;  // over sub-batches
    for (const OpId op : ops_of(graph, F::attend_dense, 2))
      tokens += std::get<AttentionShape>(graph.op(op).shape).tokens;
    EXPECT_DOUBLE_EQ(tokens, 2.0 * 128.0) << entry.info.name;
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, 2) + copied(graph, Direction::d2h, 2), 0.0) << entry.info.name;
    PointSpec latents = windows;
    latents.model = "deepseek-v3";
    const TaskGraph latent = first_step(latents);
    EXPECT_DOUBLE_EQ(copied(latent, Direction::h2d), 0.0) << entry.info.name;
    EXPECT_EQ(ops_of(latent, F::attend_dense).size(), static_cast<std::size_t>(kLayers)) << entry.info.name;
  }
}

TEST(GraphShape, EveryShippedModelRunsUnderEveryMethod) {
  const MachineModel machine(machine_named("h200-16c"), assumed_profile());
  const auto folder = std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios/models";
  std::set<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) files.insert(file.path());
  ASSERT_GE(files.size(), 10u);
  for (const auto& file : files) {
    for (const MethodEntry& entry : decode_methods()) {
      SCOPED_TRACE(file.stem().string() + " " + entry.info.name);
      PointSpec spec = five_layers(entry.info.name.c_str());
      spec.model = file.stem().string();
      spec.layers = 6;
      spec.context = 2048;
      spec.steps = 1;
      DesignPoint point(spec);
      for (const TaskGraph& graph : {point.method().step(0), point.method().prefill()}) {
        for (const Op& op : graph.ops()) {
          if (kind_of(op.family) == OpKind::barrier) continue;
          EXPECT_GT(isolated_duration(machine.demand(op), machine.platform()).ps(), 0) << to_string(op.family);
        }
      }
    }
  }
}

}  // namespace
}  // namespace outrider
