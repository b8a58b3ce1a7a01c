// Reads dtype (torch_dtype in older files) and quantization_config: fp8, mxfp4, gptq, awq, or none.
#include "sim/io/hf_types.h"

#include <string>
#include <vector>

namespace outrider {
namespace {

// A quantised format: payload type and bits of scales and zero points per weight.
struct Quantization {
  DataType type = DataType::bf16;
  double scale_bits = 0.0;
  bool experts_only = false;
};

std::optional<DataType> torch_type(const std::string& name) {
  if (name == "bfloat16") return DataType::bf16;
  if (name == "float16") return DataType::fp16;
  if (name == "float32") return DataType::fp32;
  return std::nullopt;
}

// The object and key that state the dtype: text_config's before the root's, the newer name before the older.
DataType read_dtype(const HfFields& fields, const HfFields& root, bool mxfp4) {
  for (const HfFields* object : {&fields, &root}) {
    for (const char* key : {"dtype", "torch_dtype"}) {
      if (!object->has(key)) continue;
      const std::optional<DataType> type = torch_type(object->text(key));
      if (!type) object->error(key, "bfloat16, float16 or float32");
      return type.value_or(DataType::bf16);
    }
  }
  // Transformers' Mxfp4HfQuantizer loads such a checkpoint as bfloat16 where nothing says otherwise.
  if (!mxfp4) fields.error("dtype", "dtype or torch_dtype: bfloat16, float16 or float32", "nothing");
  return DataType::bf16;
}

// FineGrainedFP8: one float32 scale per block of weights (DeepSeek-V3, arXiv 2412.19437, section 3.3.2).
Quantization read_fp8(const HfFields& config) {
  const std::vector<std::int64_t> block = config.integers("weight_block_size", kWidthRange);
  if (block.empty()) return {.type = DataType::fp8, .scale_bits = 0.0, .experts_only = false};
  if (block.size() != 2) config.error("weight_block_size", "an array of 2 integers");
  const double weights = static_cast<double>(block.front()) * static_cast<double>(block.back());
  return {.type = DataType::fp8, .scale_bits = 32.0 / weights, .experts_only = false};
}

// GPTQ and AWQ: per group of group_size weights of a row, a float16 scale and a zero point of the payload's width.
Quantization read_grouped(const HfFields& config, std::string_view method) {
  const std::int64_t bits =
      config.integer("bits", {4, 8}, method == "awq" ? std::optional<std::int64_t>(4) : std::nullopt);
  if (bits != 0 && bits != 4 && bits != 8) config.error("bits", "4 or 8");
  const std::int64_t group = config.integer("group_size", kWidthRange);
  const double scale_bits = group > 0 ? (16.0 + static_cast<double>(bits)) / static_cast<double>(group) : 0.0;
  return {.type = bits == 8 ? DataType::int8 : DataType::int4, .scale_bits = scale_bits, .experts_only = false};
}

std::optional<Quantization> read_quantization(const HfFields& config) {
  const std::string method = config.text("quant_method");
  if (method == "fp8") return read_fp8(config);
  // OCP Microscaling Formats 1.0: an 8-bit exponent per 32 elements of 4 bits; used for the experts alone.
  if (method == "mxfp4") return Quantization{.type = DataType::fp4, .scale_bits = 8.0 / 32.0, .experts_only = true};
  if (method == "gptq" || method == "awq") return read_grouped(config, method);
  if (!method.empty()) config.error("quant_method", "one of awq, fp8, gptq, mxfp4");
  return std::nullopt;
}

}  // namespace

void read_types(const HfFields& fields, const HfFields& root, ModelSpec& model) {
  const HfFields& owner = fields.has("quantization_config") ? fields : root;
  const std::optional<HfFields> config = owner.object("quantization_config");
  const std::optional<Quantization> quantization = config ? read_quantization(*config) : std::nullopt;
  const DataType plain = read_dtype(fields, root, quantization && quantization->experts_only);
  model.unquantized_type = model.kv_type = model.weight_type = model.expert_type = plain;
  if (!quantization) return;
  model.expert_type = quantization->type;
  model.expert_scale_bits = quantization->scale_bits;
  if (quantization->experts_only) return;
  model.weight_type = quantization->type;
  model.weight_scale_bits = quantization->scale_bits;
}

}  // namespace outrider
