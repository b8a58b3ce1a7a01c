// Rules about size: finds functions by their braces, since no compiler is at hand.
#include <algorithm>
#include <array>
#include <cctype>

#include "tests/tidy/rules.h"

namespace outrider {
namespace {

constexpr std::size_t kFunctionLines = 70;
constexpr std::size_t kHeaderLines = 150;
constexpr std::size_t kFileLines = 400;

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \n") + 1 - first));
}

// `template <…>` taken off, so that its `class` does not count.
std::string without_template(std::string text) {
  while (starts_with(text, "template")) {
    std::size_t at = text.find('<');
    for (int depth = 0; at < text.size(); ++at) {
      depth += text[at] == '<' ? 1 : text[at] == '>' ? -1 : 0;
      if (depth == 0) break;
    }
    text = trimmed(std::string_view(text).substr(std::min(at + 1, text.size())));
  }
  return text;
}

// What a brace opens, by the text between it and the statement before.
enum class Opens { scope, function, member, other };

// True behind `Name(…) : member`, where the brace initialises the member.
bool initialises_member(std::string_view head) {
  const char last = head.empty() ? ' ' : head.back();
  const bool behind_name = std::isalnum(static_cast<unsigned char>(last)) != 0 || last == '_' || last == '>';
  if (!behind_name) return false;
  for (std::size_t i = head.find(')'); i != std::string_view::npos && i + 1 < head.size(); ++i) {
    if (head[i] == ':' && head[i + 1] != ':' && head[i - 1] != ':') return true;
  }
  return false;
}

Opens opened_by(std::string_view raw_head) {
  const std::string head = without_template(trimmed(raw_head));
  const std::vector<Word> in_head = words(head);
  if (in_head.empty()) return Opens::other;
  constexpr std::array kScopes = {"namespace", "class", "struct", "union", "enum", "extern"};
  const std::size_t first = in_head[0].text == "inline" || in_head[0].text == "typedef" ? 1 : 0;
  for (const char* scope : kScopes) {
    if (first < in_head.size() && in_head[first].text == scope) return Opens::scope;
  }
  if (head.find('(') == std::string::npos || head.back() == '=' || head.back() == ',') return Opens::other;
  return initialises_member(head) ? Opens::member : Opens::function;
}

// Walks code and notes each function at namespace or class scope.
class FunctionFinder {
 public:
  void feed(char c) {
    line_ += c == '\n' ? 1 : 0;
    if (depth_ > 0) return inside(c);
    if (c == '(') ++parentheses_;
    if (c == ')') --parentheses_;
    if (parentheses_ > 0 || (c != '{' && c != '}' && c != ';')) return remember(c);
    if (c == '{') return open();
    clear();
  }
  std::vector<Function> found;

 private:
  // Within a function or initialiser only the matching brace counts.
  void inside(char c) {
    depth_ += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (depth_ > 0) return;
    if (opened_ == Opens::function) found.push_back({first_line_, line_});
    if (opened_ == Opens::member) {
      head_ += ")";
    } else {
      clear();
    }
  }

  void open() {
    opened_ = opened_by(head_);
    if (opened_ == Opens::scope) {
      clear();
    } else {
      depth_ = 1;
    }
  }

  void remember(char c) {
    if (head_.empty() && (c == ' ' || c == '\n')) return;
    if (head_.empty()) first_line_ = line_;
    head_ += c;
    if (head_ == "public:" || head_ == "protected:" || head_ == "private:") clear();
  }

  void clear() {
    head_.clear();
    parentheses_ = 0;
  }

  std::string head_;
  std::size_t line_ = 1, first_line_ = 1;
  int depth_ = 0, parentheses_ = 0;
  Opens opened_ = Opens::other;
};

Findings too_long(const SourceFile& file, std::size_t limit) {
  if (file.lines.size() <= limit) return {};
  return {{file.path, file.lines.size(), std::to_string(file.lines.size()) + " lines, limit " + std::to_string(limit)}};
}

}  // namespace

std::vector<Function> functions(const SourceFile& file) {
  FunctionFinder finder;
  bool directive = false;  // directives, with their continuation lines, hold no braces of functions
  for (const std::string& line : file.code) {
    directive = directive || starts_with(trimmed(line), "#");
    if (!directive) {
      for (const char c : line) finder.feed(c);
    }
    finder.feed('\n');
    directive = directive && ends_with(line, "\\");
  }
  return finder.found;
}

Findings long_functions(const SourceFile& file) {
  Findings findings;
  for (const Function& function : functions(file)) {
    const std::size_t size = function.last - function.first + 1;
    if (size > kFunctionLines) {
      findings.push_back({file.path, function.first, "function of " + std::to_string(size) + " lines"});
    }
  }
  return findings;
}

Findings long_files(const SourceFile& file) {
  return is_cpp(file) ? too_long(file, is_header(file) ? kHeaderLines : kFileLines) : Findings{};
}

}  // namespace outrider
