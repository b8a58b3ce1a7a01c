// The rules themselves: each can fail, and none fails on what only looks like a breach.
#include "tests/tidy/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::size_t> lines_of(const Findings& findings) {
  std::vector<std::size_t> lines;
  for (const Finding& finding : findings) lines.push_back(finding.line);
  return lines;
}

std::vector<std::size_t> broken(Rule rule, std::string_view text, std::string path = "sim/base/sample.cpp") {
  return lines_of(rule(parse(std::move(path), text)));
}

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(Views, CommentsAndQuotesAreNotCode) {
  const SourceFile file = parse("a.cpp", "int a; // b\nchar c = '\"'; f(\"d // e\"); /* g\nh */ i;\n");
  EXPECT_THAT(file.code, ElementsAre("int a;     ", "char c = ' '; f(\"      \");     ", "     i;"));
  EXPECT_THAT(file.comments, ElementsAre("       // b", "                           /* g", "h */   "));
}

TEST(Views, RawStringsAndDigitSeparatorsDoNotOpenQuotes) {
  const SourceFile file = parse("a.cpp", "auto r = R\"x(\" // )\" )x\"; int n = 1'000; // end\n");
  EXPECT_EQ(file.comments[0], std::string(41, ' ') + "// end");
  EXPECT_NE(file.code[0].find("int n = 1'000;"), std::string::npos);
}

TEST(TextRules, TrailingWhitespaceIsFound) {
  EXPECT_THAT(broken(trailing_whitespace, "a;\nb; \nc;\r\n"), ElementsAre(2, 3));
}

TEST(TextRules, TabsAreFoundButInTheMakefile) {
  EXPECT_THAT(broken(tabs, "\ta\n"), ElementsAre(1));
  EXPECT_THAT(broken(tabs, "\ta\n", "Makefile"), IsEmpty());
}

TEST(TextRules, ColumnsAreCountedInCharacters) {
  EXPECT_THAT(broken(long_lines, std::string(120, 'a') + "\n" + std::string(121, 'a')), ElementsAre(2));
  EXPECT_THAT(broken(long_lines, repeated("µ", 120)), IsEmpty());
  EXPECT_THAT(broken(long_lines, repeated("µ", 121)), ElementsAre(1));
  EXPECT_THAT(broken(long_lines, std::string(500, 'a'), "README.md"), IsEmpty());
}

TEST(TextRules, APurposeIsASentenceInAComment) {
  EXPECT_THAT(broken(missing_purpose, "// Simulated time in whole picoseconds.\n"), IsEmpty());
  EXPECT_THAT(broken(missing_purpose, "#pragma once\n// Simulated time in whole picoseconds.\n"), ElementsAre(1));
  EXPECT_THAT(broken(missing_purpose, "// ticks.h\n"), ElementsAre(1));
  EXPECT_THAT(broken(missing_purpose, ""), ElementsAre(1));
  EXPECT_THAT(broken(missing_purpose, "#!/bin/sh\n# Installs what is missing.\n", "scripts/install"), IsEmpty());
  EXPECT_THAT(broken(missing_purpose, "#!/bin/sh\nset -eu\n", "scripts/install"), ElementsAre(2));
}

TEST(TextRules, HeadersNeedPragmaOnce) {
  EXPECT_THAT(broken(missing_pragma_once, "int a;\n", "sim/base/a.h"), ElementsAre(1));
  EXPECT_THAT(broken(missing_pragma_once, "// A.\n#pragma once\n", "sim/base/a.h"), IsEmpty());
  EXPECT_THAT(broken(missing_pragma_once, "int a;\n"), IsEmpty());
}

TEST(TextRules, BannersAreFoundInCommentsOnly) {
  EXPECT_THAT(broken(banners, "// ---- Parts ----\n//////\n// a -> b --- c\nint a = b - --c;\nf(\"----\");\n"),
              ElementsAre(1, 2));
  EXPECT_THAT(broken(banners, "# ====\n---\na: 1\n", "scenarios/a.yaml"), ElementsAre(1));
}

TEST(TextRules, UnfinishedMarksAreFound) {
  EXPECT_THAT(broken(unfinished_marks,
                     "// TO"
                     "DO: more\n// mastodons\n// FIX"
                     "ME\n"),
              ElementsAre(1, 3));
  EXPECT_THAT(broken(unfinished_marks,
                     "text\nTO"
                     "DO\n",
                     "README.md"),
              ElementsAre(2));
}

TEST(TextRules, PathsOfOneMachineAreFound) {
  EXPECT_THAT(broken(machine_paths,
                     "f(\"/ho"
                     "me/me/a\");\n// see /tm"
                     "p/x\n"),
              ElementsAre(1, 2));
  EXPECT_THAT(broken(machine_paths,
                     "// net/wo"
                     "rk/x and {0}/tm"
                     "p/x and /usr/include\n"),
              IsEmpty());
}

TEST(TextRules, LinksWithinTheTreeAreFound) {
  const std::vector<Link> found =
      links(parse("README.md", "[a](sim/a.h) and [b](https://b.org), [c](d.md#e)\n[f](#g)\n[h](i)\n"));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].target, "sim/a.h");
  EXPECT_EQ(found[1].target, "d.md");
  EXPECT_EQ(found[2].line, 3U);
}

TEST(CodeRules, VagueNamesAreFound) {
  EXPECT_THAT(broken(vague_names, "class LaneManager;\nclass SpanHelper;\nint string_utils;\nstruct StateImpl;\n"),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(broken(vague_names, "double utilisation, implied, manager_id;\n// a Helper\n"), IsEmpty());
  EXPECT_THAT(broken(vague_names, "int a;\n", "sim/base/file_utils.cpp"), ElementsAre(1));
}

TEST(CodeRules, SharedOwnershipIsFound) {
  EXPECT_THAT(broken(shared_ownership, "std::shared_ptr<int> a;\nauto b = std::make_shared<int>(1);\n// shared_ptr\n"),
              ElementsAre(1, 2));
}

TEST(CodeRules, UnorderedContainersNeedAnExcuse) {
  constexpr std::string_view kText =
      "#include <unordered_map>\nstd::unordered_map<int, int> a;\nstd::unordered_set<int> b;  // order never "
      "observed\n";
  EXPECT_THAT(broken(unordered_containers, kText), ElementsAre(2));
  EXPECT_THAT(broken(unordered_containers, kText, "tests/sim/base/a_test.cpp"), IsEmpty());
}

TEST(CodeRules, ForeignRandomnessIsFound) {
  EXPECT_THAT(broken(foreign_randomness, "std::mt19937 a;\nstd::normal_distribution<> b;\nint c = rand();\n"),
              ElementsAre(1, 2, 3));
  EXPECT_THAT(broken(foreign_randomness, "int rand = 1;\nint operand(int);\ndouble size_distribution();\n"), IsEmpty());
}

TEST(CodeRules, UsingNamespaceIsFoundButForUnitsInAFunction) {
  EXPECT_THAT(broken(using_namespaces, "using namespace std;\nusing namespace units;\n  using namespace units;\n"),
              ElementsAre(1, 2));
  EXPECT_THAT(broken(using_namespaces, "using testing::Each;\n  using namespace std::chrono;\n"), ElementsAre(2));
}

TEST(CodeRules, NestedNamespacesAreFound) {
  EXPECT_THAT(broken(nested_namespaces,
                     "namespace outrider {\nnamespace {\nnamespace units {\nnamespace fs = std::filesystem;\n"),
              IsEmpty());
  EXPECT_THAT(broken(nested_namespaces, "namespace outrider::engine {\nnamespace detail {\n"), ElementsAre(1, 2));
}

TEST(CodeRules, HardwareWordsAreFoundInTheEngine) {
  constexpr std::string_view kText =
      "int pcie_lanes;\nint sm_slots;\n#include \"hwmodels/gpu.h\"\nint plasm_a; // GPU\n";
  EXPECT_THAT(broken(hardware_words, kText, "sim/engine/a.cpp"), ElementsAre(1, 2, 3));
  EXPECT_THAT(broken(hardware_words, kText, "hwmodels/a.cpp"), IsEmpty());
}

std::vector<std::pair<std::size_t, std::size_t>> functions_in(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> result;
  for (const Function& function : functions(parse("sim/base/sample.cpp", text))) {
    result.emplace_back(function.first, function.last);
  }
  return result;
}

using testing::Pair;

TEST(Functions, AreFoundAtNamespaceAndClassScope) {
  EXPECT_THAT(functions_in("namespace a {\nint f(int x) {\n  if (x) { return 1; }\n  return 0;\n}\n"
                           "class C : public B<int(int)> {\n public:\n  int g() const { return 1; }\n};\n}\n"),
              ElementsAre(Pair(2, 5), Pair(8, 8)));
}

TEST(Functions, BeginWithTheirSignature) {
  EXPECT_THAT(functions_in("template <class T>\nT f(\n    T a) {\n  return a;\n}\n"), ElementsAre(Pair(1, 5)));
}

TEST(Functions, SurviveInitialisersAndDefaults) {
  EXPECT_THAT(
      functions_in("C::C(int a = {}, B b = B{1})\n    : a_{a}, b_(b), c_{1} {\n  f();\n}\nint g() { return 1; }\n"),
      ElementsAre(Pair(1, 4), Pair(5, 5)));
}

TEST(Functions, AreNotTablesDeclarationsOrMacros) {
  EXPECT_THAT(
      functions_in(
          "#define CHECK(c) \\\n  do { \\\n  } while (c)\nint f(int);\nconstexpr A kTable[] = {\n{1, f(2)},\n};\n"
          "struct S {\n  int a = 0;\n  std::vector<int> b{};\n};\nenum class E { a, b };\n"),
      IsEmpty());
}

TEST(Functions, BracesInQuotesDoNotCount) {
  EXPECT_THAT(functions_in("int f() {\n  g(\"}\", '}');  // }\n  return 1;\n}\n"), ElementsAre(Pair(1, 4)));
}

TEST(ShapeRules, LongFunctionsAreFound) {
  const auto function = [](int lines) { return "int f() {\n" + repeated("  g();\n", lines - 2) + "}\n"; };
  EXPECT_THAT(broken(long_functions, function(70)), IsEmpty());
  EXPECT_THAT(broken(long_functions, "\n" + function(71)), ElementsAre(2));
}

TEST(ShapeRules, LongFilesAreFound) {
  EXPECT_THAT(broken(long_files, repeated("a;\n", 400)), IsEmpty());
  EXPECT_THAT(broken(long_files, repeated("a;\n", 401)), ElementsAre(401));
  EXPECT_THAT(broken(long_files, repeated("a;\n", 150), "sim/base/a.h"), IsEmpty());
  EXPECT_THAT(broken(long_files, repeated("a;\n", 151), "sim/base/a.h"), ElementsAre(151));
}

TEST(IncludeRules, TheWaistHolds) {
  EXPECT_THAT(broken(forbidden_includes, "#include \"sim/engine/sim_backend.h\"\n", "sim/methods/a.cpp"),
              ElementsAre(1));
  EXPECT_THAT(broken(forbidden_includes, "#include \"hwmodels/machine_model.h\"\n", "sim/methods/a.cpp"),
              ElementsAre(1));
  EXPECT_THAT(broken(forbidden_includes, "#include \"sim/spec/machine.h\"\n", "sim/engine/a.cpp"), ElementsAre(1));
  EXPECT_THAT(broken(forbidden_includes, "#include \"kernels/real_backend.h\"\n", "hwmodels/a.cpp"), ElementsAre(1));
  EXPECT_THAT(broken(forbidden_includes, "#include \"sim/spec/model.h\"\n#include <vector>\n", "sim/methods/a.cpp"),
              IsEmpty());
}

TEST(IncludeRules, HardwareModelsSeeOneHeaderOfTheEngine) {
  constexpr std::string_view kText = "#include \"sim/engine/demand.h\"\n#include \"sim/engine/sim_backend.h\"\n";
  EXPECT_THAT(broken(forbidden_includes, kText, "hwmodels/a.cpp"), ElementsAre(2));
}

TEST(IncludeRules, PathsStartAtTheRoot) {
  EXPECT_THAT(broken(forbidden_includes, "#include \"ticks.h\"\n#include \"../base/ticks.h\"\n"), ElementsAre(1, 2));
}

TEST(IncludeRules, LibrariesHaveTheirPlaces) {
  const std::string yaml = "#include <yaml-cpp/yaml.h>\n";
  EXPECT_THAT(broken(forbidden_libraries, yaml, "sim/study/a.cpp"), ElementsAre(1));
  EXPECT_THAT(broken(forbidden_libraries, yaml, "sim/io/a.cpp"), IsEmpty());
  EXPECT_THAT(broken(forbidden_libraries, yaml, "hwmodels/profile_reader.cpp"), IsEmpty());
  const std::string graph = "#include <boost/graph/adjacency_list.hpp>\n";
  EXPECT_THAT(broken(forbidden_libraries, graph, "sim/graph/task_graph.cpp"), ElementsAre(1));
  EXPECT_THAT(broken(forbidden_libraries, graph, "sim/graph/algorithms.cpp"), IsEmpty());
  EXPECT_THAT(broken(forbidden_libraries, "#include <boost/program_options.hpp>\n", "sim/cli/main.cpp"),
              ElementsAre(1));
  EXPECT_THAT(broken(forbidden_libraries, "#include <cuda_runtime.h>\n", "hwmodels/gpu.cpp"), ElementsAre(1));
  EXPECT_THAT(broken(forbidden_libraries, "#include <cuda_runtime.h>\n", "kernels/cuda/a.cu"), IsEmpty());
}

TEST(IncludeRules, TheTargetsOfCMakeAreRead) {
  const IncludeTable table =
      cmake_dependencies("# x\noutrider_module(a)\noutrider_module(b/c DEPENDS a\n                LIBRARIES x::y)\n");
  EXPECT_THAT(table, ElementsAre(Pair("a", IsEmpty()), Pair("b/c", ElementsAre("a"))));
}

// A test of a gap, and a table whose rows name gaps.
SourceFile gap_test(const std::string& name) {
  return parse("tests/sim/base/gaps_test.cpp", "// A gap.\nTEST(KnownGap, " + name + ") {}\n");
}
SourceFile gap_table(const std::string& rows) {
  return parse("DEVIATIONS.md", "# Deviations\n\n| what | test |\n| --- | --- |\n" + rows);
}

TEST(GapRules, RowsAndTestsThatCorrespondPass) {
  EXPECT_THAT(unmatched_gaps({gap_table("| a | `KnownGap.A` |\n"), gap_test("A")}), IsEmpty());
  EXPECT_THAT(unmatched_gaps({parse("sim/a.cpp", "TEST(KnownGap, B) {}"), parse("a.md", "`KnownGap.C`")}), IsEmpty());
}

TEST(GapRules, ATestWithoutARowIsFound) {
  const Findings found = unmatched_gaps({gap_table("| a | `KnownGap.A` |\n"), gap_test("A"), gap_test("B")});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "B has not one row");
  EXPECT_EQ(found[0].line, 2U);
}

TEST(GapRules, ARowWithoutATestIsFound) {
  EXPECT_THAT(lines_of(unmatched_gaps({gap_table("| a | `KnownGap.A` |\n| b | `KnownGap.B` |\n"), gap_test("A")})),
              ElementsAre(6));
  EXPECT_THAT(lines_of(unmatched_gaps({gap_table("| a | none |\n| b | `KnownGap.A` |\n"), gap_test("A")})),
              ElementsAre(5));
}

TEST(GapRules, ANameThatStandsTwiceIsFound) {
  const std::string row = "| a | `KnownGap.A` |\n";
  EXPECT_EQ(unmatched_gaps({gap_table(row + row), gap_test("A")}).size(), 1U);
  EXPECT_EQ(unmatched_gaps({gap_table(row), gap_test("A"), gap_test("A")}).size(), 1U);
  EXPECT_EQ(unmatched_gaps({gap_table("| a | `KnownGap.A` and `KnownGap.B` |\n"), gap_test("A")}).size(), 2U);
}

}  // namespace
}  // namespace outrider
