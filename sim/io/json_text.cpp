// Reads JSON through nlohmann's event interface, which alone shows duplicate keys and bounds the nesting.
#include "sim/io/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace outrider {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDuplicatesReported = 20;
constexpr std::size_t kMaxQuoted = 60;
constexpr std::size_t kNoMatch = std::string_view::npos;

std::string clipped(std::string_view text) {
  if (text.size() <= kMaxQuoted) return std::string(text);
  return std::string(text.substr(0, kMaxQuoted)) + "…";
}

TextPosition position_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t newline = before.rfind('\n');
  const std::size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
  return {.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          .column = 1 + static_cast<int>(before.size() - line_start)};
}

// Hands out the text byte by byte and tells how many bytes the parser has taken.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* taken) : at_(at), taken_(taken) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*taken_;
    return *this;
  }
  CountingIterator operator++(int) {
    const CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* taken_;
};

struct Duplicate {
  std::string path;
  std::size_t offset = 0;
};

// What parsing found; offsets are bytes from the start of the text.
struct Outcome {
  json root;
  std::vector<Duplicate> duplicates;
  std::size_t duplicate_count = 0;
  bool too_deep = false;
  std::optional<std::string> syntax_error;
  std::size_t error_offset = 0;
  std::size_t target_offset = 0;  // of the longest prefix of the target path that the text has
};

// Builds the document; on the way, finds where `target` (a dotted path) begins.
class DocumentBuilder {
 public:
  DocumentBuilder(std::string_view text, std::string_view target) : text_(text), target_(target) {}

  Outcome parse() {
    const char* begin = text_.data();
    json::sax_parse(CountingIterator(begin, &taken_), CountingIterator(begin + text_.size(), &taken_), this);
    return std::move(outcome_);
  }

  // nlohmann's event interface: false stops the parser.
  bool null() { return scalar(nullptr); }
  bool boolean(bool value) { return scalar(value); }
  bool number_integer(json::number_integer_t value) { return scalar(value); }
  bool number_unsigned(json::number_unsigned_t value) { return scalar(value); }
  bool number_float(json::number_float_t value, const std::string&) { return scalar(value); }
  bool string(std::string& value) { return scalar(std::move(value)); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name);
  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception& exception);

 private:
  struct Frame {
    json* container;
    std::string key;                 // of the member being read
    std::size_t matched = kNoMatch;  // bytes of target_ that equal the path of the container
    std::size_t member_matched = kNoMatch;
  };

  bool scalar(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json container);
  bool close() {
    frames_.pop_back();
    return true;
  }
  json& place(json value);
  void match_member(const std::string& component);
  std::size_t token_start() const;
  std::string path_of_member() const;

  std::string_view text_, target_;
  std::size_t taken_ = 0;
  std::size_t longest_match_ = 0;
  std::vector<Frame> frames_;
  Outcome outcome_;
};

bool DocumentBuilder::key(std::string& name) {
  Frame& frame = frames_.back();
  frame.key = name;
  if (frame.container->contains(name)) {
    if (++outcome_.duplicate_count <= kMaxDuplicatesReported) {
      outcome_.duplicates.push_back({.path = path_of_member(), .offset = token_start()});
    }
  }
  match_member(frame.matched == 0 ? name : fmt::format(".{}", name));
  return true;
}

template <class Exception>
bool DocumentBuilder::parse_error(std::size_t position, const std::string&, const Exception& exception) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing value - unexpected
  // end of input; expected …": what follows the dash; the position is ours, and the expectations are token names.
  const std::string_view message = exception.what();
  const std::size_t dash = message.find(" - ");
  const std::string_view detail = dash == std::string_view::npos ? message : message.substr(dash + 3);
  outcome_.syntax_error = std::string(detail.substr(0, detail.find("; expected")));
  outcome_.error_offset = position > 0 ? position - 1 : 0;
  return false;
}

bool DocumentBuilder::open(json container) {
  if (frames_.size() == kMaxJsonDepth) {
    outcome_.too_deep = true;
    outcome_.error_offset = taken_ - 1;
    return false;
  }
  json& placed = place(std::move(container));
  const std::size_t matched = frames_.empty() ? 0 : frames_.back().member_matched;
  frames_.push_back({.container = &placed, .key = {}, .matched = matched, .member_matched = kNoMatch});
  return true;
}

json& DocumentBuilder::place(json value) {
  if (frames_.empty()) return outcome_.root = std::move(value);
  json& container = *frames_.back().container;
  if (container.is_object()) return container[frames_.back().key] = std::move(value);
  if (frames_.back().matched != kNoMatch) match_member(fmt::format("[{}]", container.size()));
  container.push_back(std::move(value));
  return container.back();
}

// Notes whether the target path goes on with `component`, and where that begins in the text.
void DocumentBuilder::match_member(const std::string& component) {
  Frame& frame = frames_.back();
  frame.member_matched = kNoMatch;
  if (frame.matched == kNoMatch || !target_.substr(frame.matched).starts_with(component)) return;
  const std::size_t matched = frame.matched + component.size();
  if (matched < target_.size() && target_[matched] != '.' && target_[matched] != '[') return;
  frame.member_matched = matched;
  if (matched <= longest_match_) return;  // a duplicate: the first counts
  longest_match_ = matched;
  outcome_.target_offset = token_start();
}

// First byte of the token that the parser has just read; behind numbers it has also taken the byte after it.
std::size_t DocumentBuilder::token_start() const {
  const auto in_word = [](char c) {
    return c == '+' || c == '-' || c == '.' || std::isalnum(static_cast<unsigned char>(c));
  };
  std::size_t last = taken_ > 0 ? taken_ - 1 : 0;
  if (text_[last] == '{' || text_[last] == '[') return last;
  if (text_[last] == '"') {
    while (last > 0) {
      --last;
      std::size_t backslashes = 0;
      while (backslashes < last && text_[last - 1 - backslashes] == '\\') ++backslashes;
      if (text_[last] == '"' && backslashes % 2 == 0) return last;
    }
    return last;
  }
  if (!in_word(text_[last]) && last > 0) --last;
  while (last > 0 && in_word(text_[last - 1])) --last;
  return last;
}

std::string DocumentBuilder::path_of_member() const {
  std::string path;
  for (const Frame& frame : frames_) {
    if (frame.container->is_array()) {
      path += fmt::format("[{}]", frame.container->size() - 1);
    } else {
      if (!path.empty()) path += '.';
      path += clipped(frame.key);
    }
  }
  return path;
}

// reports

class Reporter {
 public:
  Reporter(const JsonText& text, ConfigErrors& errors) : text_(text), errors_(errors) {}
  void at(std::size_t offset, std::string path, std::string expected, std::string got) const {
    const TextPosition position = position_at(text_.text, offset);
    errors_.add({.file = text_.file,
                 .line = position.line,
                 .column = position.column,
                 .path = std::move(path),
                 .expected = std::move(expected),
                 .got = std::move(got),
                 .suggestion = ""});
  }

 private:
  const JsonText& text_;
  ConfigErrors& errors_;
};

void report_duplicates(const Outcome& outcome, const JsonText& document, const Reporter& report) {
  for (const Duplicate& duplicate : outcome.duplicates) {
    const TextPosition first = document.position_of(duplicate.path);
    report.at(duplicate.offset, duplicate.path, "each key once", fmt::format("it again, first on line {}", first.line));
  }
  if (outcome.duplicate_count > kMaxDuplicatesReported) {
    report.at(outcome.duplicates.back().offset, "", "each key once",
              fmt::format("{} more duplicates", outcome.duplicate_count - kMaxDuplicatesReported));
  }
}

bool report_outcome(const Outcome& outcome, const JsonText& document, const Reporter& report) {
  if (outcome.too_deep) {
    report.at(outcome.error_offset, "", fmt::format("nesting of at most {} levels", kMaxJsonDepth), "more");
  } else if (outcome.syntax_error) {
    report.at(outcome.error_offset, "", "valid JSON", clipped(*outcome.syntax_error));
  } else if (!outcome.root.is_object()) {
    report.at(0, "", "a JSON object", outcome.root.type_name());
  }
  report_duplicates(outcome, document, report);
  return !outcome.too_deep && !outcome.syntax_error && outcome.root.is_object() && outcome.duplicate_count == 0;
}

}  // namespace

TextPosition JsonText::position_of(std::string_view path) const {
  return position_at(text, DocumentBuilder(text, path).parse().target_offset);
}

std::optional<JsonText> parse_json(std::string text, const std::string& file, ConfigErrors& errors) {
  JsonText document{.file = file, .text = std::move(text), .root = {}};
  const Reporter report(document, errors);
  if (document.text.size() > kMaxJsonBytes) {
    report.at(0, "", fmt::format("at most {} bytes", kMaxJsonBytes), "more");
    return std::nullopt;
  }
  Outcome outcome = DocumentBuilder(document.text, "").parse();
  if (!report_outcome(outcome, document, report)) return std::nullopt;
  document.root = std::move(outcome.root);
  return document;
}

std::optional<JsonText> read_json(const std::filesystem::path& file, ConfigErrors& errors) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMaxJsonBytes + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream && !stream.eof()) {
    Reporter({.file = file.string(), .text = {}, .root = {}}, errors).at(0, "", "a readable file", "none");
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse_json(std::move(text), file.string(), errors);
}

}  // namespace outrider
