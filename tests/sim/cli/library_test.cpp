// Shipped files are found from the environment, the program or the current folder.
#include "sim/cli/library.h"

#include <gtest/gtest.h>

#include <fstream>

namespace outrider {
namespace {

namespace fs = std::filesystem;

class LibraryTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() / (std::string("outrider_library_test_") + test->name());
    fs::remove_all(root_);
    for (const char* file :
         {"scenarios/paper/scout.yaml", "scenarios/examples/first.yaml", "scenarios/top.yaml",
          "scenarios/paper/notes.txt", "scenarios/models/qwen3-14b.json", "scenarios/machines/a100.yaml",
          "scenarios/profiles/generic.yaml", "calibration/data/h200/profile.yaml", "calibration/data/h200/other.yaml",
          "build/release/outrider"}) {
      fs::create_directories((root_ / file).parent_path());
      std::ofstream(root_ / file) << "x";
    }
  }
  void TearDown() override { fs::remove_all(root_); }

  std::vector<std::string> names(const std::vector<ShippedFile>& files) const {
    std::vector<std::string> result;
    for (const ShippedFile& file : files) result.push_back(file.name);
    return result;
  }

  fs::path root_;
};

using Names = std::vector<std::string>;

TEST_F(LibraryTest, IsFoundUpwardsFromTheProgram) {
  const auto library = find_library({.home = {}, .executable = root_ / "build/release/outrider", .current = "/"});
  ASSERT_TRUE(library.has_value());
  EXPECT_EQ(library->root(), root_);
}

TEST_F(LibraryTest, IsFoundUpwardsFromTheCurrentFolderWhereTheProgramIsElsewhere) {
  const auto library =
      find_library({.home = {}, .executable = "/usr/bin/outrider", .current = root_ / "calibration/data"});
  ASSERT_TRUE(library.has_value());
  EXPECT_EQ(library->root(), root_);
}

TEST_F(LibraryTest, OutriderHomeIsTheOnlyPlaceWhereItIsSet) {
  EXPECT_EQ(find_library({.home = root_.string(), .executable = {}, .current = "/"})->root(), root_);
  EXPECT_FALSE(find_library({.home = "/nowhere", .executable = root_ / "build/release/outrider", .current = root_}));
}

TEST_F(LibraryTest, ListsAreSortedAndOfOneKind) {
  const Library library(root_);
  EXPECT_EQ(names(library.scenarios()), (Names{"examples/first", "paper/scout", "top"}));
  EXPECT_EQ(names(library.models()), Names{"qwen3-14b"});
  EXPECT_EQ(names(library.machines()), Names{"a100"});
  EXPECT_EQ(names(library.profiles()), (Names{"data/h200", "generic"}));
}

TEST_F(LibraryTest, AScenarioIsAFileOrAShippedName) {
  const Library library(root_);
  const std::string file = (root_ / "scenarios/top.yaml").string();
  EXPECT_EQ(std::get<fs::path>(find_scenario(file, library)), file);
  EXPECT_EQ(std::get<fs::path>(find_scenario("paper/scout", library)), root_ / "scenarios/paper/scout.yaml");
}

TEST_F(LibraryTest, AnUnknownScenarioNamesTheNearest) {
  const Library library(root_);
  EXPECT_EQ(std::get<std::string>(find_scenario("paper/scuot", library)),
            "no file and no shipped scenario is called 'paper/scuot', did you mean 'paper/scout'?");
  EXPECT_EQ(std::get<std::string>(find_scenario("first", library)),
            "no file and no shipped scenario is called 'first', did you mean 'examples/first'?");
  EXPECT_EQ(std::get<std::string>(find_scenario("zzz", library)), "no file and no shipped scenario is called 'zzz'");
  EXPECT_EQ(std::get<std::string>(find_scenario(root_.string(), library)),
            "'" + root_.string() + "': expected a file, got a folder");
  EXPECT_EQ(std::get<std::string>(find_scenario("zzz", std::nullopt)),
            "no file and no shipped scenario is called 'zzz' (no folder scenarios/ found; set OUTRIDER_HOME)");
}

}  // namespace
}  // namespace outrider
