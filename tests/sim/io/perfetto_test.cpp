// Timelines: exact times, one track per lane and overlap, arrows, counters, names that need quoting.
#include "sim/io/perfetto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/traces.h"

namespace outrider {
namespace {

using Json = nlohmann::json;

Json events_of(const Trace& trace) { return Json::parse(perfetto_json(trace, {}))["traceEvents"]; }

std::vector<Json> with(const Json& events, const char* key, const char* value) {
  std::vector<Json> found;
  for (const Json& event : events) {
    if (event.value(key, "") == value) found.push_back(event);
  }
  return found;
}

TEST(Perfetto, TimesKeepEveryPicosecond) {
  // 3 s and 1 ps is 3000000.000001 µs; a double holds that to about 5e-10 µs.
  const std::string text = perfetto_json(
      TraceBuilder().step(0, 3'000'000'000'002).span(0, 3'000'000'000'001, 3'000'000'000'002).trace(), {});
  EXPECT_THAT(text, testing::HasSubstr(R"("ts":3000000.000001,"dur":0.000001,)"));
}

TEST(Perfetto, ASpanCarriesItsLedgerAndWhatItWaitedFor) {
  // dependency = ready − created = 2, queue = start − ready = 3, work = 4, contention = end − start − work = 1 µs.
  constexpr std::int64_t us = 1'000'000;
  const Trace trace = TraceBuilder()
                          .step(0, 10 * us)
                          .span(1, 0, 2 * us)
                          .add({.lane = 0,
                                .name = 1,
                                .created = 0,
                                .ready = 2 * us,
                                .start = 5 * us,
                                .end = 10 * us,
                                .work = 4 * us,
                                .last_dependency = 0,
                                .queued_behind = 0,
                                .bottleneck = 0})
                          .trace();
  const Json args = with(events_of(trace), "ph", "X")[1]["args"];
  EXPECT_EQ(args["dependency_us"], 2.0);
  EXPECT_EQ(args["queue_us"], 3.0);
  EXPECT_EQ(args["contention_us"], 1.0);
  EXPECT_EQ(args["work_us"], 4.0);
  EXPECT_EQ(args["bottleneck"], "HBM");
  EXPECT_EQ(args["waited_for"], "gemm");
  EXPECT_EQ(args["queued_behind"], "gemm");
  EXPECT_EQ(args["step"], 0);
  EXPECT_EQ(args["layer"], -1);
}

TEST(Perfetto, LanesWithoutSpansHaveNoTrack) {
  const Json events = events_of(TraceBuilder().step(0, 10).span(1, 0, 10).trace());
  const std::vector<Json> names = with(events, "name", "thread_name");
  ASSERT_EQ(names.size(), 1U);
  EXPECT_EQ(names[0]["args"]["name"], "h2d");
  EXPECT_EQ(with(events, "ph", "X")[0]["tid"], names[0]["tid"]);
}

// Slices of one track must nest: [0, 10) and [5, 15) do not, [10, 20) follows the first.
TEST(Perfetto, SpansOfALaneThatOverlapGoToRowsOfTheirOwn) {
  const Json events = events_of(TraceBuilder().step(0, 20).span(0, 0, 10).span(0, 5, 15).span(0, 10, 20).trace());
  const std::vector<Json> spans = with(events, "ph", "X");
  EXPECT_NE(spans[0]["tid"], spans[1]["tid"]);
  EXPECT_EQ(spans[0]["tid"], spans[2]["tid"]);
  const std::vector<Json> names = with(events, "name", "thread_name");
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names[0]["args"]["name"], "compute");
  EXPECT_EQ(names[1]["args"]["name"], "compute (2)");
}

TEST(Perfetto, AnArrowStartsAndEndsInsideItsSpans) {
  Trace trace = TraceBuilder().step(0, 30'000'000).span(1, 0, 10'000'000).span(0, 10'000'000, 30'000'000).trace();
  trace.edges = {{SpanId(0), SpanId(1)}};
  const Json events = events_of(trace);
  const std::vector<Json> starts = with(events, "ph", "s"), ends = with(events, "ph", "f");
  ASSERT_EQ(starts.size(), 1U);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(starts[0]["ts"], 5.0);
  EXPECT_EQ(ends[0]["ts"], 20.0);
  EXPECT_EQ(ends[0]["bp"], "e");
  EXPECT_EQ(starts[0]["id"], ends[0]["id"]);
}

TEST(Perfetto, ArrowsOfALanesOwnOrderAndOfEmptySpansAreLeftOut) {
  Trace trace = TraceBuilder().step(0, 30).span(0, 0, 10).span(0, 10, 20).span(1, 20, 20).trace();
  trace.edges = {{SpanId(0), SpanId(1)}, {SpanId(1), SpanId(2)}};
  EXPECT_TRUE(with(events_of(trace), "ph", "s").empty());
}

TEST(Perfetto, UsageIsACounterPerResource) {
  Trace trace = TraceBuilder().step(0, 2'000'000).span(0, 0, 2'000'000).trace();
  trace.usage = {{Instant::from_ps(0), ResourceId(0), 5e11}, {Instant::from_ps(2'000'000), ResourceId(0), 0.0}};
  const std::vector<Json> counters = with(events_of(trace), "ph", "C");
  ASSERT_EQ(counters.size(), 2U);
  EXPECT_EQ(counters[0]["name"], "HBM");
  EXPECT_EQ(counters[0]["args"]["B/s"], 5e11);
  EXPECT_EQ(counters[1]["ts"], 2.0);
  EXPECT_EQ(counters[1]["args"]["B/s"], 0.0);
}

TEST(Perfetto, AReplicaIsAProcessAndWhatAllShareIsOneMore) {
  Trace trace =
      TraceBuilder().step(0, 10).span(0, 0, 10).step(10, 20).span(0, 10, 20).step(0, 30).span(1, 0, 30).trace();
  trace.steps[2].replica = 1;
  trace.resources = {{"HBM", "B/s", 1e12, 1}, {"DRAM", "B/s", 1e11}};
  trace.usage = {{Instant(), ResourceId(0), 5e11}, {Instant(), ResourceId(1), 5e10}};
  trace.edges = {{SpanId(0), SpanId(2)}};
  const Json events = events_of(trace);
  std::vector<std::pair<int, std::string>> processes;
  for (const Json& event : with(events, "name", "process_name")) {
    processes.emplace_back(event["pid"], event["args"]["name"]);
  }
  EXPECT_THAT(processes,
              testing::ElementsAre(std::pair(1, "GPU 0"), std::pair(2, "GPU 1"), std::pair(3, "shared by all GPUs")));
  const std::vector<Json> spans = with(events, "ph", "X"), counters = with(events, "ph", "C");
  EXPECT_EQ(spans[1]["pid"], 1);
  EXPECT_EQ(spans[1]["args"]["step"], 1);
  EXPECT_EQ(spans[2]["pid"], 2);
  EXPECT_EQ(spans[2]["args"]["step"], 0);  // its replica's first
  EXPECT_EQ(counters[0]["pid"], 2);
  EXPECT_EQ(counters[1]["pid"], 3);
  EXPECT_EQ(with(events, "ph", "s")[0]["pid"], 1);
  EXPECT_EQ(with(events, "ph", "f")[0]["pid"], 2);
}

TEST(Perfetto, NamesAndMetadataAreQuoted) {
  Trace trace = TraceBuilder().step(0, 10).span(0, 0, 10).trace();
  trace.names[0] = "a \"b\" \\ \n \xff";
  const Json file = Json::parse(perfetto_json(trace, {{"note", "x\"y"}}));
  EXPECT_EQ(file["otherData"]["note"], "x\"y");
  EXPECT_EQ(file["displayTimeUnit"], "ns");
  EXPECT_EQ(with(file["traceEvents"], "ph", "X")[0]["name"], "a \"b\" \\ \n \xef\xbf\xbd");
}

// Steps of 10 and 20 µs, and of 14 and 15: the second step begins at 14 in both. A copy runs from the first into the
// second; an op ends just where the second step begins.
class TwoTimelines : public testing::Test {
 protected:
  static constexpr std::int64_t us = 1'000'000;
  TwoTimelines() {
    quick_ = TraceBuilder()
                 .step(0, 10 * us)
                 .span(0, 0, 10 * us)
                 .span(1, 6 * us, 12 * us)
                 .step(10 * us, 30 * us)
                 .span(0, 10 * us, 30 * us)
                 .trace();
    slow_ = TraceBuilder()
                .step(5 * us, 19 * us)
                .span(0, 5 * us, 19 * us)
                .step(19 * us, 34 * us)
                .span(0, 20 * us, 34 * us)
                .trace();
    quick_.edges = {{SpanId(1), SpanId(2)}};
    slow_.lanes = quick_.lanes;
  }

  Json events() const {
    return Json::parse(
        perfetto_json({{.name = "one", .trace = &quick_}, {.name = "two", .trace = &slow_}}, {}))["traceEvents"];
  }
  static std::vector<Json> slices(const Json& events, int pid, const std::string& track) {
    std::vector<Json> found;
    for (const Json& name : with(events, "name", "thread_name")) {
      if (name["pid"] != pid || name["args"]["name"] != track) continue;
      for (const Json& slice : with(events, "ph", "X")) {
        if (slice["tid"] == name["tid"]) found.push_back(slice);
      }
    }
    return found;
  }

  Trace quick_, slow_;
};

TEST_F(TwoTimelines, AreTwoProcessesWithTheSameLanes) {
  const Json all = events();
  const std::vector<Json> names = with(all, "name", "process_name");
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names[0]["args"]["name"], "one");
  EXPECT_EQ(names[1]["args"]["name"], "two");
  EXPECT_NE(names[0]["pid"], names[1]["pid"]);
  EXPECT_EQ(slices(all, 1, "compute").size(), 2U);
  EXPECT_EQ(slices(all, 2, "compute").size(), 2U);
  for (const Json& slice : slices(all, 2, "compute")) EXPECT_EQ(slice["pid"], 2);
}

TEST_F(TwoTimelines, StepsBeginAtTheSameTimeAndKeepTheirLength) {
  const Json all = events();
  const std::vector<Json> one = slices(all, 1, "steps"), two = slices(all, 2, "steps");
  ASSERT_EQ(one.size(), 2U);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(one[0]["ts"], 0.0);
  EXPECT_EQ(two[0]["ts"], 0.0);
  EXPECT_EQ(one[1]["ts"], 14.0);
  EXPECT_EQ(two[1]["ts"], 14.0);
  EXPECT_EQ(one[0]["dur"], 10.0);
  EXPECT_EQ(two[0]["dur"], 14.0);
  EXPECT_EQ(slices(all, 1, "compute")[1]["ts"], 14.0);
  EXPECT_EQ(slices(all, 2, "compute")[1]["ts"], 15.0);
}

TEST_F(TwoTimelines, OnlyWhatRunsOnIntoTheNextStepIsDrawnLonger) {
  const Json all = events();
  EXPECT_EQ(slices(all, 1, "compute")[0]["dur"], 10.0) << "it ends where the next step begins";
  const Json copy = slices(all, 1, "h2d")[0];
  EXPECT_EQ(copy["ts"], 6.0);
  EXPECT_EQ(copy["dur"], 10.0) << "6 µs and a pause of 4";
  EXPECT_EQ(copy["args"]["work_us"], 6.0);
}

TEST_F(TwoTimelines, ArrowsEndInsideTheirMovedSpans) {
  const Json all = events();
  EXPECT_EQ(with(all, "ph", "s")[0]["ts"], 11.0);
  EXPECT_EQ(with(all, "ph", "f")[0]["ts"], 24.0);
}

TEST(Perfetto, AnEmptyTraceIsValidToo) { EXPECT_EQ(events_of(Trace()).size(), 1U); }

}  // namespace
}  // namespace outrider
