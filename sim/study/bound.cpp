// Causes by the kind of their operation.
#include "sim/study/bound.h"

#include <algorithm>
#include <string_view>

#include "sim/graph/op.h"

namespace outrider {
namespace {

const char* part_of(std::string_view operation) {
  for (const std::string_view prefix : {kQueued, kSignalled}) {
    if (operation.starts_with(prefix)) operation.remove_prefix(prefix.size());
  }
  for (int i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (to_string(family) != operation) continue;
    switch (kind_of(family)) {
      case OpKind::gpu_kernel:
        return "GPU";
      case OpKind::copy:
        return "link";
      case OpKind::cpu_kernel:
        return "CPU";
      case OpKind::host_step:
        return "host thread";
      case OpKind::barrier:
        break;
    }
  }
  return "other";
}

}  // namespace

std::vector<BoundPart> bound_parts(const std::vector<Cause>& causes, bool dram_bounds_reads) {
  std::vector<BoundPart> parts;
  for (const Cause& cause : causes) {
    const bool dram = cause.bottleneck == "DRAM" || (dram_bounds_reads && cause.bottleneck == "CPU reads");
    const char* const name = dram ? "DRAM" : part_of(cause.name);
    auto part = std::find_if(parts.begin(), parts.end(), [&](const BoundPart& each) { return each.name == name; });
    if (part == parts.end()) part = parts.insert(part, {name, 0.0});
    part->share += cause.share;
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const BoundPart& a, const BoundPart& b) { return a.share > b.share; });
  return parts;
}

}  // namespace outrider
