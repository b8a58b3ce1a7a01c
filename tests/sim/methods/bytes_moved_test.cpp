// What each method sends over the link, layer by layer and step by step, against its formula.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

// Qwen3-14B's first 6 layers, batch B = 2, S = 8192 cached tokens before step 0. Per token and layer the KV is
// 2·8·128·2 B = 4096 B; the query of a token, and the output of its attention, are 40·128·2 B = 10 240 B. Blocks of 32
// tokens are 131 072 B; a budget of 2048 tokens is k = 64 of 256 blocks.
constexpr double kB = 2.0, kS = 8192.0, kKv = 4096.0, kRow = 10'240.0, kBlock = 32.0 * kKv, kSelected = 64.0;
constexpr int kLayers = 6;

PointSpec six_layers(const char* method, const char* preset = "") {
  return {.method = method, .preset = preset, .layers = kLayers, .context = 8192, .batch = 2, .steps = 4};
}

TEST(BytesMoved, FullKvMovesTheSampledTokensOnly) {
  // A token is 8 bytes and belongs to no layer.
  for (const TaskGraph& graph : DesignPoint(six_layers("full_kv")).graphs()) {
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d), 0.0);
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h), 8.0 * kB);
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, -1), 8.0 * kB);
  }
}

TEST(BytesMoved, FlexGenStreamsTheWholeCacheEveryStepAndWritesBackWhatIsNew) {
  // h2d B·(S + t)·kv per layer: the cache grows by a token a step. d2h B·kv.
  DesignPoint point(six_layers("flexgen"));
  double step = 0.0;
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 0; layer < kLayers; ++layer) {
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), kB * (kS + step) * kKv);
      EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * kKv);
    }
    step += 1.0;
  }
  // Mean of steps 0 to 3: S + 1.5.
  EXPECT_DOUBLE_EQ(point.method().facts().link_bytes_per_step, kLayers * kB * (kS + 1.5 + 1.0) * kKv);
}

TEST(BytesMoved, FlexGenOnTheCpuMovesQueriesAndOutputsInsteadOfTheCache) {
  for (const TaskGraph& graph : DesignPoint(six_layers("flexgen", "cpu")).graphs()) {
    for (int layer = 0; layer < kLayers; ++layer) {
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), kB * kRow);
      EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * (kRow + kKv));
    }
  }
}

TEST(BytesMoved, HgcaMovesQueriesOutputsAndNewTokensButNoOldCache) {
  for (const TaskGraph& graph : DesignPoint(six_layers("hgca")).graphs()) {
    for (int layer = 0; layer < kLayers; ++layer) {
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), kB * kRow);
      EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * (kRow + kKv));
    }
  }
}

TEST(BytesMoved, InfiniGenFetchesTheSelectedBlocksThatAreNotCached) {
  // Cached: what prefill selected (step −1), or what the step before selected. The list of k numbers per sequence, 4 B
  // each, goes to the host.
  for (const std::string cache : {"prefill", "last"}) {
    PointSpec spec = six_layers("infinigen");
    spec.set = {{"cache", cache}};
    DesignPoint point(spec);
    std::int64_t step = 0, fetched = 0;
    for (const TaskGraph& graph : point.graphs()) {
      for (int layer = 0; layer < kLayers; ++layer) {
        const std::int64_t missing = point.missing(layer, step, cache == "last" ? step - 1 : -1);
        EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), static_cast<double>(missing) * kBlock) << cache;
        EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * (4.0 * kSelected + kKv)) << cache;
        fetched += missing;
      }
      ++step;
    }
    EXPECT_GT(fetched, 0) << "the selection must drift for this test to say anything";
  }
}

TEST(BytesMoved, InfiniGenAsPublishedGathersATenthOfTheTokens) {
  // 0.1·(S + t) tokens of each sequence with 4 B each in the list.
  for (const char* preset : {"paper", "artifact"}) {
    double step = 0.0;
    for (const TaskGraph& graph : DesignPoint(six_layers("infinigen", preset)).graphs()) {
      const double tokens = kB * 0.1 * (kS + step);
      for (int layer = 0; layer < kLayers; ++layer) {
        EXPECT_NEAR(copied(graph, Direction::h2d, layer), tokens * kKv, 1.0) << preset;
        EXPECT_NEAR(copied(graph, Direction::d2h, layer), 4.0 * tokens + kB * kKv, 1.0) << preset;
      }
      step += 1.0;
    }
  }
}

TEST(BytesMoved, InfiniGenNeverGathersMoreThanItsCap) {
  PointSpec spec = six_layers("infinigen", "paper");
  spec.set = {{"selected_share", 0.6}, {"share_cap", 0.2}};
  EXPECT_NEAR(copied(DesignPoint(spec).graphs().front(), Direction::h2d, 3), kB * 0.2 * kS * kKv, 1.0);
}

TEST(BytesMoved, ScoutMovesOutputsAndAtARecallTheDifferenceOnly) {
  // Recalls every second step: in steps 1 and 3 (residency is of steps −1, −1, 1, 1). With M missing blocks of a layer:
  //   d2h  query + list + new tokens = B·row + 4·M + B·kv        h2d  output B·row, and M blocks at a recall.
  PointSpec spec = six_layers("scout");
  spec.set = {{"recall_interval", std::int64_t{2}}};
  DesignPoint point(spec);
  const std::int64_t resident[] = {-1, -1, 1, 1};
  std::int64_t step = 0;
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 0; layer < kLayers; ++layer) {
      const auto missing = static_cast<double>(point.missing(layer, step, resident[step]));
      ASSERT_GT(missing, 0.0) << "the selection must drift for this test to say anything";
      const double recalled = step % 2 == 1 ? missing * kBlock : 0.0;
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), kB * kRow + recalled) << step;
      EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * (kRow + kKv) + 4.0 * missing) << step;
    }
    ++step;
  }
}

TEST(BytesMoved, ScoutWithoutCollaborationFetchesEveryMissingBlock) {
  PointSpec spec = six_layers("scout");
  spec.set = {{"collaborative_attention", false}, {"periodic_recall", false}};
  DesignPoint point(spec);
  std::int64_t step = 0;
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 0; layer < kLayers; ++layer)
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer),
                       static_cast<double>(point.missing(layer, step, -1)) * kBlock);
    ++step;
  }
}

// With a selection that never changes there is nothing to fetch, to recall or to attend on the CPU.
TEST(BytesMoved, AHitMovesNothingAndTakesLessTime) {
  const std::map<std::string, ParamValue> fetching = {{"collaborative_attention", false}, {"periodic_recall", false}};
  for (const PointSpec& base : {six_layers("infinigen"), PointSpec{.method = "scout", .set = fetching, .layers = 6}}) {
    PointSpec spec = base;
    spec.locality = kStill;
    DesignPoint hits(spec);
    spec.locality = kDrifting;
    DesignPoint misses(spec);
    const auto all_hit = hits.graphs(), some_missed = misses.graphs();
    for (std::size_t step = 0; step < all_hit.size(); ++step) {
      EXPECT_DOUBLE_EQ(copied(all_hit[step], Direction::h2d), 0.0) << spec.method;
      EXPECT_GT(copied(some_missed[step], Direction::h2d), 0.0) << spec.method;
    }
    EXPECT_DOUBLE_EQ(hits.method().facts().turnover, 0.0);
    EXPECT_GT(misses.method().facts().turnover, 0.0);
    const Trace fast = simulated(hits, all_hit), slow = simulated(misses, some_missed);
    EXPECT_LT(elapsed(fast, {0, 4}), elapsed(slow, {0, 4})) << spec.method;
  }
}

TEST(BytesMoved, AHitSparesScoutTheCpu) {
  PointSpec spec = six_layers("scout");
  spec.locality = kStill;
  DesignPoint point(spec);
  for (const TaskGraph& graph : point.graphs()) {
    EXPECT_TRUE(ops_of(graph, Family::cpu_attend).empty());
    EXPECT_TRUE(ops_of(graph, Family::merge_lse).empty());
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d), 0.0);
  }
  EXPECT_DOUBLE_EQ(point.method().facts().cpu_ratio, 0.0);
}

TEST(BytesMoved, ScoutsCpuRatioIsTheMissingShareOfTheBudget) {
  // Without recall, residency stays as after prefill: ratio of step t = Σ over 6 layers of M ÷ (6·B·k).
  PointSpec spec = six_layers("scout");
  spec.set = {{"periodic_recall", false}};
  DesignPoint point(spec);
  point.graphs();
  const MethodFacts facts = point.method().facts();
  double mean = 0.0;
  for (std::int64_t step = 0; step < 4; ++step) {
    double missing = 0.0;
    for (int layer = 0; layer < kLayers; ++layer) missing += static_cast<double>(point.missing(layer, step, -1));
    const double ratio = missing / (kLayers * kB * kSelected);
    EXPECT_DOUBLE_EQ(facts.cpu_ratio_by_step[static_cast<std::size_t>(step)], ratio);
    mean += ratio / 4.0;
  }
  EXPECT_DOUBLE_EQ(facts.cpu_ratio, mean);
  EXPECT_LT(facts.cpu_ratio_by_step.front(), facts.cpu_ratio_by_step.back()) << "it rises without recall";
}

// Of S·kv per layer of one prompt: those named keep all, NEO and prefix caches without the CPU, ArkVale its first two
// layers and OmniKV those up to the one behind its first filter, ShadowKV K, MagicPIG its first layer. What of an index
// goes with it, for 8 KV heads: of MagicPIG 151 numbers of 4 bytes for a token and 150 tables of 1024 bounds of 8
// bytes, of PQCache 12 bits for a token.
double sent_by_prefill(const std::string& method, int layer) {
  const std::set<std::string> all = {"full_kv", "quest", "h2o", "prefix_cache", "neo", "csattention", "turbo"};
  const bool keeps = all.contains(method) || (method == "arkvale" && layer < 2) || (method == "omnikv" && layer < 4) ||
                     (method == "magicpig" && layer == 0);
  const double index = method == "magicpig"  ? 8.0 * (kS * 151.0 * 4.0 + 150.0 * 1024.0 * 8.0)
                       : method == "pqcache" ? 8.0 * kS * 1.5
                                             : 0.0;
  return keeps ? 0.0 : index + (method == "shadowkv" ? 0.5 : 1.0) * kS * kKv;
}

TEST(BytesMoved, PrefillSendsTheCacheOfOffloadedLayersToTheHostOnce) {
  for (const MethodEntry& entry : decode_methods()) {
    const TaskGraph graph = DesignPoint(six_layers(entry.info.name.c_str())).method().prefill();
    for (int layer = 0; layer < kLayers; ++layer) {
      EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), sent_by_prefill(entry.info.name, layer))
          << entry.info.name;
    }
    EXPECT_EQ(copied(graph, Direction::h2d) > 0.0, entry.info.name == "prefix_cache") << entry.info.name;
  }
}

// A copy demands its bytes on its own direction of the link and on no other, and takes at least bytes ÷ capacity.
TEST(BytesMoved, NoLinkIsFree) {
  const MachineModel machine(machine_named("a100-80gb-pcie-36c"), assumed_profile());
  const auto& resources = machine.platform().resources;
  const auto amount_on = [&](const Demand& demand, const std::string& name) {
    double amount = 0.0;
    for (const Use& use : demand.used()) {
      if (resources[use.resource.index()].name == name) amount += use.amount * static_cast<double>(demand.units);
    }
    return amount;
  };
  int copies = 0;
  for (const MethodEntry& entry : decode_methods()) {
    for (const Preset& preset : entry.info.presets) {
      DesignPoint point(six_layers(entry.info.name.c_str(), preset.name.c_str()));
      std::vector<TaskGraph> graphs = point.graphs();
      graphs.push_back(point.method().prefill());
      for (const TaskGraph& graph : graphs) {
        for (const Op& op : graph.ops()) {
          const auto* copy = std::get_if<CopyShape>(&op.shape);
          if (copy == nullptr) continue;
          ++copies;
          const double bytes = copy->total().value();
          const bool to_gpu = copy->direction == Direction::h2d;
          const Demand demand = machine.demand(op);
          EXPECT_GT(bytes, 0.0);
          EXPECT_NEAR(amount_on(demand, to_gpu ? "link h2d" : "link d2h"), bytes, 1e-9 * bytes);
          EXPECT_DOUBLE_EQ(amount_on(demand, to_gpu ? "link d2h" : "link h2d"), 0.0);
          EXPECT_NEAR(amount_on(demand, "link both ways"), bytes, 1e-9 * bytes);
          EXPECT_NEAR(amount_on(demand, "DRAM"), bytes, 1e-9 * bytes);
          EXPECT_GE(isolated_duration(demand, machine.platform()).seconds().value(), bytes / 25e9);
        }
      }
    }
  }
  EXPECT_GT(copies, 100);
}

TEST(BytesMoved, EveryCopyRunsInItsDirectionsLane) {
  for (const MethodEntry& entry : decode_methods()) {
    for (const TaskGraph& graph : DesignPoint(six_layers(entry.info.name.c_str())).graphs()) {
      for (const Op& op : graph.ops()) {
        const auto* copy = std::get_if<CopyShape>(&op.shape);
        if (copy == nullptr) continue;
        const bool to_gpu = copy->direction == Direction::h2d;
        const bool by_kernel = copy->path == CopyPath::sm_zero_copy;
        EXPECT_EQ(op.family, by_kernel ? Family::zero_copy_h2d : to_gpu ? Family::copy_h2d : Family::copy_d2h);
        const bool lane_fits = by_kernel ? op.lane == lane_id(Lane::side)
                               : to_gpu  ? op.lane == lane_id(Lane::h2d) || op.lane == lane_id(Lane::recall)
                                         : op.lane == lane_id(Lane::d2h);
        EXPECT_TRUE(lane_fits) << entry.info.name << " layer " << op.layer;
      }
    }
  }
}

// link_bytes_per_step counts every copy of a layer; the sampled tokens, 8·B bytes, are not the method's.
TEST(BytesMoved, TheReportedLinkBytesAreThoseOfTheGraphs) {
  for (const MethodEntry& entry : decode_methods()) {
    for (const Preset& preset : entry.info.presets) {
      DesignPoint point(six_layers(entry.info.name.c_str(), preset.name.c_str()));
      double bytes = 0.0;
      for (const TaskGraph& graph : point.graphs()) {
        for (int layer = 0; layer < kLayers; ++layer)
          bytes += copied(graph, Direction::h2d, layer) + copied(graph, Direction::d2h, layer);
      }
      EXPECT_NEAR(point.method().facts().link_bytes_per_step, bytes / 4.0, 1.0)
          << entry.info.name << " " << preset.name;
    }
  }
}

}  // namespace
}  // namespace outrider
