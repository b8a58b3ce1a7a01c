// The families of samples: what each measures, and the numbers that its shapes consist of.
#pragma once

#include <string>
#include <vector>

namespace outrider {

// What one family measures, for --help and reports, and the names of its shapes' numbers, in their order.
struct FamilyInfo {
  std::string name, meaning;
  std::string shape;  // "threads bytes"
};

std::vector<FamilyInfo> cpu_families();
std::vector<FamilyInfo> gpu_families();
std::vector<FamilyInfo> families();  // of both

}  // namespace outrider
