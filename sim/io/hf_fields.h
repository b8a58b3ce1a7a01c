// Typed access to the members of a JSON object, where every mistake becomes an error with its line and path.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/io/json_text.h"

namespace outrider {

// Inclusive bounds of an integer. The defaults keep every product of the model's formulas below 2^63.
struct IntegerRange {
  std::int64_t min = 1;
  std::int64_t max = 1 << 20;
};
inline constexpr IntegerRange kLayerRange{1, 4096};
inline constexpr IntegerRange kHeadRange{1, 1 << 14};
inline constexpr IntegerRange kWidthRange{1, 1 << 20};
inline constexpr IntegerRange kTokenRange{1, std::int64_t{1} << 32};

std::string comma_separated(std::span<const std::string_view> words);

// A view of one object of a document. After an error the getters give 0, false or "", so that reading goes on and
// all of a file's errors are found; whoever combines values must expect such zeros.
class HfFields {
 public:
  // `path` is the object's own dotted path, empty for the root.
  HfFields(const JsonText& document, const nlohmann::json& object, std::string path, ConfigErrors& errors)
      : document_(&document), object_(&object), path_(std::move(path)), errors_(&errors) {}

  bool has(std::string_view key) const;      // there and not null
  bool is_null(std::string_view key) const;  // there and null
  bool is_set(std::string_view key) const;   // there and not null, false, 0 or empty
  std::vector<std::string> keys() const;

  // Without a fallback, a missing or null key is an error; with one, it gives the fallback.
  std::int64_t integer(std::string_view key, IntegerRange range, std::optional<std::int64_t> fallback = {}) const;
  bool flag(std::string_view key, std::optional<bool> fallback = {}) const;
  std::string text(std::string_view key, const std::optional<std::string>& fallback = {}) const;
  // An array of exactly `size` of the allowed words; empty after an error. Requires has(key).
  std::vector<std::string> words(std::string_view key, std::size_t size,
                                 std::span<const std::string_view> allowed) const;
  std::vector<std::int64_t> integers(std::string_view key, IntegerRange range) const;  // empty where missing
  std::optional<HfFields> object(std::string_view key) const;                          // nothing where missing or wrong

  void error(std::string_view key, std::string expected, std::string got) const;
  void error(std::string_view key, std::string expected) const;  // got: the key's value
  std::string path_of(std::string_view key) const;
  const std::string& file() const { return document_->file; }

 private:
  const nlohmann::json* find(std::string_view key) const;
  std::string described(std::string_view key) const;
  std::optional<std::int64_t> integer_in(const nlohmann::json& value, IntegerRange range) const;

  const JsonText* document_;
  const nlohmann::json* object_;
  std::string path_;
  ConfigErrors* errors_;
};

}  // namespace outrider
