// Whatever knobs go together make a method: its steps run, and what it says of itself is what its graphs hold.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/methods/knobs.h"
#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

// Some values of a knob, its default among them.
std::vector<ParamValue> values_of(const ParamSpec& knob) {
  if (const auto* share = std::get_if<double>(&knob.fallback)) return {*share, 0.05, 0.2};
  if (std::holds_alternative<LayerList>(knob.fallback)) return {LayerList{}, LayerList{1}, LayerList{0, 3}};
  if (const auto* count = std::get_if<std::int64_t>(&knob.fallback)) {
    if (knob.name == "block_tokens") return {std::int64_t{32}, std::int64_t{1}, std::int64_t{16}};
    return {*count, std::int64_t{2}, std::min(std::int64_t{48}, static_cast<std::int64_t>(knob.max.value_or(48.0)))};
  }
  std::vector<ParamValue> values;
  for (const std::string& choice : knob.choices) values.emplace_back(choice);
  return values;
}

using Set = std::map<std::string, ParamValue>;
Set operator|(Set one, const Set& other) {
  for (const auto& [name, value] : other) one[name] = value;
  return one;
}
Set text(const char* name, const char* value) { return {{name, std::string(value)}}; }

// Systems unlike each other, to start from.
std::vector<Set> starts() {
  const Set cpu = text("miss", "cpu_attend"), ahead = text("query", "predicted"), host = text("block_copies", "gather");
  const Set filters = text("query", "shared") | Set{{"filter_layers", LayerList{1}}};
  return {{},
          text("placement", "gpu"),
          text("cache", "lru"),
          text("cache", "lfu") | host,
          text("placement", "values") | text("block_copies", "zero_copy"),
          cpu | ahead | text("cache", "periodic"),
          cpu | ahead | text("cache", "none") | Set{{"kept_tokens", std::int64_t{48}}},
          text("miss", "drop") | text("cache", "periodic"),
          text("query", "previous_token"),
          filters | text("cache", "none") | host | text("pipeline", "prefetch"),
          filters | text("placement", "gpu") | text("index", "keys"),
          ahead | text("cache", "prefill") | text("pipeline", "prefetch"),
          text("index", "centroids") | text("cache", "lru") | text("lookup", "cpu"),
          text("index", "pq") | text("pipeline", "codes"),
          text("index", "lsh") | cpu | text("cache", "none") | Set{{"block_tokens", std::int64_t{1}}}};
}

// One of them with up to four knobs turned.
Set random_knobs(RandomStream& random) {
  const std::vector<Set> all = starts();
  Set set = all[random.below(all.size())];
  const std::vector<ParamSpec> knobs = knob_params();
  for (std::uint64_t turns = random.below(5); turns > 0; --turns) {
    const ParamSpec& knob = knobs[random.below(knobs.size())];
    const std::vector<ParamValue> values = values_of(knob);
    set[knob.name] = values[random.below(values.size())];
    if (set[knob.name] == knob.fallback) set.erase(knob.name);
  }
  return set;
}

bool go_together(const Set& set) {
  std::set<std::string> written;
  for (const auto& [name, value] : set) written.insert(name);
  return knob_conflicts(resolve_params(entry_of("composed").info, "knobs", set), written).empty();
}

std::string shown(const Set& set) {
  std::string text;
  for (const auto& [name, value] : set) {
    text += name + ": ";
    if (const auto* choice = std::get_if<std::string>(&value)) text += *choice;
    if (const auto* count = std::get_if<std::int64_t>(&value)) text += std::to_string(*count);
    if (const auto* share = std::get_if<double>(&value)) text += fmt::format("{}", *share);
    if (const auto* layers = std::get_if<LayerList>(&value)) text += fmt::format("{} layers", layers->size());
    text += ", ";
  }
  return text;
}

// Every byte that is reported crosses the link; every layer attends, once its input is there; all of it can be
// simulated.
void expect_method(const PointSpec& spec) {
  DesignPoint point(spec);
  const std::vector<TaskGraph> graphs = point.graphs();
  double bytes = 0.0;
  for (const TaskGraph& graph : graphs) {
    for (int layer = 0; layer < static_cast<int>(spec.layers); ++layer) {
      bytes += copied(graph, Direction::h2d, layer) + copied(graph, Direction::d2h, layer);
      std::size_t attentions = 0;
      for (const Family family : {Family::attend_dense, Family::attend_sparse, Family::cpu_attend}) {
        for (const OpId attention : ops_of(graph, family, layer)) {
          ++attentions;
          EXPECT_TRUE(waits_for(graph, ops_of(graph, Family::gemm, layer).back(), attention)) << to_string(family);
        }
      }
      EXPECT_GE(attentions, 1u) << layer;
    }
  }
  EXPECT_NEAR(point.method().facts().link_bytes_per_step, bytes / static_cast<double>(graphs.size()), 1.0);
  for (const MemoryUse& use : point.method().memory()) EXPECT_GE(use.per_sequence.value(), 0.0) << use.what;
  const Trace trace = simulated(point, graphs);
  for (const Step& step : trace.steps) EXPECT_GT(step.time().ps(), 0);
}

TEST(ComposeProperty, KnobsThatGoTogetherMakeAMethod) {
  RandomStream random(11);
  int made = 0;
  for (int trial = 0; trial < 1200; ++trial) {
    const Set set = random_knobs(random);
    if (!go_together(set)) continue;
    ++made;
    SCOPED_TRACE(shown(set));
    PointSpec spec{.method = "composed", .set = set, .layers = 6, .context = 2048, .machine = "h200-16c"};
    for (const char* launch : {"graph", "eager"}) {
      spec.set["launch"] = std::string(launch);
      expect_method(spec);
    }
  }
  EXPECT_GT(made, 100);
}

std::string told(const Set& set) {
  DesignPoint point({.method = "composed", .set = set, .layers = 6, .context = 2048, .machine = "h200-16c"});
  std::string text;
  for (const MemoryUse& use : point.method().memory())
    text += fmt::format("{} {} {}\n", use.what, static_cast<int>(use.tier), use.per_sequence.value());
  const Trace trace = simulated(point, point.graphs());
  for (const Span& span : trace.spans) text += fmt::format("{} {}\n", trace.names[span.name], span.end.ps());
  return text;
}

TEST(ComposeProperty, EveryKnobMattersSomewhere) {
  RandomStream random(12);
  std::set<std::string> matters;
  for (int trial = 0; trial < 3000 && matters.size() < knob_params().size(); ++trial) {
    const Set set = random_knobs(random);
    if (!go_together(set)) continue;
    std::string all;
    for (const ParamSpec& knob : knob_params()) {
      if (matters.contains(knob.name)) continue;
      for (const ParamValue& value : values_of(knob)) {
        const Set other = set | Set{{knob.name, value}};
        if (other == set || !go_together(other)) continue;
        if (all.empty()) all = told(set);
        if (told(other) != all) matters.insert(knob.name);
      }
    }
  }
  for (const ParamSpec& knob : knob_params()) EXPECT_TRUE(matters.contains(knob.name)) << knob.name;
}

}  // namespace
}  // namespace outrider
