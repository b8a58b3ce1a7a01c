// Names and numbers as text: safe on a terminal, independent of the locale.
#include "sim/cli/format.h"

#include <gtest/gtest.h>

#include <clocale>
#include <limits>

namespace outrider {
namespace {

TEST(Format, ControlCharactersAreShownNotSent) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("two\nlines\tand a tab\r"), "two\\nlines\\tand a tab\\x0d");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
}

TEST(Format, BidirectionalOverridesAndC1ControlsAreShown) {
  EXPECT_EQ(printable("\u202eabc"), "\\xe2\\x80\\xaeabc");  // right-to-left override
  EXPECT_EQ(printable("\u009b31m"), "\\xc2\\x9b31m");       // C1 control sequence introducer
}

TEST(Format, InvalidUtf8IsShownByteByByte) {
  EXPECT_EQ(printable("\xc3\x28"), "\\xc3(");                        // a lead without its continuation
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");                    // cut short
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // overlong '/'
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");  // above U+10FFFF
}

TEST(Format, ValidUtf8Passes) { EXPECT_EQ(printable("5.1× — 模型 é"), "5.1× — 模型 é"); }

TEST(Format, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("5.1×"), 4U);
  EXPECT_EQ(display_width("模型"), 4U);     // two wide characters
  EXPECT_EQ(display_width("e\u0301"), 1U);  // e and a combining acute accent
}

TEST(Format, SignificantKeepsTheDigitsAskedForAndNeverUsesExponents) {
  EXPECT_EQ(significant(21.834, 3), "21.8");
  EXPECT_EQ(significant(0.07184, 3), "0.0718");
  EXPECT_EQ(significant(1234567.0, 3), "1234567");
  EXPECT_EQ(significant(9.996, 3), "10.0");  // rounding adds a digit before the point: one less after it
  EXPECT_EQ(significant(-0.5, 2), "-0.50");
  EXPECT_EQ(significant(0.0, 3), "0");
  EXPECT_EQ(significant(std::numeric_limits<double>::infinity(), 3), "–");
  EXPECT_EQ(significant(std::numeric_limits<double>::quiet_NaN(), 3), "–");
}

TEST(Format, UnitsAreChosenBySize) {
  EXPECT_EQ(byte_count(Bytes(1023)), "1023 B");
  EXPECT_EQ(byte_count(Bytes(1024)), "1.00 KiB");
  EXPECT_EQ(byte_count(Bytes(80.0 * 1024 * 1024 * 1024)), "80.0 GiB");
  EXPECT_EQ(duration(Seconds(0.0218)), "21.8 ms");
  EXPECT_EQ(duration(Seconds(3e-7)), "300 ns");
  EXPECT_EQ(duration(Seconds(1.5)), "1.50 s");
  EXPECT_EQ(token_count(65536), "64k");
  EXPECT_EQ(token_count(1000), "1000");
}

TEST(Format, NumbersIgnoreTheLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  std::setlocale(LC_ALL, "de_DE.UTF-8");  // a decimal comma, where this locale is installed
  EXPECT_EQ(significant(1.5, 2), "1.5");
  EXPECT_EQ(exact(1234.5), "1234.5");
  std::setlocale(LC_ALL, before.c_str());
}

TEST(Format, ExactReadsBackAsTheSameDouble) {
  for (const double value : {0.1, 1.0 / 3.0, 6.02214076e23, 5e-324, 1e21}) {
    EXPECT_EQ(std::strtod(exact(value).c_str(), nullptr), value) << exact(value);
  }
  EXPECT_EQ(exact(std::numeric_limits<double>::quiet_NaN()), "");
}

TEST(Format, TheNearestNameIsWithinAThirdOfItsLength) {
  EXPECT_EQ(nearest_name("scuot", {"hgca", "scout", "full_kv"}), "scout");  // a swap is one edit
  EXPECT_EQ(nearest_name("--treads", {"--threads", "--seed"}), "--threads");
  EXPECT_EQ(nearest_name("zebra", {"hgca", "scout"}), "");  // nothing is near: no bad advice
  EXPECT_EQ(nearest_name("ab", {"abc", "ab1"}), "abc");     // equals: the first
}

}  // namespace
}  // namespace outrider
