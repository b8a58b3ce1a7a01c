// Quantities as people write them: "25 GB/s", "32 GiB", "4.2 us", "1.98 GHz", "989 TFLOP/s", "32K" tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace outrider {

// What a figure measures, which decides the units it may carry. Rates are per second.
enum class Dimension { bytes, bytes_per_second, flops_per_second, seconds, hertz };
std::string_view example_of(Dimension dimension);               // "25 GB/s"
std::vector<std::string_view> unit_names(Dimension dimension);  // smallest first

// The value in base units (bytes, FLOPs, seconds, hertz); nothing where the text is not a plain decimal number, one
// blank and a unit of that dimension. kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024.
std::optional<double> parse_quantity(std::string_view text, Dimension dimension);
// The shortest text that parse_quantity reads back as the same number: "60 MiB", "4.8 TB/s". Requires a finite value.
std::string format_quantity(double value, Dimension dimension);

// A plain decimal number: "3", "-0.5", "1e6". No leading zeros, plus signs, hexadecimal, infinity or NaN.
std::optional<double> parse_number(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);
// An integer, or one with K or M for 1024 or 1024².
std::optional<std::int64_t> parse_token_count(std::string_view text);

}  // namespace outrider
