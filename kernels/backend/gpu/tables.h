// Device memory beside the arenas: lists of pages, counts and lists of blocks, shared by all ops of one shape.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernels/backend/work.h"
#include "kernels/cuda/residency.h"
#include "kernels/cuda/timing.h"

namespace outrider {

// What an attention over pages of its own part of the cache looks up.
struct PageLists {
  const std::int32_t* pages = nullptr;   // [sequences][most_pages]
  const std::int32_t* tokens = nullptr;  // [sequences]
  std::int64_t most_pages = 0;
  std::int32_t most_tokens = 0, sequences = 0;
};

class Tables {
 public:
  const PageLists& page_lists(const AttentionShape& shape);
  // Sources in bytes, scattered over `count` fragments; and their slots in order.
  const std::int64_t* scattered_sources(const Fragments& fragments);
  const std::int32_t* ascending(std::int64_t count);
  const std::int32_t* constant(std::int32_t value, std::int64_t count);
  const float* zeros(std::int64_t count);
  // Rows that miss one of eight selected blocks.
  const Residency& residency(std::int32_t rows, std::int32_t selected);
  // Zeroed, and of each shape its own: its layout is the shape's. Launches that share it must not overlap.
  void* attention_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group);
  void* quantised_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group);
  // [lists][length] numbers below `keys`, distinct in a list and in scattered order.
  const std::int32_t* lists_of_keys(std::int64_t lists, std::int64_t length, std::int64_t keys);

 private:
  template <class T>
  T* keep(const std::vector<T>& values);
  template <class T>
  T* room(std::size_t count);
  void* zeroed(std::size_t bytes);

  using Key = std::array<std::int64_t, 5>;
  std::map<Key, PageLists> page_lists_;
  std::map<Key, const std::int64_t*> sources_;
  std::map<Key, const std::int32_t*> ascending_, constants_, lists_of_keys_;
  std::map<Key, const float*> zeros_;
  std::map<Key, Residency> residencies_;
  std::map<Key, void*> workspaces_, quantised_workspaces_;
  std::vector<std::unique_ptr<CudaMemory>> memory_;
};

}  // namespace outrider
