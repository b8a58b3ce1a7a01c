// What the program accepts: commands, flags and arguments as one table that parsing, help and completion all read.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace outrider {

// What a shell can offer for a value.
enum class Offer { nothing, file, directory, scenario, choices };

struct FlagSpec {
  std::string name;     // without dashes
  char letter = 0;      // short form, or 0
  std::string value{};  // what the value is called in help; empty: a switch
  bool repeatable = false;
  std::string meaning{};
  Offer offer = Offer::nothing;
};

struct OperandSpec {
  std::string name;  // empty: the command takes no arguments
  bool required = true;
  bool repeatable = false;
  Offer offer = Offer::nothing;
  std::vector<std::string> choices{};  // where only these are valid
};

struct Example {
  std::string line, meaning;
};

struct CommandSpec {
  std::string name;
  std::string summary;
  std::string details;  // paragraphs of --help, below the flags
  OperandSpec operand;
  std::vector<FlagSpec> flags;
  std::vector<Example> examples;
};

// In the order of --help.
std::span<const CommandSpec> command_table();
const CommandSpec* find_command(std::string_view name);  // null if there is none
std::vector<std::string> command_names();

// Flags of the program itself, before any command.
std::span<const FlagSpec> program_flags();

}  // namespace outrider
