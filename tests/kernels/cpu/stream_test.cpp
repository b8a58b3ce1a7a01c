// Streams read and write every word, once.
#include "kernels/cpu/stream.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "sim/base/random.h"

namespace outrider {
namespace {

TEST(Stream, ReadsEveryWord) {
  RandomStream random(7);
  for (const std::size_t words : {64u, 128u, 1024u, 4096u + 64u}) {
    std::vector<std::uint64_t> data(words);
    for (std::uint64_t& word : data) word = random.next();
    EXPECT_EQ(read_stream(data.data(), words), std::accumulate(data.begin(), data.end(), std::uint64_t{0}));
    for (const std::size_t changed : {std::size_t{0}, words / 2 + 3, words - 1}) {
      const std::uint64_t before = read_stream(data.data(), words);
      ++data[changed];
      EXPECT_EQ(read_stream(data.data(), words), before + 1) << changed << " of " << words;
    }
  }
}

TEST(Stream, WritesEveryWordAndNoOther) {
  alignas(32) std::uint64_t data[256] = {};
  write_stream(data + 64, 128, 42);
  for (std::size_t i = 0; i < 256; ++i) EXPECT_EQ(data[i], i >= 64 && i < 192 ? 42u : 0u) << i;
}

}  // namespace
}  // namespace outrider
