// Numbers and units: what is accepted means exactly what it says, and all else is refused.
#include "sim/io/quantities.h"

#include <gtest/gtest.h>

#include <limits>

namespace outrider {
namespace {

constexpr Dimension kDimensions[] = {Dimension::bytes, Dimension::bytes_per_second, Dimension::flops_per_second,
                                     Dimension::seconds, Dimension::hertz};

TEST(Quantities, PrefixesOfBytesArePowersOf1000Or1024AsWritten) {
  EXPECT_EQ(parse_quantity("3 B", Dimension::bytes), 3.0);
  EXPECT_EQ(parse_quantity("3 kB", Dimension::bytes), 3000.0);
  EXPECT_EQ(parse_quantity("3 KiB", Dimension::bytes), 3072.0);
  EXPECT_EQ(parse_quantity("32 GiB", Dimension::bytes), 32.0 * 1024 * 1024 * 1024);
  EXPECT_EQ(parse_quantity("80 GB", Dimension::bytes), 80e9);
  EXPECT_EQ(parse_quantity("1 TiB", Dimension::bytes), 1099511627776.0);
}

TEST(Quantities, RatesTimesAndClocksAreInBaseUnits) {
  EXPECT_EQ(parse_quantity("25 GB/s", Dimension::bytes_per_second), 25e9);
  EXPECT_EQ(parse_quantity("4.8 TB/s", Dimension::bytes_per_second), 4.8e12);
  EXPECT_EQ(parse_quantity("989 TFLOP/s", Dimension::flops_per_second), 989e12);
  EXPECT_EQ(parse_quantity("1.98 GHz", Dimension::hertz), 1.98e9);
  EXPECT_EQ(parse_quantity("2 s", Dimension::seconds), 2.0);
}

// "3 us" is the double nearest to 3e-6, not 3 times the double nearest to 1e-6.
TEST(Quantities, SmallUnitsAreCorrectlyRounded) {
  EXPECT_EQ(parse_quantity("3 us", Dimension::seconds), 3e-6);
  EXPECT_EQ(parse_quantity("4.2 us", Dimension::seconds), 4.2e-6);
  EXPECT_EQ(parse_quantity("600 ns", Dimension::seconds), 600e-9);
  EXPECT_EQ(parse_quantity("7 µs", Dimension::seconds), 7e-6);
}

TEST(Quantities, AUnitOfAnotherDimensionIsRefused) {
  for (const Dimension meant : kDimensions) {
    for (const Dimension other : kDimensions) {
      const std::string text(example_of(other));
      EXPECT_EQ(parse_quantity(text, meant).has_value(), meant == other) << text;
    }
  }
}

TEST(Quantities, OnlyOneBlankBetweenAPlainNumberAndAKnownUnitWillDo) {
  for (const char* text :
       {"",       " ",        "25",       "GB",     "25GB",       "25  GB", " 25 GB",   "25 GB ",
        "25 gb",  "25 Gb",    "25 G",     "GB 25",  "25 GB 3 MB", "25\tGB", "+25 GB",   "0x19 GB",
        "025 GB", "1_000 GB", "1,000 GB", "nan GB", "inf GB",     ".5 GB",  "1e999 GB", "1e300 TiB x"}) {
    EXPECT_FALSE(parse_quantity(text, Dimension::bytes).has_value()) << "'" << text << "'";
  }
}

// 1e308 TB is 1e320 bytes, which is beyond the largest double (1.8e308).
TEST(Quantities, AFiniteCountOfTooLargeAUnitIsRefused) {
  EXPECT_FALSE(parse_quantity("1e308 TB", Dimension::bytes).has_value());
}

TEST(Quantities, WhatIsFormattedReadsBackAsTheSameNumber) {
  const double values[] = {0.0,     1.0,       1000.0, 1024.0, 62914560.0,   4.8e12,
                           3.35e12, 1.0 / 3.0, 4.2e-6, 1e-9,   1.23456789e10};
  for (const Dimension dimension : kDimensions) {
    for (const double value : values) {
      const std::string text = format_quantity(value, dimension);
      EXPECT_EQ(parse_quantity(text, dimension), value) << text;
    }
  }
}

TEST(Quantities, AreFormattedInTheUnitPeopleWouldChoose) {
  EXPECT_EQ(format_quantity(62914560.0, Dimension::bytes), "60 MiB");
  EXPECT_EQ(format_quantity(4.8e12, Dimension::bytes_per_second), "4.8 TB/s");
  EXPECT_EQ(format_quantity(989e12, Dimension::flops_per_second), "989 TFLOP/s");
  EXPECT_EQ(format_quantity(4.2e-6, Dimension::seconds), "4.2 us");
  EXPECT_EQ(format_quantity(1.98e9, Dimension::hertz), "1.98 GHz");
}

TEST(Numbers, ArePlainDecimals) {
  EXPECT_EQ(parse_number("3"), 3.0);
  EXPECT_EQ(parse_number("-0.5"), -0.5);
  EXPECT_EQ(parse_number("1e6"), 1e6);
  EXPECT_EQ(parse_number("2.5E-3"), 2.5e-3);
  EXPECT_EQ(parse_number("0"), 0.0);
  for (const char* text :
       {"",     "-",   "+1",    "010",  "-010", "00",  "0x1F", "0b1",   "0o7", ".5",  "1_000", "1,5", "1 ",  " 1",
        ".inf", "inf", "-.inf", ".nan", "NaN",  "nan", "1e",   "1e999", "--1", "1-1", "1.2.3", "one", "true"}) {
    EXPECT_FALSE(parse_number(text).has_value()) << "'" << text << "'";
  }
}

TEST(Integers, HaveNoFractionExponentOrOverflow) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-17"), -17);
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "1.0", "1e3", "010", "0x10", "9223372036854775808", "1_000", "8K", "-", "1 000"}) {
    EXPECT_FALSE(parse_integer(text).has_value()) << "'" << text << "'";
  }
}

TEST(TokenCounts, KAndMAre1024And1024Squared) {
  EXPECT_EQ(parse_token_count("8192"), 8192);
  EXPECT_EQ(parse_token_count("8K"), 8192);
  EXPECT_EQ(parse_token_count("128K"), 131072);
  EXPECT_EQ(parse_token_count("1M"), 1048576);
  for (const char* text :
       {"", "K", "8k", "8 K", "8KB", "8KiB", "1.5K", "08K", "8KK", "9223372036854775807K", "9007199254740993M"}) {
    EXPECT_FALSE(parse_token_count(text).has_value()) << "'" << text << "'";
  }
}

}  // namespace
}  // namespace outrider
