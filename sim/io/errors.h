// A user's mistakes in input files, all of them collected before anything is refused.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace outrider {

// One mistake. `expected` and `got` complete the sentence "expected …, got …".
struct ConfigError {
  std::string file;
  int line = 0;  // from 1; 0 where the mistake has no place in the text
  int column = 0;
  std::string path{};  // dotted: "machine.gpu.sms", "workloads[2].batches"; empty for the whole file
  std::string expected{};
  std::string got{};
  std::string suggestion{};  // the nearest valid name, or empty
};

// "file:line:column: dotted.path: expected …, got …, did you mean …?", without the parts that are empty.
std::string to_string(const ConfigError& error);

class ConfigErrors {
 public:
  void add(ConfigError error) { all_.push_back(std::move(error)); }
  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  const std::vector<ConfigError>& all() const { return all_; }

 private:
  std::vector<ConfigError> all_;
};

}  // namespace outrider
