// Systems written from knobs in YAML tell and run the same, byte for byte, as those that are built in.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/io/perfetto.h"
#include "sim/io/scenario_reader.h"
#include "tests/sim/io/documents.h"
#include "tests/support/design_points.h"

namespace outrider {
namespace {

struct System {
  const char* name;  // of the test
  const char* method;
  const char* preset;
  std::map<std::string, ParamValue> set;
  const char* knobs;
  std::size_t layers = 5;
};

std::ostream& operator<<(std::ostream& out, const System& system) { return out << system.name; }

const System kSystems[] = {
    {"Quest", "quest", "paper", {}, "{placement: gpu, block_tokens: 16, dense_layers: [0, 1]}"},
    {"QuestOfLargerPages",
     "quest",
     "paper",
     {{"block_tokens", std::int64_t{64}}, {"budget_tokens", std::int64_t{512}}, {"dense_layers", LayerList{}}},
     "{placement: gpu, block_tokens: 64, budget_tokens: 512}"},
    {"ArkVale",
     "arkvale",
     "paper",
     {},
     "{dense_layers: [0, 1], budget_tokens: 1280, cache: lru, cache_tokens: 4K, copies_per_block: 0, launch: eager}"},
    {"ArkValeOfASmallCache",
     "arkvale",
     "paper",
     {{"cache_tokens", std::int64_t{2048}}, {"block_copies", std::string("batched")}},
     "{dense_layers: [0, 1], budget_tokens: 1024, cache: lru, cache_tokens: 2K, copies_per_block: 0, launch: eager, "
     "block_copies: batched}"},
    {"Scout", "scout", "paper", {}, "{query: predicted, miss: cpu_attend, cache: periodic}"},
    {"ScoutAsInSglang",
     "scout",
     "sglang",
     {},
     "{query: predicted, miss: cpu_attend, cpu_query: real, cache: periodic, recall_interval: 8}"},
    {"ScoutQueued",
     "scout",
     "paper",
     {{"recall_copies", std::string("queued")}, {"recall_interval", std::int64_t{2}}},
     "{query: predicted, miss: cpu_attend, cache: periodic, recall_interval: 2, recall_copies: queued}"},
    {"ScoutAttendingAllResident",
     "scout",
     "paper",
     {{"gpu_attends", std::string("resident")}, {"cpu_ratio_limit", 0.3}},
     "{query: predicted, miss: cpu_attend, gpu_attends: resident, cache: periodic, cpu_ratio_limit: 0.3}"},
    {"ScoutWithoutRecall",
     "scout",
     "paper",
     {{"periodic_recall", false}},
     "{query: predicted, miss: cpu_attend, cache: prefill}"},
    {"ScoutInTheSameLayer",
     "scout",
     "paper",
     {{"periodic_recall", false}, {"layer_ahead", false}},
     "{miss: cpu_attend, cache: prefill}"},
    {"ScoutFetching",
     "scout",
     "paper",
     {{"periodic_recall", false}, {"layer_ahead", false}, {"collaborative_attention", false}},
     "{cache: prefill}"},
    {"FreeKv",
     "freekv",
     "paper",
     {},
     "{query: previous_token, corrected_share: 0.1, copies_per_block: 0, recall_copies: queued}"},
    {"OmniKv",
     "omnikv",
     "paper",
     {{"filter_layers", LayerList{1, 5}}},
     "{block_tokens: 1, index: keys, query: shared, filter_layers: [1, 5], wait_layers: 1, budget_share: 0.067, "
     "block_copies: gather, cache: none, pipeline: prefetch}",
     9},
    {"ShadowKv",
     "shadowkv",
     "paper",
     {},
     "{placement: values, block_tokens: 8, index: mean, kept_tokens: 416, block_copies: zero_copy, copies_per_block: "
     "0}"},
    {"RetroInfer",
     "retroinfer",
     "paper",
     {},
     "{block_tokens: 8, kept_tokens: 68, index: centroids, index_tokens: 16, budget_share: 0.018, estimate_share: "
     "0.232, "
     "lookup: cpu, block_copies: zero_copy, copies_per_block: 0, cache: lru, cache_share: 0.05}"},
    {"MagicPig",
     "magicpig",
     "paper",
     {},
     "{block_tokens: 1, dense_layers: [0, 16], kept_tokens: 68, index: lsh, budget_share: 0.02, miss: cpu_attend, "
     "host_waits: 2, cache: none, launch: eager}",
     18},
    {"MagicPigOfFewerTables",
     "magicpig",
     "paper",
     {{"hash_tables", std::int64_t{75}}, {"hash_bits", std::int64_t{8}}, {"launch", std::string("graph")}},
     "{block_tokens: 1, dense_layers: [0, 16], kept_tokens: 68, index: lsh, hash_bits: 8, hash_tables: 75, "
     "budget_share: 0.02, miss: cpu_attend, host_waits: 2, cache: none}"},
    {"PqCache",
     "pqcache",
     "paper",
     {},
     "{block_tokens: 1, kept_tokens: 32, kept_share: 0.05, index: pq, budget_share: 0.05, host_waits: 6, "
     "block_copies: gather, copies_per_block: 0, cache: lfu, pipeline: codes, launch: eager}"},
    {"PqCacheOfFinerCodes",
     "pqcache",
     "paper",
     {{"sub_spaces", std::int64_t{4}}, {"code_bits", std::int64_t{8}}, {"pipeline", std::string("none")}},
     "{block_tokens: 1, kept_tokens: 32, kept_share: 0.05, index: pq, sub_spaces: 4, code_bits: 8, budget_share: 0.05, "
     "host_waits: 6, block_copies: gather, copies_per_block: 0, cache: lfu, launch: eager}"},
};

// The parameters that a scenario with these knobs comes to.
std::map<std::string, ParamValue> composed_from(const std::string& knobs) {
  const Scratch scratch;
  const auto file = scratch.write("s.yaml",
                                  "name: s\nmodel: qwen3-14b\nmachine: a100-80gb-pcie-36c\nmethods:\n  - label: mine\n"
                                  "    compose: " +
                                      knobs + "\nworkloads:\n  - {name: w, contexts: [8K]}\n");
  ConfigErrors errors;
  const auto scenario = read_scenario({.file = file, .library = shipped_scenarios()}, method_infos(), errors);
  EXPECT_TRUE(scenario.has_value()) << texts(errors);
  if (!scenario) return {};
  const MethodRequest& request = scenario->methods.front();
  EXPECT_EQ(request.method, "composed");
  return {request.params.values().begin(), request.params.values().end()};
}

std::string trace_of(const PointSpec& spec) {
  DesignPoint point(spec);
  std::string text;
  for (const MemoryUse& use : point.method().memory())
    text += use.what + " " + std::to_string(use.fixed.value()) + " " + std::to_string(use.per_sequence.value()) + "\n";
  std::vector<TaskGraph> graphs = point.graphs();
  const MethodFacts facts = point.method().facts();
  text += std::to_string(facts.cpu_ratio) + " " + std::to_string(facts.recall_interval) + " " +
          std::to_string(facts.turnover) + " " + std::to_string(facts.link_bytes_per_step) + "\n";
  graphs.push_back(point.method().prefill());
  return text + perfetto_json(simulated(point, graphs), {});
}

class FromKnobs : public testing::TestWithParam<System> {};

TEST_P(FromKnobs, TheTraceIsThatOfTheBuiltInSystem) {
  const System& system = GetParam();
  const std::map<std::string, ParamValue> knobs = composed_from(system.knobs);
  for (const std::int64_t context : {4096, 24000}) {
    for (const std::int64_t batch : {1, 3}) {
      PointSpec spec{.method = system.method, .preset = system.preset, .set = system.set, .layers = system.layers};
      spec.context = context;
      spec.batch = batch;
      spec.machine = "h200-16c";
      spec.locality = {"uneven", 0.99, 0.0, 0.5};
      const std::string built_in = trace_of(spec);
      spec.method = "composed";
      spec.preset = "";
      spec.set = knobs;
      EXPECT_TRUE(trace_of(spec) == built_in) << system.method << " at " << context << " x " << batch;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Systems, FromKnobs, testing::ValuesIn(kSystems),
                         [](const auto& system) { return std::string(system.param.name); });

TEST(FromKnobs, ThePageSaysWhatIsBuiltIn) {
  std::ifstream file(std::filesystem::path(OUTRIDER_SOURCE_DIR) / "COMPOSING.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::pair<const char*, const char*> rows[] = {
      {"Quest", "quest"},           {"ArkVale", "arkvale"},   {"ScoutAttention", "scout"},
      {"FreeKV", "freekv"},         {"OmniKV", "omnikv"},     {"ShadowKV", "shadowkv"},
      {"RetroInfer", "retroinfer"}, {"MagicPIG", "magicpig"}, {"PQCache", "pqcache"}};
  for (const auto& [title, method] : rows) {
    const std::size_t line = page.find(std::string("\n| ") + title + " | `{");
    ASSERT_NE(line, std::string::npos) << title;
    const std::size_t from = page.find('{', line), to = page.find('}', line);
    PointSpec spec{.method = method, .layers = 10};
    const std::string built_in = trace_of(spec);
    spec.method = "composed";
    spec.set = composed_from(page.substr(from, to - from + 1));
    EXPECT_TRUE(trace_of(spec) == built_in) << title;
  }
}

TEST(FromKnobs, AnotherKnobIsAnotherTrace) {
  PointSpec spec{.method = "composed", .set = composed_from("{query: predicted, miss: cpu_attend, cache: periodic}")};
  spec.layers = 4;
  const std::string scout = trace_of(spec);
  spec.set = composed_from("{query: predicted, miss: drop, cache: periodic}");
  EXPECT_NE(trace_of(spec), scout);
}

// InfiniGen's block-wise preset has a file of its own: the knobs say the same but for the list that goes to the host,
// of the missing blocks where InfiniGen sends all selected ones, and for what of a layer is emitted first.
TEST(FromKnobs, InfiniGenByBlocksTakesAsLong) {
  PointSpec spec{.method = "infinigen", .preset = "scout_paper", .layers = 5, .context = 16384, .batch = 4};
  DesignPoint built_in(spec);
  spec.method = "composed";
  spec.preset = "";
  spec.set = composed_from("{query: predicted, cache: prefill, pipeline: prefetch}");
  DesignPoint from_knobs(spec);
  const Trace one = simulated(built_in, built_in.graphs()), other = simulated(from_knobs, from_knobs.graphs());
  for (std::size_t step = 0; step < one.steps.size(); ++step) {
    const double ratio = other.steps[step].time().seconds().value() / one.steps[step].time().seconds().value();
    EXPECT_NEAR(ratio, 1.0, 0.01) << step;
  }
}

}  // namespace
}  // namespace outrider
