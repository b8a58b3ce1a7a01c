// `outrider fidelity` as a user runs it: what it says of its data, what it refuses, and its files.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace outrider {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

std::string contents(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

struct Outcome {
  int code = -1;
  std::string out, error;
};

class FidelityProgram : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("outrider_fidelity_test_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Outcome run(const std::string& arguments) const {
    const std::string line = fmt::format("cd '{0}' && OUTRIDER_HOME='{1}' '{2}' {3} >'{0}/out' 2>'{0}/error'",
                                         folder_.string(), OUTRIDER_SOURCE_DIR, OUTRIDER_PROGRAM, arguments);
    const int status = std::system(line.c_str());
    return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = contents(folder_ / "out"),
            .error = contents(folder_ / "error")};
  }

  fs::path folder_;
};

TEST_F(FidelityProgram, SaysThatItsHeadsAreSynthetic) {
  const Outcome outcome =
      run("fidelity --contexts 1k --seeds 1 --heads diffuse --methods top_k,window --budgets 5%,256 --out files");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, StartsWith("Synthetic heads, no model"));
  EXPECT_THAT(contents(folder_ / "files/fidelity.csv"),
              HasSubstr("\nsynthetic,synthetic,1,1,scalar,top_k,top_k,diffuse,1024,51,"));
  EXPECT_THAT(contents(folder_ / "files/heads.csv"), HasSubstr("\nsynthetic,"));
}

TEST_F(FidelityProgram, NamesWhatAStudyLacks) {
  const Outcome outcome = run("fidelity --methods topk --budgets half");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("--budgets: budgets: expected tokens, or percent of the context"));
  EXPECT_THAT(run("fidelity --methods topk").error,
              HasSubstr("--methods: the study has no 'topk', did you mean 'top_k'?"));
}

TEST_F(FidelityProgram, LiesBesideAScenariosSpeed) {
  const Outcome outcome = run(
      "fidelity --speed examples/quick --methods full_kv,scout --heads diffuse --seeds 1 --set steps=2 --out files");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("tokens/s"));
  EXPECT_THAT(contents(folder_ / "files/speed.csv"), HasSubstr(",scout,scout,"));
  EXPECT_EQ(run("fidelity --speed examples/quick --methods hgca").code, 2) << "the scenario has none";
}

}  // namespace
}  // namespace outrider
