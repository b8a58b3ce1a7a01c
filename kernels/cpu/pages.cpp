// Aligned memory, and the system's advice about it.
#include "kernels/cpu/pages.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace outrider {

Pages huge_pages(std::size_t bytes) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  const std::size_t whole = (bytes + kHuge - 1) / kHuge * kHuge;
  Pages pages(std::aligned_alloc(kHuge, whole));
#if defined(__linux__)
  if (pages) madvise(pages.get(), whole, MADV_HUGEPAGE);  // a refusal leaves small pages
#endif
  return pages;
}

}  // namespace outrider
