// Variables of the conditions, and muParser's messages in our words.
#include "sim/study/conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <muParser.h>

#include <algorithm>
#include <cmath>

#include "sim/io/quantities.h"

namespace outrider {
namespace {

constexpr std::string_view kLetters = "0123456789_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

std::string identifier(std::string text) {
  for (char& letter : text) letter = kLetters.find(letter) == std::string_view::npos ? '_' : letter;
  return text;
}

std::string last_word(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

// muParser would take one for an assignment.
bool assigns(std::string_view text) {
  for (std::size_t at = text.find('='); at != std::string_view::npos; at = text.find('=', at + 1)) {
    const bool compares = (at > 0 && std::string_view("=<>!").find(text[at - 1]) != std::string_view::npos) ||
                          (at + 1 < text.size() && text[at + 1] == '=');
    if (!compares) return true;
  }
  return false;
}

// NaN where it is none.
double number_of(const std::string& text) {
  if (const auto number = parse_number(text)) return *number;
  if (const auto tokens = parse_token_count(text)) return static_cast<double>(*tokens);
  for (const Dimension dimension : {Dimension::bytes, Dimension::bytes_per_second, Dimension::flops_per_second,
                                    Dimension::seconds, Dimension::hertz}) {
    if (const auto quantity = parse_quantity(text, dimension)) return *quantity;
  }
  return text == "true" ? 1.0 : text == "false" ? 0.0 : std::nan("");
}

}  // namespace

struct Conditions::State {
  const StudyFile* study = nullptr;
  std::vector<double> numbers;                             // by axis; parsers hold their places
  std::vector<mu::Parser> parsers;                         // by condition
  std::vector<std::vector<std::size_t>> uses;              // by condition: its axes
  std::vector<std::pair<std::string, std::size_t>> names;  // of all variables, with their axes

  void name_axes();
  void parse(std::size_t condition, ConfigErrors& errors);
  void refuse(std::size_t condition, std::string expected, std::string got, ConfigErrors& errors) const {
    const StudyCondition& place = study->conditions[condition];
    errors.add({.file = study->file.string(),
                .line = place.line,
                .column = place.column,
                .path = fmt::format("where[{}]", condition),
                .expected = std::move(expected),
                .got = std::move(got)});
  }
};

void Conditions::State::name_axes() {
  std::vector<std::string> axes, words;
  for (const StudyBlock& block : study->blocks) {
    for (const StudyAxis& axis : block.axes) axes.push_back(identifier(axis.name));
  }
  for (const std::string& axis : axes) words.push_back(last_word(axis));
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    names.emplace_back(axes[axis], axis);
    const bool only = std::count(words.begin(), words.end(), words[axis]) == 1;
    if (only && words[axis] != axes[axis]) names.emplace_back(words[axis], axis);
  }
}

void Conditions::State::parse(std::size_t condition, ConfigErrors& errors) {
  const std::string& text = study->conditions[condition].text;
  mu::Parser& parser = parsers.emplace_back();
  parser.DefineNameChars(std::string(kLetters).c_str());
  std::vector<std::string> known;
  std::string problem = assigns(text) ? "'=' assigns, '==' compares" : "";
  try {
    for (const auto& [name, axis] : names) {
      parser.DefineVar(name, &numbers[axis]);
      known.push_back(name);
    }
    parser.SetExpr(text);
    std::vector<std::size_t>& used = uses.emplace_back();
    for (const auto& [name, place] : parser.GetUsedVar()) {
      if (place != nullptr) used.push_back(static_cast<std::size_t>(place - numbers.data()));
    }
    if (problem.empty()) parser.Eval();
  } catch (const mu::Parser::exception_type& wrong) { problem = wrong.GetMsg(); }
  if (problem.empty()) return;
  refuse(condition, fmt::format("a condition over {}", fmt::join(known, ", ")),
         fmt::format("'{}': {}", shortened(text), problem), errors);
}

Conditions::Conditions(std::unique_ptr<State> state) : state_(std::move(state)) {}
Conditions::~Conditions() = default;
Conditions::Conditions(Conditions&&) noexcept = default;

std::optional<Conditions> Conditions::of(const StudyFile& study, const std::vector<std::string>& first_values,
                                         ConfigErrors& errors) {
  const std::size_t before = errors.size();
  auto state = std::make_unique<State>();
  state->study = &study;
  state->numbers.resize(first_values.size());
  state->name_axes();
  for (std::size_t i = 0; i < study.conditions.size(); ++i) state->parse(i, errors);
  if (errors.size() != before) return std::nullopt;
  return Conditions(std::move(state));
}

std::optional<bool> Conditions::hold(const std::vector<std::string>& values, ConfigErrors& errors) {
  State& state = *state_;
  std::transform(values.begin(), values.end(), state.numbers.begin(), number_of);
  bool all = true;
  for (std::size_t i = 0; i < state.parsers.size(); ++i) {
    for (const std::size_t axis : state.uses[i]) {
      if (!std::isnan(state.numbers[axis])) continue;
      state.refuse(i, "a condition over numbers and quantities", "'" + shortened(values[axis]) + "' in it", errors);
      return std::nullopt;
    }
    all = all && state.parsers[i].Eval() != 0.0;
  }
  return all;
}

}  // namespace outrider
