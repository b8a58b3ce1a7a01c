// The table of systems.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {

std::span<const MethodEntry> methods() {
  static const std::vector<MethodEntry> table = {
      full_kv(),      flexgen(),    infinigen(),  hgca(),        scout(),
      quest(),        arkvale(),    shadowkv(),   freekv(),      omnikv(),
      retroinfer(),   magicpig(),   pqcache(),    csattention(), retrieval_completion(),
      turbo(),        neo(),        fastdecode(), kvpr(),        h2o(),
      prefix_cache(), train_step(), cpu_probe()};
  return table;
}

const MethodEntry* method_named(std::string_view name) {
  static const MethodEntry from_knobs = composed();
  if (name == from_knobs.info.name) return &from_knobs;
  for (const MethodEntry& entry : methods()) {
    if (entry.info.name == name) return &entry;
  }
  return nullptr;
}

std::vector<MethodInfo> method_infos() {
  std::vector<MethodInfo> infos;
  for (const MethodEntry& entry : methods()) infos.push_back(entry.info);
  infos.push_back(composed().info);
  return infos;
}

}  // namespace outrider
