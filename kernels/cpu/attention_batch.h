// Decode attention of a whole batch on all threads of a pool: contexts are split so that no thread waits for another.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/thread_pool.h"

namespace outrider {

// One KV head of one sequence.
struct AttentionHead {
  std::span<const std::int32_t> blocks;
  std::int64_t tokens = 0;
};

// `heads` many rows of everything: queries and output [heads][group][head_dim], lse [heads][group].
template <class Element>
struct AttentionBatch {
  KvBlocks<Element> kv;
  std::span<const AttentionHead> heads;
  std::int64_t group = 1;
  const float* queries = nullptr;
  float scale = 1.0f;
  float* output = nullptr;
  float* lse = nullptr;
};

// Splits heads into parts of whole blocks, up to sixteen to a thread and of at least 64 tokens, such that all threads
// end at about the same time; who ends a head's last part merges the head. Keeps its scratch memory from call to call.
class BatchAttender {
 public:
  explicit BatchAttender(ThreadPool& pool) : pool_(pool) {}

  template <class Element>
  void attend(CpuPath path, const AttentionBatch<Element>& batch);

 private:
  struct Part {
    std::size_t head = 0, first_part = 0;  // first_part: the head's first, in parts_
    std::int64_t first_token = 0, tokens = 0;
  };
  std::int64_t part_tokens(std::span<const AttentionHead> heads, std::int64_t block_tokens) const;
  void plan(std::span<const AttentionHead> heads, std::int64_t block_tokens);
  template <class Element>
  void attend_part(CpuPath path, const AttentionBatch<Element>& batch, std::size_t index);
  void merge(const Part& part, std::int64_t group, std::int64_t head_dim, float* output, float* lse);

  ThreadPool& pool_;
  std::vector<Part> parts_;
  std::vector<std::size_t> parts_of_head_;
  std::vector<float> outputs_, lses_;         // of parts
  std::unique_ptr<std::atomic<int>[]> open_;  // by head: parts that have not ended
  std::size_t open_size_ = 0;
};

}  // namespace outrider
