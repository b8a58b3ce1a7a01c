// Text for people: safe, locale-independent rendering of names, numbers, bytes and shares, and the nearest valid name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/quantity.h"

namespace outrider {

// `text` with control characters and bytes that are not UTF-8 shown as \n, \t or \xNN, so that a name in a user's file
// can neither move the cursor nor break a table.
std::string printable(std::string_view text);

// Columns that `text` takes on a terminal: combining marks 0, East Asian wide characters 2, others 1.
std::size_t display_width(std::string_view text);

// Fixed notation with `digits` significant digits ("21.83", "0.0718", "12345"); "–" if not finite.
std::string significant(double value, int digits);
std::string percent(double share);             // 0.0821 → "8.2 %"
std::string signed_percent(double share);      // 0.0821 → "+8.2 %"
std::string times(double ratio);               // 5.1 → "5.10×"
std::string byte_count(Bytes bytes);           // "1.50 GiB"
std::string duration(Seconds time);            // "21.8 ms"
std::string token_count(std::int64_t tokens);  // 65536 → "64k", 1000 → "1000"

// The shortest decimal that reads back as the same double; empty if not finite. For CSV.
std::string exact(double value);

// The candidate within a third of its length in edits (insert, delete, replace, swap of neighbours), nearest first;
// empty if none is that near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);
// ", did you mean 'x'?" or nothing.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

// `text` as one word of a POSIX shell.
std::string shell_word(std::string_view text);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace outrider
