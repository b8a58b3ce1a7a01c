// Reading and writing of memory at the rate that a core reaches: the ceilings of memory-bound kernels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace outrider {

// The sum of all 64-bit words, modulo 2⁶⁴, so that none can be left out. Calls what lies some KiB ahead into the cache:
// hardware prefetchers stop at the ends of pages. `words` is a multiple of 64.
std::uint64_t read_stream(const std::uint64_t* data, std::size_t words);

// Fills with one word, past the caches. `data` is aligned to 32 bytes, `words` a multiple of 64.
void write_stream(std::uint64_t* data, std::size_t words, std::uint64_t word);

}  // namespace outrider
