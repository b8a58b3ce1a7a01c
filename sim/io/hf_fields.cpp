// Looks members up, checks their types and ranges, and words the errors.
#include "sim/io/hf_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace outrider {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxQuoted = 60;
constexpr std::size_t kMaxSuggested = 64;  // longer keys are no misspellings of ours

// What the reader asks for: none of these is a misspelling of another, however near ("qk_nope_head_dim").
constexpr std::array<std::string_view, 51> kKnownKeys = {"attention_bias",
                                                         "attention_k_eq_v",
                                                         "attn_output_gate",
                                                         "bits",
                                                         "decoder_sparse_step",
                                                         "dtype",
                                                         "enable_moe_block",
                                                         "experts_per_token",
                                                         "first_k_dense_replace",
                                                         "full_attention_interval",
                                                         "global_head_dim",
                                                         "group_size",
                                                         "head_dim",
                                                         "hidden_size",
                                                         "index_head_dim",
                                                         "index_n_heads",
                                                         "index_topk",
                                                         "index_topk_freq",
                                                         "index_topk_pattern",
                                                         "indexer_types",
                                                         "intermediate_size",
                                                         "kv_lora_rank",
                                                         "layer_types",
                                                         "linear_conv_kernel_dim",
                                                         "linear_key_head_dim",
                                                         "linear_num_key_heads",
                                                         "linear_num_value_heads",
                                                         "linear_value_head_dim",
                                                         "max_position_embeddings",
                                                         "mlp_layer_types",
                                                         "mlp_only_layers",
                                                         "model_type",
                                                         "moe_intermediate_size",
                                                         "moe_layer_freq",
                                                         "n_routed_experts",
                                                         "n_shared_experts",
                                                         "num_attention_heads",
                                                         "num_experts",
                                                         "num_experts_per_tok",
                                                         "num_global_key_value_heads",
                                                         "num_hidden_layers",
                                                         "num_key_value_heads",
                                                         "num_local_experts",
                                                         "q_lora_rank",
                                                         "qk_nope_head_dim",
                                                         "qk_rope_head_dim",
                                                         "quant_method",
                                                         "sliding_window",
                                                         "top_k_experts",
                                                         "torch_dtype",
                                                         "v_head_dim"};

// Levenshtein's distance: insertions, deletions and substitutions.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row[b.size()];
}

// The key that may have been meant to be `missing`: at most one edit in five letters away.
std::string likely_misspelling(std::string_view missing, const std::vector<std::string>& keys) {
  std::string nearest;
  std::size_t fewest = missing.size() / 5 + 1;
  for (const std::string& key : keys) {
    if (key.size() > kMaxSuggested || std::find(kKnownKeys.begin(), kKnownKeys.end(), key) != kKnownKeys.end())
      continue;
    const std::size_t edits = edits_between(missing, key);
    if (edits >= fewest) continue;
    fewest = edits;
    nearest = key;
  }
  return nearest;
}

std::string integer_expectation(IntegerRange range) {
  return fmt::format("an integer from {} to {}", range.min, range.max);
}

// The value as the file has it, or its type and size where it is long.
std::string shown(const json& value) {
  if (value.is_array()) return fmt::format("an array of {}", value.size());
  if (value.is_object()) return "an object";
  const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= kMaxQuoted ? text : text.substr(0, kMaxQuoted) + "…";
}

}  // namespace

std::string comma_separated(std::span<const std::string_view> words) {
  std::string text;
  for (std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

const json* HfFields::find(std::string_view key) const {
  const auto member = object_->find(std::string(key));
  return member == object_->end() ? nullptr : &*member;
}

bool HfFields::has(std::string_view key) const {
  const json* value = find(key);
  return value != nullptr && !value->is_null();
}

bool HfFields::is_null(std::string_view key) const {
  const json* value = find(key);
  return value != nullptr && value->is_null();
}

bool HfFields::is_set(std::string_view key) const {
  return has(key) && *find(key) != json(false) && *find(key) != json(0) && !find(key)->empty();
}

std::vector<std::string> HfFields::keys() const {
  std::vector<std::string> names;
  for (const auto& member : object_->items()) names.push_back(member.key());
  return names;
}

std::string HfFields::path_of(std::string_view key) const {
  return path_.empty() || key.empty() ? path_ + std::string(key) : fmt::format("{}.{}", path_, key);
}

std::string HfFields::described(std::string_view key) const {
  const json* value = find(key);
  return value == nullptr ? "nothing" : shown(*value);
}

void HfFields::error(std::string_view key, std::string expected, std::string got) const {
  const std::string path = path_of(key);
  const std::string misspelt = find(key) == nullptr ? likely_misspelling(key, keys()) : "";
  if (!misspelt.empty()) got += fmt::format(", only {}", misspelt);
  const TextPosition position = document_->position_of(misspelt.empty() ? path : path_of(misspelt));
  errors_->add({.file = document_->file,
                .line = position.line,
                .column = position.column,
                .path = path,
                .expected = std::move(expected),
                .got = std::move(got),
                .suggestion = ""});
}

void HfFields::error(std::string_view key, std::string expected) const {
  error(key, std::move(expected), described(key));
}

std::optional<std::int64_t> HfFields::integer_in(const json& value, IntegerRange range) const {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(range.max)) {
    return std::nullopt;
  }
  const auto number = value.get<std::int64_t>();
  if (number < range.min || number > range.max) return std::nullopt;
  return number;
}

std::int64_t HfFields::integer(std::string_view key, IntegerRange range, std::optional<std::int64_t> fallback) const {
  if (!has(key) && fallback) return *fallback;
  const json* value = find(key);
  const std::optional<std::int64_t> number = value == nullptr ? std::nullopt : integer_in(*value, range);
  if (!number) error(key, integer_expectation(range));
  return number.value_or(0);
}

bool HfFields::flag(std::string_view key, std::optional<bool> fallback) const {
  if (!has(key) && fallback) return *fallback;
  if (!has(key) || !find(key)->is_boolean()) {
    error(key, "true or false");
    return false;
  }
  return find(key)->get<bool>();
}

std::string HfFields::text(std::string_view key, const std::optional<std::string>& fallback) const {
  if (!has(key) && fallback) return *fallback;
  if (!has(key) || !find(key)->is_string()) {
    error(key, "a string");
    return "";
  }
  return find(key)->get<std::string>();
}

std::vector<std::string> HfFields::words(std::string_view key, std::size_t size,
                                         std::span<const std::string_view> allowed) const {
  const json& array = *find(key);
  if (!array.is_array() || array.size() != size) {
    error(key, fmt::format("an array of {}, one per layer", size));
    return {};
  }
  std::vector<std::string> result;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string word = array[i].is_string() ? array[i].get<std::string>() : "";
    if (std::find(allowed.begin(), allowed.end(), word) == allowed.end()) {
      error(fmt::format("{}[{}]", key, i), "one of " + comma_separated(allowed), shown(array[i]));
      return {};
    }
    result.push_back(word);
  }
  return result;
}

std::vector<std::int64_t> HfFields::integers(std::string_view key, IntegerRange range) const {
  if (!has(key)) return {};
  std::vector<std::int64_t> result;
  if (!find(key)->is_array()) error(key, "an array of integers");
  if (!find(key)->is_array()) return {};
  for (const json& element : *find(key)) {
    const std::optional<std::int64_t> number = integer_in(element, range);
    if (!number) {
      error(fmt::format("{}[{}]", key, result.size()), integer_expectation(range), shown(element));
      return {};
    }
    result.push_back(*number);
  }
  return result;
}

std::optional<HfFields> HfFields::object(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  if (!find(key)->is_object()) {
    error(key, "an object");
    return std::nullopt;
  }
  return HfFields(*document_, *find(key), path_of(key), *errors_);
}

}  // namespace outrider
