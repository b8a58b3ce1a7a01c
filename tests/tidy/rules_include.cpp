// Rules about who may include whom: the picture of ARCHITECTURE.md as a table.
#include <algorithm>
#include <array>

#include "tests/tidy/rules.h"

namespace outrider {
namespace {

// A library and the only places that may include it; a place that ends in '/' is a folder.
struct LibraryRule {
  std::string_view prefix;
  std::vector<std::string_view> places;
};

const std::vector<LibraryRule>& library_rules() {
  static const std::vector<LibraryRule> rules = {
      {"<yaml-cpp/", {"sim/io/", "hwmodels/profile_reader.h", "hwmodels/profile_reader.cpp", "tests/sim/io/"}},
      {"<muParser", {"sim/study/conditions.cpp"}},
      {"<sqlite3", {"sim/study/sqlite.cpp"}},
      {"<xxhash", {"sim/io/digest.cpp"}},
      {"<boost/graph/", {"sim/graph/algorithms.cpp", "hwmodels/topology.cpp"}},
      {"<boost/program_options", {"sim/cli/options.cpp"}},
      {"<cuda_runtime", {"kernels/", "tests/kernels/cuda/"}},
      {"<cuda_runtime_api", {"kernels/"}},
  };
  return rules;
}

bool allowed(const std::set<std::string>& row, const std::string& path) {
  return row.count(path) + row.count(folder_of(path)) > 0;
}

// The words between the parentheses behind each `outrider_module`.
std::vector<std::vector<std::string>> module_calls(std::string_view text) {
  constexpr std::string_view kCall = "\noutrider_module(";
  std::vector<std::vector<std::string>> calls;
  for (std::size_t at = text.find(kCall); at != std::string_view::npos; at = text.find(kCall, at + 1)) {
    const std::size_t first = at + kCall.size();
    const std::string_view inside = text.substr(first, text.find(')', first) - first);
    std::vector<std::string> arguments;
    for (std::size_t i = 0; i < inside.size();) {
      const std::size_t start = std::min(inside.find_first_not_of(" \n", i), inside.size());
      i = std::min(inside.find_first_of(" \n", start), inside.size());
      if (i > start) arguments.emplace_back(inside.substr(start, i - start));
    }
    calls.push_back(arguments);
  }
  return calls;
}

}  // namespace

const IncludeTable& include_table() {
  static const IncludeTable table = {
      {"sim/base", {}},
      {"sim/spec", {"sim/base"}},
      {"sim/graph", {"sim/spec", "sim/base"}},
      {"sim/trace", {"sim/base"}},
      {"sim/methods", {"sim/graph", "sim/spec", "sim/base"}},
      {"sim/engine", {"sim/graph", "sim/trace", "sim/base"}},
      {"sim/io", {"sim/spec", "sim/trace", "sim/base"}},
      {"hwmodels", {"sim/engine/demand.h", "sim/graph", "sim/spec", "sim/io", "sim/base"}},
      {"kernels/backend", {"kernels/cpu", "kernels/cuda", "sim/graph", "sim/trace", "sim/spec", "sim/base"}},
      {"kernels/cpu", {"sim/base"}},
      {"kernels/cuda", {"sim/base"}},
      {"kernels/reference", {"kernels/cpu", "sim/base"}},
      {"calibration/samples", {"hwmodels", "sim/io", "sim/base"}},
      {"calibration/benches", {"calibration/samples", "kernels/cpu", "sim/base"}},
      {"calibration/gpu", {"calibration/benches", "calibration/samples", "kernels/cuda/trials.h", "sim/base"}},
      {"calibration/fit", {"calibration/samples", "hwmodels", "sim/io", "sim/graph", "sim/spec", "sim/base"}},
      {"sim/study",
       {"sim/methods", "sim/engine", "sim/io", "hwmodels", "sim/graph", "sim/trace", "sim/spec", "sim/base"}},
      {"fidelity", {"kernels/cpu", "kernels/reference", "sim/study", "sim/io", "sim/spec", "sim/base"}},
      {"validation",
       {"kernels/backend", "kernels/cpu", "sim/study", "sim/methods", "sim/engine", "sim/io", "hwmodels", "sim/graph",
        "sim/trace", "sim/spec", "sim/base"}},
      {"sim/cli",
       {"fidelity", "validation", "calibration/benches", "calibration/fit", "calibration/samples", "sim/study",
        "sim/methods", "sim/engine", "sim/io", "hwmodels", "sim/graph", "sim/trace", "sim/spec", "sim/base"}},
  };
  return table;
}

std::string folder_of(std::string_view path) {
  std::string innermost;
  for (const auto& [folder, row] : include_table()) {
    if (starts_with(path, folder + "/") && folder.size() > innermost.size()) innermost = folder;
  }
  return innermost;
}

Findings forbidden_includes(const SourceFile& file) {
  Findings findings;
  const std::string folder = folder_of(file.path);
  for (std::size_t i = 0; is_cpp(file) && i < file.lines.size(); ++i) {
    const std::string quoted = included(file.lines[i]);
    if (quoted.empty() || quoted.front() != '"') continue;
    const std::string path = quoted.substr(1, quoted.size() - 2);
    const bool rooted = path.find("..") == std::string::npos && path.find('/') != std::string::npos;
    if (!rooted) findings.push_back({file.path, i + 1, quoted + " is not a path from the root of the tree"});
    if (!rooted || folder.empty() || folder_of(path) == folder) continue;
    if (!allowed(include_table().at(folder), path)) {
      findings.push_back({file.path, i + 1, folder + " must not include " + quoted});
    }
  }
  return findings;
}

Findings forbidden_libraries(const SourceFile& file) {
  Findings findings;
  for (std::size_t i = 0; is_cpp(file) && i < file.lines.size(); ++i) {
    std::string path = included(file.lines[i]);
    if (!path.empty()) path.front() = '<';
    for (const LibraryRule& rule : library_rules()) {
      const bool here = std::any_of(rule.places.begin(), rule.places.end(), [&](std::string_view place) {
        return place.back() == '/' ? starts_with(file.path, place) : file.path == place;
      });
      if (starts_with(path, rule.prefix) && !here) findings.push_back({file.path, i + 1, "must not include " + path});
    }
  }
  return findings;
}

IncludeTable cmake_dependencies(std::string_view cmake_lists) {
  IncludeTable result;
  for (const std::vector<std::string>& arguments : module_calls(cmake_lists)) {
    if (arguments.empty()) continue;
    std::set<std::string>& row = result[arguments[0]];
    bool depends = false;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      if (arguments[i] == "DEPENDS" || arguments[i] == "LIBRARIES") {
        depends = arguments[i] == "DEPENDS";
      } else if (depends) {
        row.insert(arguments[i]);
      }
    }
  }
  return result;
}

}  // namespace outrider
