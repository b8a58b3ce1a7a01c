// JSON text with limits, refused duplicates and the line of every key, on top of nlohmann-json.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sim/io/errors.h"

namespace outrider {

inline constexpr std::size_t kMaxJsonBytes = 1U << 20;  // a config.json has a few KiB
inline constexpr std::size_t kMaxJsonDepth = 32;

// Line and column, from 1; columns count bytes.
struct TextPosition {
  int line = 1;
  int column = 1;
};

struct JsonText {
  std::string file;
  std::string text;
  nlohmann::json root;  // an object

  // Where the key (or array element) of a dotted path like "text_config.layer_types[3]" begins; where the text has no
  // such path, the nearest enclosing one's. Parses the text once more: for messages only.
  TextPosition position_of(std::string_view path) const;
};

// Reports what is wrong and gives nothing for: text over kMaxJsonBytes, nesting over kMaxJsonDepth, invalid JSON, a key
// twice in one object (the first 20 of them at once), or a root that is no object. `file` names the text in messages.
std::optional<JsonText> parse_json(std::string text, const std::string& file, ConfigErrors& errors);
// The same for a file; also reports what cannot be read.
std::optional<JsonText> read_json(const std::filesystem::path& file, ConfigErrors& errors);

}  // namespace outrider
