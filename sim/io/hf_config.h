// Reads a Hugging Face config.json into a ModelSpec.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/io/errors.h"
#include "sim/spec/model.h"

namespace outrider {

// `path`: a JSON file, or a directory that holds a config.json. The model is named after the file, or after the
// directory where the file is called config.json.
//
// Keys that describe no part of the architecture (tokens, RoPE, initialisation, vision and audio towers) are ignored.
// What is needed must be there with its right type and range, or have a default that the architecture's configuration
// class in Transformers documents. All of a file's errors are reported at once; nothing is given where there is any.
//
// A model_type that is not in hf_architecture.cpp's table is read as a Llama-shaped decoder only where the file itself
// states everything that distinguishes one; ModelSpec::architecture then says so. Otherwise it is refused.
std::optional<ModelSpec> read_hf_config(const std::filesystem::path& path, ConfigErrors& errors);

// The same for text in memory; `file` names it in messages, and names the model.
std::optional<ModelSpec> parse_hf_config(std::string text, const std::filesystem::path& file, ConfigErrors& errors);

}  // namespace outrider
