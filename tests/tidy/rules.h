// The rules of the tree as functions from a file to what breaks them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source_file.h"

namespace outrider {

struct Finding {
  std::string path;
  std::size_t line = 0;  // from 1
  std::string what;
};
using Findings = std::vector<Finding>;
using Rule = Findings (*)(const SourceFile&);

// Text
Findings trailing_whitespace(const SourceFile& file);
Findings tabs(const SourceFile& file);        // but in the Makefile
Findings long_lines(const SourceFile& file);  // C++, CMake, scripts; columns are characters, not bytes
Findings missing_purpose(const SourceFile& file);
Findings missing_pragma_once(const SourceFile& file);
Findings banners(const SourceFile& file);
Findings unfinished_marks(const SourceFile& file);
Findings machine_paths(const SourceFile& file);

// What a text in Markdown links to within the tree.
struct Link {
  std::string target;
  std::size_t line = 0;
};
std::vector<Link> links(const SourceFile& file);

// Code
Findings vague_names(const SourceFile& file);
Findings shared_ownership(const SourceFile& file);
Findings unordered_containers(const SourceFile& file);  // in sim/ and hwmodels/
Findings foreign_randomness(const SourceFile& file);
Findings using_namespaces(const SourceFile& file);   // but `units`, indented
Findings nested_namespaces(const SourceFile& file);  // but `units` and unnamed ones
Findings hardware_words(const SourceFile& file);     // in sim/engine/

// Shape
struct Function {
  std::size_t first = 0, last = 0;  // lines from 1, signature to closing brace
};
std::vector<Function> functions(const SourceFile& file);
Findings long_functions(const SourceFile& file);
Findings long_files(const SourceFile& file);

// Includes. A folder may include itself and what the table lists: a folder ("sim/base") or a file
// ("sim/engine/demand.h").
using IncludeTable = std::map<std::string, std::set<std::string>, std::less<>>;
const IncludeTable& include_table();
std::string folder_of(std::string_view path);  // "sim/base" of "sim/base/ticks.h"; empty outside the table's folders
Findings forbidden_includes(const SourceFile& file);
Findings forbidden_libraries(const SourceFile& file);
// outrider_module(folder DEPENDS …) of CMakeLists.txt.
IncludeTable cmake_dependencies(std::string_view cmake_lists);

// Known gaps: tests of the suite KnownGap, and rows of tables in DEVIATIONS.md, which name one each.
struct KnownGap {
  std::string name, path;
  std::size_t line = 0;
};
std::vector<KnownGap> gap_tests(const SourceFile& file);
Findings gap_rows(const SourceFile& file, std::vector<KnownGap>& rows);  // what is found are rows without a test
Findings unmatched_gaps(const std::vector<SourceFile>& files);           // rows and tests that are not one to one

}  // namespace outrider
