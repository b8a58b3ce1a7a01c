// What builds with CUDA and without it share: the waiving of every family of the GPU.
#include "calibration/benches/gpu_probe.h"

#include "calibration/samples/families.h"

namespace outrider {

std::vector<Microbench> waived_gpu_microbenches(const std::string& reason) {
  std::vector<Microbench> list;
  for (const FamilyInfo& family : gpu_families()) {
    Microbench waived;
    waived.family = family.name;
    waived.waived = reason;
    list.push_back(std::move(waived));
  }
  return list;
}

}  // namespace outrider
