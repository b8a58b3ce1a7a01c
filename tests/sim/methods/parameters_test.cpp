// Every parameter of every method does something: another value changes a graph, the memory plan or the facts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/design_points.h"

namespace outrider {
namespace {

struct ShapeText {
  std::string operator()(const std::monostate&) const { return ""; }
  std::string operator()(const GemmShape& s) const {
    return fmt::format("gemm {} {} {} {} {}", s.rows, s.n, s.k, s.instances, static_cast<int>(s.type));
  }
  std::string operator()(const AttentionShape& s) const {
    return fmt::format("attention {} {} {} {} {} {} {} {} {} {} {}", s.sequences, s.kv_heads, s.q_heads, s.head_dim,
                       s.v_head_dim, s.tokens, s.longest, s.block_tokens, s.causal, s.kv_bits,
                       static_cast<int>(s.products));
  }
  std::string operator()(const StreamShape& s) const {
    return fmt::format("stream {} {} {} {}", s.read.value(), s.write.value(), s.flops.value(), s.items);
  }
  std::string operator()(const CopyShape& s) const {
    return fmt::format("copy {} {} {} {} {} {}", static_cast<int>(s.direction), static_cast<int>(s.path), s.fragments,
                       s.fragment.value(), s.ctas, s.paced);
  }
  std::string operator()(const LookupShape& s) const {
    return fmt::format("look-up {} {} {} {} {} {}", s.rows, s.queries, s.subspaces, s.clusters, s.length, s.keys);
  }
  std::string operator()(const HostShape& s) const { return fmt::format("host {}", s.count); }
};

std::string text_of(const TaskGraph& graph) {
  std::string text;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Op& op = graph.ops()[i];
    text +=
        fmt::format("{} {} {} {}", to_string(op.family), op.lane.value, op.layer, std::visit(ShapeText{}, op.shape));
    for (const OpId dependency : graph.dependencies(OpId(i))) text += fmt::format(" <{}", dependency.value);
    text += "\n";
  }
  for (const Carry& carry : graph.awaits()) text += fmt::format("await {} {}\n", carry.op.value, carry.slot);
  for (const Carry& carry : graph.fills()) text += fmt::format("fill {} {}\n", carry.op.value, carry.slot);
  return text;
}

// All that a method tells: its memory plan and the graphs of some steps.
std::string told(const PointSpec& spec) {
  DesignPoint point(spec);
  std::string text;
  for (const MemoryUse& use : point.method().memory())
    text += fmt::format("{} {} {}\n", use.what, use.fixed.value(), use.per_sequence.value());
  for (const TaskGraph& graph : point.graphs()) text += text_of(graph);
  const bool decodes = entry_of(spec.method).info.runs == WorkloadKind::decode;
  return decodes ? text + text_of(point.method().prefill()) : text;
}

// Values other than the one in force: a quarter of a number, or as much as is right in place of 0; twice an integer;
// the other choices.
std::vector<ParamValue> others(const ParamSpec& spec, const ParamValue& now) {
  if (const bool* flag = std::get_if<bool>(&now)) return {!*flag};
  if (const auto* integer = std::get_if<std::int64_t>(&now)) return {*integer == 0 ? std::int64_t{2} : *integer * 2};
  if (const auto* layers = std::get_if<LayerList>(&now)) return {layers->empty() ? LayerList{1} : LayerList{}};
  if (const double* number = std::get_if<double>(&now))
    return {*number == 0.0 ? std::min(64.0, spec.max.value_or(64.0)) : *number / 4.0};
  std::vector<ParamValue> values;
  for (const std::string& choice : spec.choices) {
    if (choice != std::get<std::string>(now)) values.emplace_back(choice);
  }
  return values;
}

PointSpec small_point(const std::string& method, const std::string& preset) {
  PointSpec spec{.method = method, .preset = preset, .layers = 6, .steps = 6};
  spec.locality = {"uneven", 0.996, 0.0, 0.0};
  if (method == "neo") spec.batch = 8;  // shares of it are several requests
  if (entry_of(method).info.runs == WorkloadKind::training) spec.machine = "h200-16c";  // FP8, and no FP4
  return spec;
}

TEST(Parameters, EachChangesWhatItsMethodTells) {
  for (const MethodEntry& entry : methods()) {
    for (const ParamSpec& param : entry.info.params) {
      // A parameter may say something under one preset only, as a window in tokens does.
      bool changes = false;
      for (const Preset& preset : entry.info.presets) {
        PointSpec spec = small_point(entry.info.name, preset.name);
        const std::string before = told(spec);
        const Params now = resolve_params(entry.info, preset.name, {});
        for (const ParamValue& other : others(param, now.values().find(param.name)->second)) {
          spec.set = {{param.name, other}};
          changes = changes || told(spec) != before;
        }
      }
      EXPECT_TRUE(changes) << entry.info.name << "." << param.name;
    }
  }
}

TEST(Parameters, EveryPresetDiffersFromTheOthers) {
  for (const MethodEntry& entry : methods()) {
    std::vector<std::string> texts_of_presets;
    for (const Preset& preset : entry.info.presets) {
      const std::string text = told(small_point(entry.info.name, preset.name));
      EXPECT_EQ(std::count(texts_of_presets.begin(), texts_of_presets.end(), text), 0)
          << entry.info.name << " " << preset.name;
      texts_of_presets.push_back(text);
    }
  }
}

TEST(Parameters, EachOfScoutsSwitchesChangesTheGraph) {
  const PointSpec scout = small_point("scout", "paper");
  const std::string before = told(scout);
  for (const char* off : {"collaborative_attention", "layer_ahead", "periodic_recall"}) {
    PointSpec spec = scout;
    spec.set = {{off, false}};
    EXPECT_NE(told(spec), before) << off;
  }
}

TEST(Parameters, TheSeedMattersToMethodsThatSelectBlocksOnly) {
  // FullKV, FlexGen, HGCA, CSAttention, retrieval completion and Turbo read no selection; to Quest, OmniKV and
  // MagicPIG, which keep no cache of blocks, any is the same.
  const std::set<std::string> selecting = {"scout",  "infinigen",  "arkvale", "shadowkv",
                                           "freekv", "retroinfer", "pqcache"};
  for (const MethodEntry& entry : methods()) {
    PointSpec spec = small_point(entry.info.name, "");
    const std::string one = told(spec);
    EXPECT_EQ(told(spec), one) << entry.info.name << " is a function of its point";
    spec.seed = 2;
    EXPECT_EQ(told(spec) != one, selecting.contains(entry.info.name)) << entry.info.name;
  }
}

TEST(Parameters, EveryDefaultIsWithinItsBoundsAndChoices) {
  for (const MethodEntry& entry : methods()) {
    for (const ParamSpec& param : entry.info.params) {
      SCOPED_TRACE(entry.info.name + "." + param.name);
      EXPECT_FALSE(param.meaning.empty());
      EXPECT_TRUE(param.certainty == "P" || param.certainty == "S" || param.certainty == "I" || param.certainty == "R");
      if (const auto* text = std::get_if<std::string>(&param.fallback)) {
        EXPECT_EQ(std::count(param.choices.begin(), param.choices.end(), *text), 1);
      } else if (!std::holds_alternative<bool>(param.fallback) && !std::holds_alternative<LayerList>(param.fallback)) {
        const auto* integer = std::get_if<std::int64_t>(&param.fallback);
        const double value = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(param.fallback);
        EXPECT_GE(value, param.min.value_or(value));
        EXPECT_LE(value, param.max.value_or(value));
      }
    }
  }
}

}  // namespace
}  // namespace outrider
