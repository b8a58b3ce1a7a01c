// Splits C++ into code and comments, and finds the files of the tree.
#include "tests/tidy/source_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace outrider {
namespace {

namespace fs = std::filesystem;

bool is_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Walks C++ text once, copying each character into the view that it belongs to.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text), code_(text), comments_(text) {
    blank(code_);
    blank(comments_);
  }

  void run() {
    while (at_ < text_.size()) step();
  }
  const std::string& code() const { return code_; }
  const std::string& comments() const { return comments_; }

 private:
  static void blank(std::string& view) {
    for (char& c : view) c = c == '\n' ? '\n' : ' ';
  }

  void step() {
    const std::string_view rest = text_.substr(at_);
    if (starts_with(rest, "//")) {
      copy_until(comments_, text_.find('\n', at_));
    } else if (starts_with(rest, "/*")) {
      copy_until(comments_, end_of("*/", at_ + 2));
    } else if (starts_with(rest, "R\"") && !after_identifier()) {
      skip_raw_string(rest);
    } else if (rest[0] == '"' || (rest[0] == '\'' && !after_identifier())) {
      skip_quoted(rest[0]);
    } else {
      code_[at_] = text_[at_];
      ++at_;
    }
  }

  // A quote behind a digit separates digits, as in 1'000.
  bool after_identifier() const { return at_ > 0 && is_identifier(text_[at_ - 1]); }

  std::size_t end_of(std::string_view mark, std::size_t from) const {
    const std::size_t found = text_.find(mark, from);
    return found == std::string_view::npos ? text_.size() : found + mark.size();
  }

  void copy_until(std::string& view, std::size_t end) {
    for (end = std::min(end, text_.size()); at_ < end; ++at_) view[at_] = text_[at_];
  }

  void skip_raw_string(std::string_view rest) {
    const std::string_view delimiter = rest.substr(2, rest.find('(') - 2);
    const std::size_t end = end_of(")" + std::string(delimiter) + "\"", at_);
    code_[at_] = '"';
    code_[end - 1] = '"';
    at_ = end;
  }

  void skip_quoted(char quote) {
    code_[at_] = quote;
    for (++at_; at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    if (at_ < text_.size() && text_[at_] == quote) code_[at_] = quote;
    ++at_;
  }

  std::string_view text_;
  std::string code_, comments_;
  std::size_t at_ = 0;
};

// What follows a '#' that starts a line or stands behind a space.
std::string hash_comment(const std::string& line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ')) return std::string(i, ' ') + line.substr(i);
  }
  return {};
}

constexpr std::array kFolders = {"sim",        "hwmodels",  "kernels", "calibration", "validation", "tests",
                                 "benchmarks", "scenarios", "reports", "cmake",       "scripts",    ".ci"};
constexpr std::array kEndings = {".h", ".cpp", ".cu", ".cuh", ".cmake", ".txt", ".yaml", ".yml", ".json", ".md", ".sh"};

bool is_text(const fs::path& path) {
  const std::string extension = path.extension().string();
  const std::string folder = path.parent_path().filename().string();
  return std::find(kEndings.begin(), kEndings.end(), extension) != kEndings.end() ||
         (extension.empty() && (folder == "scripts" || folder == ".ci" || path.filename() == "Makefile"));
}

}  // namespace

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

SourceFile parse(std::string path, std::string_view text) {
  SourceFile file{std::move(path), split_lines(text), {}, {}};
  if (is_cpp(file)) {
    Splitter splitter(text);
    splitter.run();
    file.code = split_lines(splitter.code());
    file.comments = split_lines(splitter.comments());
  } else {
    for (const std::string& line : file.lines) file.comments.push_back(hash_comment(line));
  }
  return file;
}

std::vector<SourceFile> read_tree(const std::string& root) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  for (const char* folder : kFolders) {
    if (!fs::exists(fs::path(root) / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / folder)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<SourceFile> files;
  for (const fs::path& path : paths) {
    if (!is_text(path)) continue;
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    files.push_back(parse(path.lexically_relative(root).generic_string(), text));
  }
  return files;
}

bool is_header(const SourceFile& file) { return ends_with(file.path, ".h") || ends_with(file.path, ".cuh"); }
bool is_cpp(const SourceFile& file) {
  return is_header(file) || ends_with(file.path, ".cpp") || ends_with(file.path, ".cu");
}
bool is_test(const SourceFile& file) {
  return starts_with(file.path, "tests/") || starts_with(file.path, "benchmarks/");
}

std::string included(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (!starts_with(line, "#include")) return {};
  line.remove_prefix(std::min(line.find_first_of("\"<"), line.size()));
  return std::string(line.substr(0, line.find_first_of("\">", 1) + 1));
}

std::vector<Word> words(std::string_view code_line) {
  std::vector<Word> result;
  for (std::size_t i = 0; i < code_line.size();) {
    std::size_t end = i;
    while (end < code_line.size() && is_identifier(code_line[end])) ++end;
    if (end > i) result.push_back({code_line.substr(i, end - i), i});
    i = end + 1;
  }
  return result;
}

}  // namespace outrider
