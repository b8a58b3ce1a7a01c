// The fields that a JSON document has, and the words by which a header documents them.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

namespace outrider {

inline void collect_keys(const nlohmann::ordered_json& json, std::set<std::string>& keys) {
  for (const auto& item : json.items()) {
    if (json.is_object()) keys.insert(item.key());
    if (item.value().is_structured()) collect_keys(item.value(), keys);
  }
}

inline std::set<std::string> keys_of(const nlohmann::ordered_json& json) {
  std::set<std::string> keys;
  collect_keys(json, keys);
  return keys;
}

// The words of the comment above `#pragma once`.
inline std::set<std::string> documented_words(const std::string& header) {
  std::ifstream file(std::string(OUTRIDER_SOURCE_DIR) + "/sim/cli/" + header);
  EXPECT_TRUE(file.is_open());
  std::set<std::string> words;
  for (std::string line; std::getline(file, line) && line != "#pragma once";) {
    std::string word;
    for (const char letter : line + " ") {
      const bool of_name = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
      if (of_name) word += letter;
      if (!of_name && !word.empty()) words.insert(std::exchange(word, ""));
    }
  }
  return words;
}

}  // namespace outrider
