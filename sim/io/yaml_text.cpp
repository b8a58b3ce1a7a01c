// Checks of raw text, with lines and columns for messages.
#include "sim/io/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "sim/io/yaml_node.h"

namespace outrider {
namespace {

// Bytes of the UTF-8 sequence at the front, as in RFC 3629; 0 where there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second >= 0xa0;
  const bool beyond = lead == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

std::size_t first_bad_byte(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

// The first tab among the blanks that open a line with something on it.
std::size_t first_indenting_tab(std::string_view text) {
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = std::min(text.find('\n', line), text.size());
    const std::size_t content = text.find_first_not_of(" \t\r", line);
    const std::size_t tab = text.find('\t', line);
    if (content < end && tab < content && text[content] != '#') return tab;
    line = end + 1;
  }
  return std::string_view::npos;
}

// The bracket that opens one level too many. Brackets within texts count too, but those close again or are few.
std::size_t first_bracket_too_deep(std::string_view text) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '[' || text[at] == '{') ++depth;
    if ((text[at] == ']' || text[at] == '}') && depth > 0) --depth;
    if (depth > kMaxYamlDepth) return at;
  }
  return std::string_view::npos;
}

class Checker {
 public:
  Checker(std::string_view text, const std::string& file, ConfigErrors& errors)
      : text_(text), file_(file), errors_(errors) {}

  void refuse(std::size_t at, std::string expected, std::string got) {
    if (at == std::string_view::npos) return;
    const std::string_view before = text_.substr(0, at);
    const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    errors_.add({.file = file_,
                 .line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                 .column = static_cast<int>(at - line_start) + 1,
                 .expected = std::move(expected),
                 .got = std::move(got)});
    good_ = false;
  }
  bool good() const { return good_; }

 private:
  std::string_view text_;
  const std::string& file_;
  ConfigErrors& errors_;
  bool good_ = true;
};

// What is wrong with the path, or nothing.
std::string unreadable(const std::filesystem::path& file) {
  std::error_code failed;
  const std::filesystem::file_status status = std::filesystem::status(file, failed);
  if (status.type() == std::filesystem::file_type::not_found) return "nothing at that path";
  if (std::filesystem::is_directory(status)) return "a folder";
  if (status.type() == std::filesystem::file_type::none) return failed.message();
  if (!std::filesystem::is_regular_file(status)) return "a device, pipe or socket";
  return {};
}

}  // namespace

bool check_text(std::string_view text, const std::string& file, ConfigErrors& errors) {
  if (text.size() > kMaxYamlBytes) {
    errors.add({.file = file,
                .expected = fmt::format("at most {} bytes", kMaxYamlBytes),
                .got = fmt::format("{} bytes", text.size())});
    return false;
  }
  Checker checker(text, file, errors);
  checker.refuse(text.find('\0'), "text", "a NUL byte");
  if (const std::size_t at = first_bad_byte(text); at != std::string_view::npos) {
    checker.refuse(at, "UTF-8 text", fmt::format("the byte 0x{:02x}", static_cast<unsigned char>(text[at])));
  }
  checker.refuse(first_indenting_tab(text), "spaces as indentation", "a tab");
  checker.refuse(first_bracket_too_deep(text), fmt::format("at most {} levels", kMaxYamlDepth), "deeper nesting");
  return checker.good();
}

std::optional<std::string> read_checked_text(const std::filesystem::path& file, ConfigErrors& errors) {
  const auto refuse = [&](std::string expected, std::string got) {
    errors.add({.file = file.string(), .expected = std::move(expected), .got = std::move(got)});
    return std::nullopt;
  };
  if (std::string problem = unreadable(file); !problem.empty()) return refuse("a file", std::move(problem));
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse("a readable file", std::strerror(errno));
  std::string text(kMaxYamlBytes + 1, '\0');  // one more, so that too large a file shows, even one that is growing
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return refuse("a readable file", std::strerror(errno));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxYamlBytes) return refuse(fmt::format("at most {} bytes", kMaxYamlBytes), "more");
  if (!check_text(text, file.string(), errors)) return std::nullopt;
  return text;
}

}  // namespace outrider
