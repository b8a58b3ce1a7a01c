// Reading once.
#include "sim/io/input_files.h"

#include "sim/io/hf_config.h"
#include "sim/io/yaml_text.h"

namespace outrider {

const YamlNode* InputFiles::yaml(const std::filesystem::path& file, ConfigErrors& errors) {
  const auto known = trees_.find(file.string());
  if (known != trees_.end() && known->second) return &*known->second;
  const std::optional<std::string> text = read_checked_text(file, errors);
  if (!text) return nullptr;
  std::optional<YamlNode> tree = parse_yaml(*text, file.string(), errors);
  if (!tree) return nullptr;
  digests_[file.string()] = outrider::digest_of(*text);
  return &*(trees_[file.string()] = std::move(tree));
}

const YamlNode* InputFiles::yaml_if_any(const std::filesystem::path& file) {
  const auto known = trees_.find(file.string());
  if (known != trees_.end()) return known->second ? &*known->second : nullptr;
  std::error_code ignored;
  ConfigErrors unheard;
  const YamlNode* tree = std::filesystem::is_regular_file(file, ignored) ? yaml(file, unheard) : nullptr;
  if (tree == nullptr) trees_[file.string()] = std::nullopt;
  return tree;
}

const ModelSpec* InputFiles::model(const std::filesystem::path& file, ConfigErrors& errors) {
  const auto known = models_.find(file.string());
  if (known != models_.end()) return &known->second;
  std::optional<ModelSpec> model = read_hf_config(file, errors);
  if (!model) return nullptr;
  digests_[file.string()] = digest_of_file(model->source);
  return &(models_[file.string()] = std::move(*model));
}

Digest InputFiles::digest() const {
  Digester digester;
  for (const auto& [file, digest] : digests_) digester.add(digest);
  return digester.digest();
}

}  // namespace outrider
