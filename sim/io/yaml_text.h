// What a text must be before a parser sees it: of bounded size, UTF-8, without NUL bytes and tabs in indentation.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "sim/io/errors.h"

namespace outrider {

// The file's content, checked; nothing where the file cannot be read or breaks a rule.
std::optional<std::string> read_checked_text(const std::filesystem::path& file, ConfigErrors& errors);
// Whether the text keeps the rules; the first break of each is among the errors otherwise.
bool check_text(std::string_view text, const std::string& file, ConfigErrors& errors);

}  // namespace outrider
