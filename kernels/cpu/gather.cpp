// Fragments in pieces: while one is copied, one some KiB behind it is called into the cache, since hardware prefetchers
// know neither the next fragment nor the next page.
#include "kernels/cpu/gather.h"

#include <algorithm>
#include <cstring>

#include "sim/base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace outrider {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kMostPiece = 4096;
constexpr std::size_t kAhead = 8192;  // bytes

// Copies whole lines to an aligned destination, and prefetches as many from `ahead`.
using LineCopy = void (*)(const char* from, char* to, std::size_t lines, const char* ahead);

#if defined(__x86_64__)
__attribute__((target("avx2"))) void copy_lines_avx2(const char* from, char* to, std::size_t lines, const char* ahead) {
  for (std::size_t at = 0; at < lines * kLine; at += kLine) {
    _mm_prefetch(ahead + at, _MM_HINT_T0);
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at + 32));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + at), low);
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + at + 32), high);
  }
}

__attribute__((target("avx512f"))) void copy_lines_avx512(const char* from, char* to, std::size_t lines,
                                                          const char* ahead) {
  for (std::size_t at = 0; at < lines * kLine; at += kLine) {
    _mm_prefetch(ahead + at, _MM_HINT_T0);
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + at), _mm512_loadu_si512(from + at));
  }
}
#endif

void copy_lines_scalar(const char* from, char* to, std::size_t lines, const char*) {
  std::memcpy(to, from, lines * kLine);
}

LineCopy line_copy_of(CpuPath path) {
#if defined(__x86_64__)
  if (path >= CpuPath::avx512_bf16) return copy_lines_avx512;
  if (path == CpuPath::avx2) return copy_lines_avx2;
#endif
  CHECK(path == CpuPath::scalar, "no gather by {}", to_string(path));
  return copy_lines_scalar;
}

void order_stores() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

struct Piece {
  const char* from;
  char* to;
  std::size_t bytes;
};

// The fragments' pieces, numbered through.
class Pieces {
 public:
  explicit Pieces(const GatherPart& part)
      : part_(part), fragment_bytes_(static_cast<std::size_t>(part.fragment_bytes)) {
    each_ = (fragment_bytes_ + kMostPiece - 1) / kMostPiece;
  }
  std::size_t count() const { return part_.sources.size() * each_; }
  std::size_t ahead() const { return (kAhead - 1) / std::min(fragment_bytes_, kMostPiece) + 1; }

  Piece at(std::size_t index) const {
    const std::size_t fragment = index / each_, offset = index % each_ * kMostPiece;
    const char* from = static_cast<const char*>(part_.host) + part_.sources[fragment] + offset;
    char* to = static_cast<char*>(part_.pool) + part_.slots[fragment] * part_.slot_bytes + offset;
    return {from, to, std::min(fragment_bytes_ - offset, kMostPiece)};
  }

 private:
  const GatherPart& part_;
  std::size_t fragment_bytes_, each_ = 1;
};

// Bytes before the destination's first whole line and behind its last take ordinary stores.
void copy(LineCopy copy_lines, const Piece& piece, const char* ahead) {
  const std::size_t beyond_line = reinterpret_cast<std::uintptr_t>(piece.to) % kLine;
  const std::size_t head = std::min((kLine - beyond_line) % kLine, piece.bytes);
  const std::size_t lines = (piece.bytes - head) / kLine, done = head + lines * kLine;
  std::memcpy(piece.to, piece.from, head);
  copy_lines(piece.from + head, piece.to + head, lines, ahead);
  std::memcpy(piece.to + done, piece.from + done, piece.bytes - done);
}

}  // namespace

void gather(CpuPath path, const GatherPart& part) {
  CHECK(part.fragment_bytes >= 1 && part.slot_bytes >= part.fragment_bytes, "fragments of {} bytes in slots of {}",
        part.fragment_bytes, part.slot_bytes);
  CHECK(part.slots.size() == part.sources.size(), "{} slots for {} fragments", part.slots.size(), part.sources.size());
  CHECK(can_run(path), "this processor has no {}", to_string(path));
  const LineCopy copy_lines = line_copy_of(path);
  const Pieces pieces(part);
  const std::size_t count = pieces.count();
  for (std::size_t i = 0; i < count; ++i)
    copy(copy_lines, pieces.at(i), pieces.at(std::min(i + pieces.ahead(), count - 1)).from);
  order_stores();
}

GatherPart slice(const GatherPart& whole, std::size_t first, std::size_t count) {
  GatherPart part = whole;
  part.sources = whole.sources.subspan(first, count);
  part.slots = whole.slots.subspan(first, count);
  return part;
}

}  // namespace outrider
