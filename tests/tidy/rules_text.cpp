// Rules about the text of a file, whatever its language.
#include <algorithm>
#include <array>

#include "tests/tidy/rules.h"

namespace outrider {
namespace {

constexpr std::size_t kColumns = 120;

// One finding for each line of a view that `broken` answers with a description.
template <typename Broken>
Findings each_line(const SourceFile& file, const std::vector<std::string>& view, Broken broken) {
  Findings findings;
  for (std::size_t i = 0; i < view.size(); ++i) {
    const std::string what = broken(view[i]);
    if (!what.empty()) findings.push_back({file.path, i + 1, what});
  }
  return findings;
}

// UTF-8 continuation bytes take no column.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_cmake(const SourceFile& file) {
  return ends_with(file.path, ".cmake") || ends_with(file.path, "CMakeLists.txt");
}
bool is_script(const SourceFile& file) {
  return starts_with(file.path, "scripts/") || starts_with(file.path, ".ci/") || file.path == "Makefile";
}
bool is_prose(const SourceFile& file) { return ends_with(file.path, ".md"); }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The longest run of one rule-drawing character.
std::size_t longest_rule(std::string_view line) {
  constexpr std::string_view kDrawing = "=-#*/~_+";
  std::size_t longest = 0, run = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool drawing = kDrawing.find(line[i]) != std::string_view::npos;
    run = !drawing ? 0 : (i > 0 && line[i] == line[i - 1] ? run + 1 : 1);
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace

Findings trailing_whitespace(const SourceFile& file) {
  return each_line(file, file.lines, [](const std::string& line) {
    return !line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r') ? "trailing whitespace"
                                                                                               : "";
  });
}

Findings tabs(const SourceFile& file) {
  if (file.path == "Makefile") return {};
  return each_line(file, file.lines,
                   [](const std::string& line) { return line.find('\t') != std::string::npos ? "tab" : ""; });
}

Findings long_lines(const SourceFile& file) {
  if (!is_cpp(file) && !is_cmake(file) && !is_script(file)) return {};
  return each_line(file, file.lines, [](const std::string& line) {
    const std::size_t width = columns(line);
    return width > kColumns ? std::to_string(width) + " columns" : std::string();
  });
}

Findings missing_purpose(const SourceFile& file) {
  if (!is_cpp(file) && !is_cmake(file) && !is_script(file)) return {};
  const bool shebang = !file.lines.empty() && starts_with(file.lines[0], "#!");
  const std::size_t at = shebang ? 1 : 0;
  const std::string_view mark = is_cpp(file) ? "// " : "# ";
  const std::string_view line = at < file.lines.size() ? std::string_view(file.lines[at]) : std::string_view();
  constexpr std::size_t kShortest = 12;
  const bool says = starts_with(line, mark) && line.size() >= mark.size() + kShortest &&
                    (is_letter(line[mark.size()]) || line[mark.size()] == '`');
  if (says) return {};
  return {{file.path, at + 1, "the first line does not say in a sentence what the file is for"}};
}

Findings missing_pragma_once(const SourceFile& file) {
  if (!is_header(file)) return {};
  const auto found = std::find(file.lines.begin(), file.lines.end(), "#pragma once");
  return found == file.lines.end() ? Findings{{file.path, 1, "header without #pragma once"}} : Findings{};
}

Findings banners(const SourceFile& file) {
  if (is_prose(file) || ends_with(file.path, ".json")) return {};
  return each_line(file, file.comments,
                   [](const std::string& comment) { return longest_rule(comment) >= 4 ? "banner" : ""; });
}

Findings unfinished_marks(const SourceFile& file) {
  constexpr std::array kMarks = {
      "TO"
      "DO",
      "FIX"
      "ME",
      "XX"
      "X",
      "HA"
      "CK"};
  const auto& view = is_prose(file) ? file.lines : file.comments;
  return each_line(file, view, [&](const std::string& line) {
    for (const Word& word : words(line)) {
      for (const char* mark : kMarks) {
        if (word.text == mark) return std::string(mark);
      }
    }
    return std::string();
  });
}

std::vector<Link> links(const SourceFile& file) {
  std::vector<Link> result;
  for (std::size_t i = 0; is_prose(file) && i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    for (std::size_t at = line.find("]("); at != std::string::npos; at = line.find("](", at + 1)) {
      const std::string target = line.substr(at + 2, line.find_first_of("#)", at + 2) - at - 2);
      if (!target.empty() && target.find("://") == std::string::npos) result.push_back({target, i + 1});
    }
  }
  return result;
}

Findings machine_paths(const SourceFile& file) {
  constexpr std::array kRoots = {
      "/ho"
      "me/",
      "/wo"
      "rk/",
      "/tm"
      "p/",
      "/ro"
      "ot/",
      "/Us"
      "ers/",
      "/mn"
      "t/"};
  return each_line(file, file.lines, [&](const std::string& line) {
    for (const char* root : kRoots) {
      const std::size_t at = line.find(root);
      if (at == std::string::npos) continue;
      const char before = at == 0 ? ' ' : line[at - 1];
      if (!is_letter(before) && before != '.' && before != '_' && before != '}')
        return "a path of one machine: " + std::string(root);
    }
    return std::string();
  });
}

}  // namespace outrider
