// The table of systems.
#include "sim/methods/systems.h"

namespace outrider {

std::span<const MethodEntry> methods() {
  static const std::vector<MethodEntry> table = {full_kv(), flexgen(), infinigen(), hgca(), scout()};
  return table;
}

std::vector<MethodInfo> method_infos() {
  std::vector<MethodInfo> infos;
  for (const MethodEntry& entry : methods()) infos.push_back(entry.info);
  return infos;
}

}  // namespace outrider
