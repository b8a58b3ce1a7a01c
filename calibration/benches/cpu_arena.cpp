// Filling with a few blocks of normals and copies of these.
#include "calibration/benches/cpu_arena.h"

#include <algorithm>
#include <atomic>

#include "kernels/cpu/stream.h"
#include "kernels/cpu/thread_pool.h"
#include "sim/base/check.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr double kMostMemory = 2147483648.0, kShareOfMemory = 0.25;

double bytes_for(const HostFacts& facts, Effort effort) {
  return std::min(effort == Effort::quick ? 0.25 * kMostMemory : kMostMemory, kShareOfMemory * facts.memory_bytes);
}

}  // namespace

CpuArena::CpuArena(const HostFacts& facts, Effort effort)
    : blocks_(static_cast<std::size_t>(bytes_for(facts, effort)) / (kWordsPerBlock * sizeof(std::uint64_t))) {}

void CpuArena::need_normals() {
  if (!normals_) fill();
}

void CpuArena::need_any_content() {
  if (!words_) fill();
}

void CpuArena::need_to_write() {
  need_any_content();
  normals_ = false;
}

std::uint64_t* CpuArena::words() const {
  CHECK(words_ != nullptr, "memory of {} bytes is used before it is filled", bytes());
  return static_cast<std::uint64_t*>(words_.get());
}

void CpuArena::fill() {
  if (!words_) words_ = huge_pages(blocks_ * kWordsPerBlock * sizeof(std::uint64_t));
  CHECK(words_ != nullptr, "no memory of {} bytes", bytes());
  ThreadPool pool;
  const std::size_t parts = 16, drawn = 4;
  pool.parallel_for(parts, [&](std::size_t part, int) {
    RandomStream random = RandomStream(1).fork(static_cast<std::uint64_t>(part));
    auto* const elements = static_cast<Bf16*>(words_.get());
    const std::size_t first = part * blocks_ / parts, end = (part + 1) * blocks_ / parts;
    for (std::size_t i = first * kBlockElements; i < std::min(first + drawn, end) * kBlockElements; ++i)
      elements[i] = to_bf16(static_cast<float>(random.normal()));
    for (std::size_t block = first + drawn; block < end; ++block)
      std::copy_n(elements + (block - drawn) * kBlockElements, kBlockElements, elements + block * kBlockElements);
  });
  write_back();
  normals_ = true;
}

// Reads all once: caches of hundreds of megabytes would else write the fill back while something is measured.
void CpuArena::write_back() {
  ThreadPool pool;
  constexpr std::size_t kChunk = 64 * kWordsPerBlock;
  std::atomic<std::uint64_t> sum{0};
  pool.parallel_for(blocks_ / 64,
                    [&](std::size_t chunk, int) { sum += read_stream(words() + chunk * kChunk, kChunk); });
  CHECK(sum != 0, "memory of {} bytes reads as zeros", bytes());
}

}  // namespace outrider
