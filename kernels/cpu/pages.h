// Memory for data of many megabytes, in huge pages where the system grants them: random blocks then miss no TLB.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace outrider {

struct FreePages {
  void operator()(void* pages) const { std::free(pages); }
};
using Pages = std::unique_ptr<void, FreePages>;

// At least so many bytes, aligned to 2 MiB, not yet touched; null where there is no memory.
Pages huge_pages(std::size_t bytes);

}  // namespace outrider
