// Lists made on the host, each copied to the device once.
#include "kernels/backend/gpu/tables.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/quantised_attention.h"

namespace outrider {
namespace {

constexpr auto kDevice = CudaMemory::Where::device;

}  // namespace

template <class T>
T* Tables::room(std::size_t count) {
  memory_.push_back(std::make_unique<CudaMemory>(kDevice, count * sizeof(T) + 16));
  return memory_.back()->as<T>();
}

template <class T>
T* Tables::keep(const std::vector<T>& values) {
  T* const copy = room<T>(values.size());
  check_cuda(cudaMemcpy(copy, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return copy;
}

const PageLists& Tables::page_lists(const AttentionShape& shape) {
  const std::vector<std::int64_t> tokens = tokens_by_sequence(shape);
  const auto [row, made] =
      page_lists_.try_emplace({static_cast<std::int64_t>(tokens.size()), std::llround(shape.tokens),
                               std::llround(shape.longest), std::min<std::int64_t>(shape.block_tokens, 1), 0});
  PageLists& lists = row->second;
  if (!made) return lists;
  const std::int64_t all = pages_of(shape);
  lists.sequences = static_cast<std::int32_t>(tokens.size());
  lists.most_tokens = static_cast<std::int32_t>(*std::max_element(tokens.begin(), tokens.end()));
  lists.most_pages = (lists.most_tokens + kPageTokens - 1) / kPageTokens;
  std::vector<std::int32_t> pages, counts;
  std::int64_t next = 0;
  for (const std::int64_t each : tokens) {
    counts.push_back(static_cast<std::int32_t>(each));
    const std::int64_t own = (each + kPageTokens - 1) / kPageTokens;
    for (std::int64_t i = 0; i < lists.most_pages; ++i) {
      const std::int64_t page = i < own ? next + i : 0;
      pages.push_back(static_cast<std::int32_t>(shape.block_tokens > 0 ? scattered(page, all) : page));
    }
    next += own;
  }
  lists.pages = keep(pages);
  lists.tokens = keep(counts);
  return lists;
}

const std::int64_t* Tables::scattered_sources(const Fragments& fragments) {
  const std::int64_t*& known = sources_[{fragments.count, static_cast<std::int64_t>(fragments.bytes), 0, 0, 0}];
  if (known != nullptr) return known;
  std::vector<std::int64_t> sources;
  for (std::int64_t i = 0; i < fragments.count; ++i)
    sources.push_back(scattered(i, fragments.count) * static_cast<std::int64_t>(fragments.bytes));
  return known = keep(sources);
}

const std::int32_t* Tables::ascending(std::int64_t count) {
  const std::int32_t*& known = ascending_[{count, 0, 0, 0, 0}];
  if (known != nullptr) return known;
  std::vector<std::int32_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return known = keep(values);
}

const std::int32_t* Tables::constant(std::int32_t value, std::int64_t count) {
  const std::int32_t*& known = constants_[{value, count, 0, 0, 0}];
  if (known == nullptr) known = keep(std::vector<std::int32_t>(static_cast<std::size_t>(count), value));
  return known;
}

const float* Tables::zeros(std::int64_t count) {
  const float*& known = zeros_[{count, 0, 0, 0, 0}];
  if (known == nullptr) known = keep(std::vector<float>(static_cast<std::size_t>(count), 0.0f));
  return known;
}

const Residency& Tables::residency(std::int32_t rows, std::int32_t selected) {
  const auto [row, made] = residencies_.try_emplace({rows, selected, 0, 0, 0});
  Residency& residency = row->second;
  if (!made) return residency;
  std::vector<std::int32_t> chosen, resident;
  for (std::int32_t i = 0; i < rows; ++i) {
    for (std::int32_t block = 0; block < selected; ++block) {
      chosen.push_back(block + selected / 8);
      resident.push_back(block);
    }
  }
  const std::size_t lists = chosen.size(), count = static_cast<std::size_t>(rows);
  residency.selected = keep(chosen);
  residency.selected_stride = selected;
  residency.selected_counts = constant(selected, rows);
  residency.rows = rows;
  residency.slots = selected;
  residency.blocks = keep(resident);
  residency.slots_of = room<std::int32_t>(lists);
  residency.hits = room<std::int32_t>(lists);
  residency.hit_counts = room<std::int32_t>(count);
  residency.misses = room<std::int32_t>(lists);
  residency.miss_counts = room<std::int32_t>(count);
  residency.evictable = room<std::int32_t>(lists);
  residency.evictable_counts = room<std::int32_t>(count);
  return residency;
}

const std::int32_t* Tables::lists_of_keys(std::int64_t lists, std::int64_t length, std::int64_t keys) {
  const std::int32_t*& known = lists_of_keys_[{lists, length, keys, 0, 0}];
  if (known != nullptr) return known;
  std::vector<std::int32_t> values;
  values.reserve(static_cast<std::size_t>(lists * length));
  for (std::int64_t list = 0; list < lists; ++list) {
    for (std::int64_t i = 0; i < length; ++i)
      values.push_back(static_cast<std::int32_t>(scattered((list * length + i) % keys, keys)));
  }
  return known = keep(values);
}

void* Tables::zeroed(std::size_t bytes) {
  void* const memory = room<std::byte>(bytes);
  check_cuda(cudaMemset(memory, 0, bytes));
  return memory;
}

void* Tables::attention_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group) {
  void*& known = workspaces_[{sequences, kv_heads, group, 0, 0}];
  if (known == nullptr) known = zeroed(outrider::attention_workspace(sequences, kv_heads, group));
  return known;
}

void* Tables::quantised_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group) {
  void*& known = quantised_workspaces_[{sequences, kv_heads, group, 0, 0}];
  if (known == nullptr) known = zeroed(quantised_attention_workspace(sequences, kv_heads, group, kAttentionHeadDim));
  return known;
}

}  // namespace outrider
