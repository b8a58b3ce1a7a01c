// The files that scenarios name, each read once however many scenarios name it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "sim/io/digest.h"
#include "sim/io/yaml_node.h"
#include "sim/spec/model.h"

namespace outrider {

// What was read stays as it was, so that all who ask see the same content. Not for several threads at once.
class InputFiles {
 public:
  // Null where the file cannot be read or breaks a rule, with the reason among the errors each time.
  const YamlNode* yaml(const std::filesystem::path& file, ConfigErrors& errors);
  const ModelSpec* model(const std::filesystem::path& file, ConfigErrors& errors);
  // Likewise of a YAML file that need not be there: null then, and nothing reported.
  const YamlNode* yaml_if_any(const std::filesystem::path& file);
  // Of the texts of all files that were read, in the order of their paths.
  Digest digest() const;
  // Of one of them.
  const Digest& digest_of(const std::filesystem::path& file) const { return digests_.at(file.string()); }

 private:
  // Nothing where there is no such file.
  std::map<std::string, std::optional<YamlNode>> trees_;
  std::map<std::string, ModelSpec> models_;
  std::map<std::string, Digest> digests_;
};

}  // namespace outrider
