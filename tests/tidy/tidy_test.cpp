// The rules of the tree, checked on the tree itself; each failure lists what breaks the rule and where.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/tidy/rules.h"

namespace outrider {
namespace {

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = read_tree(OUTRIDER_SOURCE_DIR);
  return files;
}

std::string text_of(const std::string& path) {
  std::ifstream stream(std::string(OUTRIDER_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

testing::AssertionResult keeps(Rule rule) {
  std::string broken;
  for (const SourceFile& file : tree()) {
    for (const Finding& finding : rule(file)) {
      broken += finding.path + ":" + std::to_string(finding.line) + ": " + finding.what + "\n";
    }
  }
  return broken.empty() ? testing::AssertionSuccess() : testing::AssertionFailure() << "\n" << broken;
}

// Without this, a wrong root would make every rule below pass.
TEST(Tree, IsFound) {
  const auto has = [](std::string_view path) {
    return std::any_of(tree().begin(), tree().end(), [&](const SourceFile& file) { return file.path == path; });
  };
  EXPECT_TRUE(has("sim/base/ticks.h"));
  EXPECT_TRUE(has("tests/tidy/tidy_test.cpp"));
  EXPECT_TRUE(has("CMakeLists.txt"));
  EXPECT_TRUE(has("Makefile"));
  EXPECT_TRUE(has("DEVIATIONS.md"));
}

TEST(Text, HasNoTrailingWhitespace) { EXPECT_TRUE(keeps(trailing_whitespace)); }
TEST(Text, HasNoTabs) { EXPECT_TRUE(keeps(tabs)); }
TEST(Text, StaysWithin120Columns) { EXPECT_TRUE(keeps(long_lines)); }
TEST(Text, BeginsWithItsPurpose) { EXPECT_TRUE(keeps(missing_purpose)); }
TEST(Text, HeadersHavePragmaOnce) { EXPECT_TRUE(keeps(missing_pragma_once)); }
TEST(Text, HasNoBanners) { EXPECT_TRUE(keeps(banners)); }
TEST(Text, HasNoUnfinishedMarks) { EXPECT_TRUE(keeps(unfinished_marks)); }
TEST(Text, HasNoPathsOfOneMachine) { EXPECT_TRUE(keeps(machine_paths)); }

TEST(Text, LinksNameFilesThatExist) {
  std::string broken;
  for (const SourceFile& file : tree()) {
    const auto folder = (std::filesystem::path(OUTRIDER_SOURCE_DIR) / file.path).parent_path();
    for (const Link& link : links(file)) {
      if (!std::filesystem::exists(folder / link.target)) {
        broken += file.path + ":" + std::to_string(link.line) + ": " + link.target + "\n";
      }
    }
  }
  EXPECT_EQ(broken, "");
}

TEST(Code, NamesAreNotVague) { EXPECT_TRUE(keeps(vague_names)); }
TEST(Code, OwnershipIsNotShared) { EXPECT_TRUE(keeps(shared_ownership)); }
TEST(Code, NothingDependsOnHashOrder) { EXPECT_TRUE(keeps(unordered_containers)); }
TEST(Code, RandomnessIsOurOwn) { EXPECT_TRUE(keeps(foreign_randomness)); }
TEST(Code, NamespacesAreNotOpenedWithUsing) { EXPECT_TRUE(keeps(using_namespaces)); }
TEST(Code, NamespacesAreNotNested) { EXPECT_TRUE(keeps(nested_namespaces)); }
TEST(Code, TheEngineKnowsNoHardware) { EXPECT_TRUE(keeps(hardware_words)); }

TEST(Shape, FunctionsStayWithin70Lines) { EXPECT_TRUE(keeps(long_functions)); }
TEST(Shape, FilesStayWithin400LinesAndHeadersWithin150) { EXPECT_TRUE(keeps(long_files)); }

TEST(Gaps, RowsOfDeviationsAndTestsCorrespond) {
  std::string broken;
  for (const Finding& finding : unmatched_gaps(tree())) {
    broken += finding.path + ":" + std::to_string(finding.line) + ": " + finding.what + "\n";
  }
  EXPECT_EQ(broken, "");
}

TEST(Includes, FollowThePicture) { EXPECT_TRUE(keeps(forbidden_includes)); }
TEST(Includes, LibrariesStayInTheirPlaces) { EXPECT_TRUE(keeps(forbidden_libraries)); }

TEST(Includes, NameFilesThatExist) {
  std::string broken;
  for (const SourceFile& file : tree()) {
    for (std::size_t i = 0; is_cpp(file) && i < file.lines.size(); ++i) {
      const std::string path = included(file.lines[i]);
      if (path.empty() || path.front() != '"') continue;
      const auto target = std::filesystem::path(OUTRIDER_SOURCE_DIR) / path.substr(1, path.size() - 2);
      if (!std::filesystem::exists(target)) broken += file.path + ":" + std::to_string(i + 1) + ": " + path + "\n";
    }
  }
  EXPECT_EQ(broken, "");
}

// Every folder that a folder depends on, directly or through another.
std::set<std::string> reachable(const IncludeTable& table, const std::string& folder) {
  std::set<std::string> result;
  std::vector<std::string> open = {folder};
  while (!open.empty()) {
    const auto row = table.find(open.back());
    open.pop_back();
    if (row == table.end()) continue;
    for (const std::string& next : row->second) {
      if (result.insert(next).second) open.push_back(next);
    }
  }
  return result;
}

// The linker and the include rule agree: what is linked may be included (whole or in part), what may be included is
// linked.
TEST(Includes, AgreeWithTheTargetsOfCMake) {
  const IncludeTable targets = cmake_dependencies(text_of("CMakeLists.txt"));
  ASSERT_GT(targets.size(), 5U);
  for (const auto& [folder, linked] : targets) {
    ASSERT_EQ(include_table().count(folder), 1U) << folder << " has no row in the table of rules_include.cpp";
    std::set<std::string> includable;
    for (const std::string& path : include_table().at(folder)) {
      includable.insert(folder_of(path + "/").empty() ? folder_of(path) : folder_of(path + "/"));
    }
    for (const std::string& target : linked) EXPECT_EQ(includable.count(target), 1U) << folder << " links " << target;
    const std::set<std::string> all = reachable(targets, folder);
    includable.erase("kernels/cuda");  // a target in builds with CUDA only
    for (const std::string& target : includable) {
      EXPECT_EQ(all.count(target), 1U) << folder << " may include " << target << " but does not link it";
    }
  }
}

}  // namespace
}  // namespace outrider
