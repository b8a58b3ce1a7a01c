// Memory that the CPU's microbenchmarks share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "calibration/benches/microbench.h"
#include "kernels/cpu/bf16.h"
#include "kernels/cpu/pages.h"

namespace outrider {

// Far beyond the caches, in blocks of KV as attention reads them: normals in bf16. It is filled once, on all cores, by
// what is prepared first, and again where attention follows what wrote over it: experiments say what they need when
// they are prepared, by one thread, and while trials run nothing but words and elements is called.
class CpuArena final : public BenchMemory {
 public:
  static constexpr std::int64_t kBlockTokens = 32, kHeadDim = 128;
  static constexpr std::int64_t kBlockElements = 2 * kBlockTokens * kHeadDim;
  static constexpr std::size_t kWordsPerBlock = kBlockElements * sizeof(Bf16) / sizeof(std::uint64_t);

  CpuArena(const HostFacts& facts, Effort effort);

  std::size_t blocks() const { return blocks_; }
  double bytes() const { return static_cast<double>(blocks_ * kWordsPerBlock * sizeof(std::uint64_t)); }

  void need_normals();      // for attention
  void need_any_content();  // for reading
  void need_to_write();     // the normals are gone

  // Only after one of these.
  std::uint64_t* words() const;
  const Bf16* elements() const { return reinterpret_cast<const Bf16*>(words()); }

 private:
  void fill();
  void write_back();

  std::size_t blocks_;
  Pages words_;
  bool normals_ = false;
};

}  // namespace outrider
