// Rules about known gaps: each row of DEVIATIONS.md names a test that fails once its gap is closed, and each such test
// has a row.
#include <algorithm>
#include <utility>

#include "tests/tidy/rules.h"

namespace outrider {
namespace {

constexpr std::string_view kSuite = "KnownGap";

bool is_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The names behind "KnownGap." in a line.
std::vector<std::string> named_in(std::string_view line) {
  const std::string prefix = std::string(kSuite) + ".";
  std::vector<std::string> names;
  for (std::size_t at = line.find(prefix); at != std::string_view::npos; at = line.find(prefix, at + 1)) {
    const std::size_t begin = at + prefix.size();
    std::size_t end = begin;
    while (end < line.size() && is_identifier(line[end])) ++end;
    names.emplace_back(line.substr(begin, end - begin));
  }
  return names;
}

bool is_separator(std::string_view row) { return row.find_first_not_of("|-: ") == std::string_view::npos; }

}  // namespace

std::vector<KnownGap> gap_tests(const SourceFile& file) {
  std::vector<KnownGap> gaps;
  for (std::size_t i = 0; is_cpp(file) && is_test(file) && i < file.code.size(); ++i) {
    const std::vector<Word> line = words(file.code[i]);
    if (line.size() >= 3 && starts_with(line[0].text, "TEST") && line[1].text == kSuite)
      gaps.push_back({std::string(line[2].text), file.path, i + 1});
  }
  return gaps;
}

Findings gap_rows(const SourceFile& file, std::vector<KnownGap>& rows) {
  Findings findings;
  bool heading = true;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (!starts_with(line, "|")) {
      heading = true;  // of the next table
      continue;
    }
    if (std::exchange(heading, false) || is_separator(line)) continue;
    const std::vector<std::string> names = named_in(line);
    if (names.size() != 1) {
      findings.push_back({file.path, i + 1, "a row names one test of " + std::string(kSuite)});
    } else {
      rows.push_back({names.front(), file.path, i + 1});
    }
  }
  return findings;
}

Findings unmatched_gaps(const std::vector<SourceFile>& files) {
  std::vector<KnownGap> tests, rows;
  Findings findings;
  for (const SourceFile& file : files) {
    const std::vector<KnownGap> found = gap_tests(file);
    tests.insert(tests.end(), found.begin(), found.end());
    if (file.path != "DEVIATIONS.md") continue;
    const Findings broken = gap_rows(file, rows);
    findings.insert(findings.end(), broken.begin(), broken.end());
  }
  const auto once_in = [&](const std::vector<KnownGap>& all, const KnownGap& gap) {
    return std::count_if(all.begin(), all.end(), [&](const KnownGap& each) { return each.name == gap.name; }) == 1;
  };
  for (const KnownGap& test : tests) {
    if (!once_in(rows, test)) findings.push_back({test.path, test.line, test.name + " has not one row"});
  }
  for (const KnownGap& row : rows) {
    if (!once_in(tests, row)) findings.push_back({row.path, row.line, row.name + " is not one test"});
  }
  return findings;
}

}  // namespace outrider
