// Samples survive their file, interruptions and mistakes.
#include "calibration/samples/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace outrider {
namespace {

namespace fs = std::filesystem;

fs::path fresh(const char* name) {
  const fs::path file = fs::path(testing::TempDir()) / name;
  fs::remove(file);
  return file;
}

Sample sample_of(double seconds, double threads = 16.0) {
  Sample sample{.run = 2, .family = "dram_read", .shape = {{"threads", threads}, {"bytes", 2147483648.0}}, .time = {}};
  sample.time = {.median = seconds,
                 .low = 0.9 * seconds,
                 .high = 1.1 * seconds,
                 .spread = 0.05,
                 .trials = 21,
                 .discarded = 3,
                 .settled = true};
  return sample;
}

std::string written(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Samples, AreReadAsTheyWereWritten) {
  const fs::path file = fresh("samples_round.csv");
  append_samples(file, {sample_of(0.25)});
  append_samples(file, {sample_of(1.0 / 3.0, 8.0)});
  ConfigErrors errors;
  const auto read = read_samples(file, errors);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].shape, sample_of(1.0).shape);
  EXPECT_EQ((*read)[0].time.discarded, 3);
  EXPECT_NEAR((*read)[1].time.median, 1.0 / 3.0, 1e-9);
  EXPECT_EQ((*read)[1].shape.at("bytes"), 2147483648.0);
}

TEST(Samples, AnInterruptedLineIsPassedOverAndReplaced) {
  const fs::path file = fresh("samples_cut.csv");
  append_samples(file, {sample_of(0.25)});
  std::ofstream(file, std::ios::app) << "2,dram_re";
  ConfigErrors errors;
  EXPECT_EQ(read_samples(file, errors)->size(), 1u);
  EXPECT_EQ(partial_line(file), "2,dram_re");
  append_samples(file, {sample_of(0.5, 8.0)});
  EXPECT_EQ(read_samples(file, errors)->size(), 2u) << written(file);
  EXPECT_EQ(partial_line(file), "");
  EXPECT_TRUE(errors.empty());
}

TEST(Samples, EveryMistakeHasItsLineAndColumn) {
  const std::string good = csv_line(sample_of(0.25));
  const auto mistakes_in = [](const std::string& lines) {
    const fs::path file = fresh("samples_bad.csv");
    std::ofstream(file) << kSamplesHeader << "\n" << lines;
    ConfigErrors errors;
    EXPECT_FALSE(read_samples(file, errors).has_value()) << lines;
    std::vector<std::string> paths;
    for (const ConfigError& error : errors.all()) paths.push_back(std::to_string(error.line) + " " + error.path);
    return paths;
  };
  using testing::ElementsAre;
  const std::string other = csv_line(sample_of(0.25, 8.0));
  EXPECT_THAT(mistakes_in(good + "0,fork_join,threads=1,1,1,1,0,1,0,1\n" + other + "1,,threads=1,1,1,1,0,1,0,1\n"),
              ElementsAre("3 run", "5 family"));
  const auto mistakes_of = [&](const std::string& shape, const std::string& figures) {
    return mistakes_in("1,fork_join," + shape + "," + figures + "\n");
  };
  EXPECT_THAT(mistakes_of("threads", "1,1,1,0,1,0,1"), ElementsAre("2 shape"));
  EXPECT_THAT(mistakes_of("threads=2", "-1,1,1,0,1,0,1"), ElementsAre("2 seconds"));
  EXPECT_THAT(mistakes_of("threads=2", "nan,1,1,0,1,0,1"), ElementsAre("2 seconds"));
  EXPECT_THAT(mistakes_of("threads=2", "1,2,1,0,1,0,1"), ElementsAre("2 low"));
  EXPECT_THAT(mistakes_of("threads=2", "1,1,1,0,0,0,1"), ElementsAre("2 trials"));
  EXPECT_THAT(mistakes_of("threads=2", "1,1,1,0,1,0,2"), ElementsAre("2 settled"));
  EXPECT_THAT(mistakes_in("1,a\n"), ElementsAre("2 the number of columns"));
}

std::string first_mistake(const std::string& lines) {
  const fs::path file = fresh("samples_mistake.csv");
  std::ofstream(file) << kSamplesHeader << "\n" << lines;
  ConfigErrors errors;
  read_samples(file, errors);
  return errors.empty() ? "" : to_string(errors.all().front()).substr(file.string().size());
}

TEST(Samples, FamiliesShapesAndRepeatsAreChecked) {
  using testing::HasSubstr;
  EXPECT_THAT(first_mistake("1,dram_raed,threads=1;bytes=1,1,1,1,0,1,0,1\n"),
              HasSubstr(":2:1: family: expected a family as in 'outrider calibrate --list'"));
  const auto of_shape = [](const std::string& shape) {
    return first_mistake("1,dram_read," + shape + ",1,1,1,0,1,0,1\n");
  };
  for (const char* shape : {"threads=1", "threads=1;bytes=1;rows=1", "threads=1;threads=1", "threads=1;byte=1",
                            "threads=1;bytes=0", "threads=1;bytes=inf", "threads=nan;bytes=1"})
    EXPECT_THAT(of_shape(shape), HasSubstr(":2:1: shape: expected threads, bytes, each once: a number")) << shape;
  EXPECT_EQ(of_shape("bytes=1;threads=1"), "");
  const std::string line = csv_line(sample_of(0.25));
  EXPECT_THAT(first_mistake(line + csv_line(sample_of(0.25, 8.0)) + csv_line(sample_of(0.5))),
              HasSubstr(":4:1: expected one sample of a run, family and shape, got that of line 2 again"));
  EXPECT_THAT(
      first_mistake("1,dram_read,threads=1;bytes=1,1,1,1,0,1,0,1\n1,dram_read,bytes=1;threads=1,2,2,2,0,1,0,1\n"),
      HasSubstr("line 2 again"))
      << "in another order it is the same shape";
}

TEST(Samples, AFileOfSomethingElseIsRefused) {
  const fs::path file = fresh("samples_other.csv");
  std::ofstream(file) << "model,batch\nqwen,1\n";
  ConfigErrors errors;
  EXPECT_FALSE(read_samples(file, errors).has_value());
  EXPECT_FALSE(read_samples("/nowhere/samples.csv", errors).has_value());
  EXPECT_EQ(errors.size(), 2u);
}

}  // namespace
}  // namespace outrider
