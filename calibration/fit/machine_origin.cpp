// Sources of two machines, compared.
#include "calibration/fit/machine_origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace outrider {
namespace {

std::string section_of(const std::string& path) { return path.substr(0, path.find('.')); }

bool is_as_in(const MachineSpec& measured, const std::string& path, const std::string& source) {
  const auto found = measured.sources.find(path);
  return found != measured.sources.end() && found->second == source;
}

}  // namespace

std::vector<std::string> unmeasured_figures(const MachineSpec& measured, const MachineSpec& base) {
  std::map<std::string, std::vector<std::string>> left;  // by section
  std::map<std::string, std::size_t> all;
  for (const auto& [path, source] : base.sources) {
    ++all[section_of(path)];
    if (is_as_in(measured, path, source)) left[section_of(path)].push_back(path);
  }
  std::vector<std::string> figures;
  for (const auto& [section, paths] : left) {
    if (paths.size() == all[section]) {
      figures.push_back(section);
    } else {
      figures.insert(figures.end(), paths.begin(), paths.end());
    }
  }
  return figures;
}

bool is_measured(const MachineSpec& machine, const MachineSpec& base) {
  return std::any_of(machine.sources.begin(), machine.sources.end(), [&](const auto& each) {
    const auto before = base.sources.find(each.first);
    return each.second.find("measured: ") != std::string::npos &&
           (before == base.sources.end() || before->second != each.second);
  });
}

void name_origins(MachineSpec& measured, const MachineSpec& base, const HostFacts& host, bool same_gpu) {
  measured.description =
      fmt::format("{}, {} processors, {}: measured by outrider calibrate; {} is as on {}", host.cpu, host.processors,
                  host.gpu.empty() ? "without a GPU" : host.gpu,
                  host.gpu.empty() ? "the GPU, and all else that was not," : "what was not", base.name);
  for (const auto& [path, source] : base.sources) {
    if ((same_gpu && section_of(path) == "gpu") || !is_as_in(measured, path, source)) continue;
    measured.sources[path] = fmt::format("as on {}, not measured here: {}", base.name, source);
  }
}

}  // namespace outrider
