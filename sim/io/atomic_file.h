// Writing of whole files: all of it or nothing.
#pragma once

#include <filesystem>
#include <string_view>

namespace outrider {

// Writes to a temporary name beside `file`, then renames. Throws std::runtime_error with the reason; `file` is then as
// it was.
void write_atomically(const std::filesystem::path& file, std::string_view content);

}  // namespace outrider
