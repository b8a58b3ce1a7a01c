// A file of the tree as the tidy rules see it: its raw lines, its code without comments, its comments alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace outrider {

// The three views have the same lines and columns; what belongs to another view is blank.
struct SourceFile {
  std::string path;                   // from the root of the tree, "sim/base/ticks.h"
  std::vector<std::string> lines;     // as written
  std::vector<std::string> code;      // C++ only: no comments, and nothing between quotes
  std::vector<std::string> comments;  // C++: the comments; elsewhere what follows a '#'
};

SourceFile parse(std::string path, std::string_view text);

// All text files of the tree below `root` that are ours, sorted by path.
std::vector<SourceFile> read_tree(const std::string& root);

bool is_cpp(const SourceFile& file);
bool is_header(const SourceFile& file);
bool is_test(const SourceFile& file);  // under tests/ or benchmarks/
bool starts_with(std::string_view text, std::string_view prefix);
bool ends_with(std::string_view text, std::string_view suffix);

// The path of an #include line, with its quotes or angle brackets; empty if the line is no #include.
std::string included(std::string_view line);

// Identifiers of a line of code, in order, with where they start.
struct Word {
  std::string_view text;
  std::size_t column;
};
std::vector<Word> words(std::string_view code_line);

}  // namespace outrider
