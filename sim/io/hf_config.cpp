// From a path to a ModelSpec: the file, its text part, the architecture, then every part of the model.
#include "sim/io/hf_config.h"

#include <string>
#include <system_error>
#include <utility>

#include "sim/io/hf_layers.h"
#include "sim/io/hf_types.h"

namespace outrider {
namespace {

std::filesystem::path config_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? path / "config.json" : path;
}

std::string model_name(const std::filesystem::path& file) {
  if (file.filename() != "config.json") return file.stem().string();
  const std::filesystem::path directory = std::filesystem::absolute(file).lexically_normal().parent_path();
  return directory.filename().string();
}

// Multimodal files keep the language model in text_config, and some of its facts beside it.
bool read_tied(const HfFields& fields, const HfFields& root, const Architecture& architecture) {
  const HfFields& owner = fields.has("tie_word_embeddings") ? fields : root;
  return owner.flag("tie_word_embeddings", architecture.tied);
}

void refuse_encoder_decoder(const HfFields& root) {
  if (root.flag("is_encoder_decoder", false)) {
    root.error("is_encoder_decoder", "false: only decoder-only models are supported");
  }
}

ModelSpec read_model(const HfFields& fields, const HfFields& root, const RecognizedArchitecture& architecture) {
  ModelSpec model;
  model.source = root.file();
  model.architecture = architecture.description;
  model.hidden = fields.integer("hidden_size", kWidthRange);
  model.vocab = fields.integer("vocab_size", kTokenRange);
  model.max_context = fields.integer("max_position_embeddings", kTokenRange);
  model.tied_embeddings = read_tied(fields, root, *architecture.row);
  read_types(fields, root, model);
  const std::int64_t layers = fields.integer("num_hidden_layers", kLayerRange);
  model.layers = read_layers(fields, *architecture.row, {.hidden = model.hidden, .layers = layers});
  return model;
}

std::optional<ModelSpec> read_document(const JsonText& document, const std::filesystem::path& file,
                                       ConfigErrors& errors) {
  const std::size_t errors_before = errors.size();
  const HfFields root(document, document.root, "", errors);
  const std::optional<HfFields> text_config = root.object("text_config");
  refuse_encoder_decoder(root);
  if (errors.size() != errors_before) return std::nullopt;
  const HfFields& fields = text_config ? *text_config : root;
  const std::optional<RecognizedArchitecture> architecture = recognize_architecture(fields, root);
  if (!architecture) return std::nullopt;
  ModelSpec model = read_model(fields, root, *architecture);
  model.name = model_name(file);
  if (errors.size() != errors_before) return std::nullopt;
  return model;
}

}  // namespace

std::optional<ModelSpec> read_hf_config(const std::filesystem::path& path, ConfigErrors& errors) {
  const std::filesystem::path file = config_file(path);
  const std::optional<JsonText> document = read_json(file, errors);
  if (!document) return std::nullopt;
  return read_document(*document, file, errors);
}

std::optional<ModelSpec> parse_hf_config(std::string text, const std::filesystem::path& file, ConfigErrors& errors) {
  const std::optional<JsonText> document = parse_json(std::move(text), file.string(), errors);
  if (!document) return std::nullopt;
  return read_document(*document, file, errors);
}

}  // namespace outrider
