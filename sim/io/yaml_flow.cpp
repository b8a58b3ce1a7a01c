// A tree on one line.
#include <algorithm>

#include "sim/io/yaml_node.h"

namespace outrider {
namespace {

// Whether a text needs no quotes where commas and brackets end a plain one.
bool is_plain(std::string_view text) {
  constexpr std::string_view kSpecial = ",[]{}:#&*!|>'\"%@`?\\";
  const auto fits = [&](char letter) {
    return static_cast<unsigned char>(letter) >= 0x20 && kSpecial.find(letter) == std::string_view::npos;
  };
  return !text.empty() && text.front() != ' ' && text.front() != '-' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), fits);
}

void append_quoted(std::string_view text, std::string& line) {
  line += '"';
  for (const char letter : text) {
    if (letter == '\n') {
      line += "\\n";
    } else {
      if (letter == '"' || letter == '\\') line += '\\';
      line += letter;
    }
  }
  line += '"';
}

// A number may begin with a minus sign, and every other plain text may hold anything but what ends or quotes it.
void append_scalar(const YamlNode& node, std::string& line) {
  const bool negative = !node.quoted && node.text.size() > 1 && node.text.front() == '-' && node.text[1] != ' ';
  if (node.text.empty() && !node.quoted) {
    line += '~';
  } else if (!node.quoted && (is_plain(node.text) || (negative && is_plain(std::string_view(node.text).substr(1))))) {
    line += node.text;
  } else {
    append_quoted(node.text, line);
  }
}

void append(const YamlNode& node, std::string& line) {
  if (node.kind == YamlNode::Kind::scalar) return append_scalar(node, line);
  const bool is_list = node.kind == YamlNode::Kind::list;
  line += is_list ? '[' : '{';
  bool first = true;
  const auto comma = [&] {
    if (!first) line += ", ";
    first = false;
  };
  for (const YamlNode& item : node.items) {
    comma();
    append(item, line);
  }
  for (const auto& [key, value] : node.members) {
    comma();
    append_scalar({.text = key}, line);
    line += ": ";
    append(value, line);
  }
  line += is_list ? ']' : '}';
}

}  // namespace

std::string flow_text(const YamlNode& node) {
  std::string line;
  append(node, line);
  return line;
}

}  // namespace outrider
