// Profiles are read whole or refused, with the place of every mistake.
#include "hwmodels/profile_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "hwmodels/coefficients.h"

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

std::string shipped_text() {
  std::ifstream stream(fs::path(OUTRIDER_SOURCE_DIR) / "scenarios/profiles/assumed.yaml");
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> errors_of(const std::string& from, const std::string& to) {
  std::string text = shipped_text();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  const fs::path file = fs::path(testing::TempDir()) / (std::string("profile_") + test.name() + ".yaml");
  std::ofstream(file) << text;
  ConfigErrors errors;
  const auto profile = read_profile(file, errors);
  fs::remove(file);
  EXPECT_EQ(profile.has_value(), errors.size() == 0);
  std::vector<std::string> lines;
  for (const ConfigError& error : errors.all()) lines.push_back(to_string(error));
  return lines;
}

TEST(ProfileReader, EveryCoefficientOfTheTableIsReadWithItsIntervalAndSource) {
  ConfigErrors errors;
  const auto profile = read_profile(fs::path(OUTRIDER_SOURCE_DIR) / "scenarios/profiles/assumed.yaml", errors);
  ASSERT_TRUE(profile.has_value());
  EXPECT_EQ(profile->kind, ProfileKind::assumed);
  EXPECT_EQ(profile->coefficients.size(), coefficient_table().size());
  for (const auto& [name, coefficient] : profile->coefficients) {
    EXPECT_LE(coefficient.low, coefficient.value) << name;
    EXPECT_GE(coefficient.high, coefficient.value) << name;
    EXPECT_FALSE(coefficient.source.empty()) << name;
  }
}
TEST(ProfileReader, AMissingCoefficientIsNamed) {
  EXPECT_THAT(
      errors_of("  gpu.kernel_latency:", "  gpu.kernel_latncy:"),
      ElementsAre(HasSubstr("coefficients.gpu.kernel_latency: expected a mapping, got nothing"),
                  HasSubstr("expected a known key, got 'gpu.kernel_latncy', did you mean gpu.kernel_latency?")));
}
TEST(ProfileReader, AValueOutsideOfItsIntervalIsRefused) {
  EXPECT_THAT(errors_of("gpu.gemm_hbm_efficiency: {value: ", "gpu.gemm_hbm_efficiency: {value: 9"),
              ElementsAre(HasSubstr("coefficients.gpu.gemm_hbm_efficiency.value: expected a value from low 0")));
}
TEST(ProfileReader, AnUnknownKindIsRefused) {
  EXPECT_THAT(errors_of("kind: assumed", "kind: guessed"),
              ElementsAre(HasSubstr(":4:7: kind: expected one of assumed, fitted, transferred, got 'guessed'")));
}
TEST(ProfileReader, ANegativeCoefficientIsRefused) {
  EXPECT_THAT(errors_of("gpu.gemm_hbm_efficiency: {value: ", "gpu.gemm_hbm_efficiency: {value: -"),
              testing::Contains(HasSubstr("got '-0.")));
}

std::vector<std::string> errors_of_ranges(const std::string& ranges) {
  return errors_of("coefficients:",
                   "fit: {program: x, date: y, samples: 1, refused: 0, ranges: [" + ranges + "]}\ncoefficients:");
}
TEST(ProfileReader, RangesOfKnownFamiliesAndSizesAreRead) {
  EXPECT_THAT(errors_of_ranges("{family: gemm, size: rows, low: 1, high: 4096}, "
                               "{family: gemm, size: weights, low: 1e6, high: 1e9}"),
              ElementsAre());
}
TEST(ProfileReader, ARangeOfAnUnknownFamilyIsRefused) {
  EXPECT_THAT(errors_of_ranges("{family: gem, size: rows, low: 1, high: 2}"),
              ElementsAre(HasSubstr("fit.ranges[0].family: expected one of gemm, gemm_fp8, ")));
}
TEST(ProfileReader, ARangeOfASizeThatIsNotTheFamilysIsRefused) {
  EXPECT_THAT(errors_of_ranges("{family: gemm, size: items, low: 1, high: 2}"),
              ElementsAre(HasSubstr("fit.ranges[0].size: expected one of rows, weights (gemm), got 'items'")));
}
TEST(ProfileReader, ARangeThatEndsBeforeItBeginsIsRefused) {
  EXPECT_THAT(errors_of_ranges("{family: gemm, size: rows, low: 3, high: 2}"),
              ElementsAre(HasSubstr("fit.ranges[0].low: expected at most high, 2, got 3")));
}
TEST(ProfileReader, ARangeStatedTwiceIsRefused) {
  EXPECT_THAT(errors_of_ranges("{family: gemm, size: rows, low: 1, high: 2}, "
                               "{family: gemm, size: rows, low: 1, high: 3}"),
              ElementsAre(HasSubstr("fit.ranges[1].size: expected each size of gemm once, got 'rows' again")));
}

}  // namespace
}  // namespace outrider
