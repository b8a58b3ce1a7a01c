// One generator per shell; each walks the same table of commands, flags and arguments.
#include "sim/cli/completion.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/check.h"
#include "sim/cli/command_table.h"
#include "sim/cli/format.h"

namespace outrider {
namespace {

constexpr std::string_view kShippedScenarios = "outrider list scenarios --names 2>/dev/null";

std::vector<std::string> flag_words(std::span<const FlagSpec> flags) {
  std::vector<std::string> words;
  for (const FlagSpec& flag : flags) {
    words.push_back("--" + flag.name);
    if (flag.letter != 0) words.push_back(fmt::format("-{}", flag.letter));
  }
  return words;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Between single quotes of a POSIX shell.
std::string quoted(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

// bash: one case per command; what a value may be, then flags, then arguments.

std::string bash_offer(Offer offer, const std::vector<std::string>& choices) {
  switch (offer) {
    case Offer::nothing:
      return ":";
    case Offer::file:
      return "COMPREPLY=($(compgen -f -- \"$word\"))";
    case Offer::directory:
      return "COMPREPLY=($(compgen -d -- \"$word\"))";
    case Offer::scenario:
      return fmt::format("COMPREPLY=($(compgen -W \"$({})\" -- \"$word\") $(compgen -f -- \"$word\"))",
                         kShippedScenarios);
    case Offer::choices:
      return fmt::format("COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))", join(choices, " "));
  }
  return ":";
}

std::string bash_command(const CommandSpec& command) {
  std::string values;
  for (const FlagSpec& flag : command.flags) {
    if (!flag.value.empty())
      values += fmt::format("        --{}) {}; return ;;\n", flag.name, bash_offer(flag.offer, {}));
  }
  if (!values.empty()) values = "      case \"$previous\" in\n" + values + "      esac\n";
  return fmt::format(
      "    {})\n{}"
      "      if [[ $word == -* ]]; then\n"
      "        COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))\n"
      "      else\n"
      "        {}\n"
      "      fi ;;\n",
      command.name, values, join(flag_words(command.flags), " "),
      bash_offer(command.operand.offer, command.operand.choices));
}

std::string bash_script() {
  std::string cases;
  for (const CommandSpec& command : command_table()) cases += bash_command(command);
  std::vector<std::string> first = command_names();
  for (const std::string& word : flag_words(program_flags())) first.push_back(word);
  return fmt::format(
      "# Completion of outrider for bash: source <(outrider completion bash)\n"
      "_outrider() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  COMPREPLY=()\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n{}  esac\n"
      "}}\n"
      "complete -o filenames -F _outrider outrider\n",
      join(first, " "), cases);
}

// zsh: _arguments specifications, in which : [ ] and \ have meaning.

std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    if (letter == ':' || letter == '[' || letter == ']' || letter == '\\') result += '\\';
    result += letter;
  }
  return result;
}

std::string zsh_action(Offer offer, const std::vector<std::string>& choices) {
  switch (offer) {
    case Offer::nothing:
      return " ";
    case Offer::file:
      return "_files";
    case Offer::directory:
      return "_files -/";
    case Offer::scenario:
      return "_outrider_scenarios";
    case Offer::choices:
      return fmt::format("({})", join(choices, " "));
  }
  return " ";
}

std::string zsh_flag(const FlagSpec& flag) {
  const std::string long_name = "--" + flag.name;
  const std::string value =
      flag.value.empty() ? "" : fmt::format(":{}:{}", zsh_text(flag.value), zsh_action(flag.offer, {}));
  const std::string text = fmt::format("[{}]{}", zsh_text(flag.meaning), value);
  if (flag.letter == 0) return "        " + quoted((flag.repeatable ? "*" : "") + long_name + text) + " \\\n";
  const std::string excludes = fmt::format("(-{0} {1})", flag.letter, long_name);
  return fmt::format("        {}{{-{},{}}}{} \\\n", quoted(excludes), flag.letter, long_name, quoted(text));
}

std::string zsh_command(const CommandSpec& command) {
  std::string flags;
  for (const FlagSpec& flag : command.flags) flags += zsh_flag(flag);
  const OperandSpec& operand = command.operand;
  const std::string position = operand.repeatable ? "*" : operand.required ? "1" : "1:";
  if (operand.name.empty()) return fmt::format("    {})\n      _arguments \\\n{} ;;\n", command.name, flags);
  const std::string argument =
      fmt::format("{}:{}:{}", position, operand.name, zsh_action(operand.offer, operand.choices));
  return fmt::format("    {})\n      _arguments \\\n{}        {} ;;\n", command.name, flags, quoted(argument));
}

std::string zsh_script() {
  std::string names, cases;
  for (const CommandSpec& command : command_table()) {
    names += "    " + quoted(command.name + ":" + replaced(command.summary, ":", "\\:")) + "\n";
    cases += zsh_command(command);
  }
  std::string flags;
  for (const std::string& word : flag_words(program_flags())) flags += " " + word;
  return fmt::format(
      "#compdef outrider\n"
      "# Completion of outrider for zsh: outrider completion zsh > a folder of $fpath/_outrider\n"
      "_outrider_scenarios() {{\n"
      "  local -a shipped\n"
      "  shipped=(${{(f)\"$({})\"}})\n"
      "  compadd -a shipped\n"
      "  _files\n"
      "}}\n"
      "_outrider() {{\n"
      "  local -a commands\n"
      "  commands=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    compadd --{}\n"
      "    return\n"
      "  fi\n"
      "  local command=${{words[2]}}\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n{}  esac\n"
      "}}\n"
      "if [[ $funcstack[1] == _outrider ]]; then _outrider \"$@\"; else compdef _outrider outrider; fi\n",
      kShippedScenarios, names, flags, cases);
}

// fish: one `complete` line per command, flag and kind of argument.

std::string fish_text(const std::string& text) {
  return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_offer(Offer offer, const std::vector<std::string>& choices) {
  switch (offer) {
    case Offer::nothing:
      return "";
    case Offer::file:
      return " -F";
    case Offer::directory:
      return " -a '(__fish_complete_directories)'";
    case Offer::scenario:
      return fmt::format(" -F -a '({})'", kShippedScenarios);
    case Offer::choices:
      return " -a " + fish_text(join(choices, " "));
  }
  return "";
}

std::string fish_flag(const std::string& condition, const FlagSpec& flag) {
  const std::string letter = flag.letter == 0 ? "" : fmt::format(" -s {}", flag.letter);
  const std::string value = flag.value.empty() ? "" : " -r" + fish_offer(flag.offer, {});
  return fmt::format("complete -c outrider -n '{}' -l {}{}{} -d {}\n", condition, flag.name, letter, value,
                     fish_text(flag.meaning));
}

std::string fish_script() {
  std::string result =
      "# Completion of outrider for fish: outrider completion fish > ~/.config/fish/completions/outrider.fish\n"
      "complete -c outrider -f\n";
  for (const FlagSpec& flag : program_flags()) result += fish_flag("__fish_use_subcommand", flag);
  for (const CommandSpec& command : command_table()) {
    result += fmt::format("complete -c outrider -n '__fish_use_subcommand' -a {} -d {}\n", command.name,
                          fish_text(command.summary));
    const std::string condition = "__fish_seen_subcommand_from " + command.name;
    for (const FlagSpec& flag : command.flags) result += fish_flag(condition, flag);
    const std::string offer = fish_offer(command.operand.offer, command.operand.choices);
    if (!offer.empty()) result += fmt::format("complete -c outrider -n '{}'{}\n", condition, offer);
  }
  return result;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  CHECK(shell == "fish", "no completion for the shell '{}'", shell);
  return fish_script();
}

}  // namespace outrider
