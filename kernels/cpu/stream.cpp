// Unrolled loops of 32-byte loads or stores, with plain ones where the processor lacks them.
#include "kernels/cpu/stream.h"

#include <algorithm>

#include "sim/base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace outrider {
namespace {

constexpr std::size_t kStep = 64;     // words of a round: 512 bytes, eight cache lines
constexpr std::size_t kAhead = 1024;  // words: 8 KiB

#if defined(__x86_64__)
__attribute__((target("avx2"))) std::uint64_t read_avx2(const std::uint64_t* data, std::size_t words) {
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i < words; i += kStep) {
    for (std::size_t line = 0; line < kStep; line += 8)
      _mm_prefetch(reinterpret_cast<const char*>(data + std::min(i + kAhead, words - kStep) + line), _MM_HINT_T0);
    for (std::size_t part = 0; part < 16; ++part) {
      const auto* at = reinterpret_cast<const __m256i*>(data + i + 4 * part);
      sums[part % 8] = _mm256_add_epi64(sums[part % 8], _mm256_loadu_si256(at));
    }
  }
  __m256i all = sums[0];
  for (std::size_t i = 1; i < 8; ++i) all = _mm256_add_epi64(all, sums[i]);
  alignas(32) std::uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), all);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

__attribute__((target("avx2"))) void write_avx2(std::uint64_t* data, std::size_t words, std::uint64_t word) {
  const __m256i value = _mm256_set1_epi64x(static_cast<long long>(word));
  for (std::size_t i = 0; i < words; i += 4) _mm256_stream_si256(reinterpret_cast<__m256i*>(data + i), value);
  _mm_sfence();
}
#endif

}  // namespace

std::uint64_t read_stream(const std::uint64_t* data, std::size_t words) {
  CHECK(words % kStep == 0, "a stream of {} words", words);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return read_avx2(data, words);
#endif
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i < words; i += 8) {
    for (std::size_t j = 0; j < 8; ++j) sums[j] += data[i + j];
  }
  std::uint64_t all = 0;
  for (const std::uint64_t sum : sums) all += sum;
  return all;
}

void write_stream(std::uint64_t* data, std::size_t words, std::uint64_t word) {
  CHECK(words % kStep == 0 && reinterpret_cast<std::uintptr_t>(data) % 32 == 0, "a stream of {} words", words);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return write_avx2(data, words, word);
#endif
  std::fill(data, data + words, word);
}

}  // namespace outrider
