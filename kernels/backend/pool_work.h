// CPU kernels, bound to their memory: attention over blocks of KV, gathers into pinned memory, and look-ups in hash
// tables.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/backend/layout.h"
#include "kernels/cpu/attention_batch.h"
#include "kernels/cpu/gather.h"
#include "kernels/cpu/hash_tables.h"
#include "kernels/cpu/thread_pool.h"

namespace outrider {

// Host arenas as they lie in memory; null where empty.
using ArenaAddresses = std::array<std::byte*, kArenas>;

class PoolWork {
 public:
  // Binds every CPU kernel; afterwards run() allocates nothing. All given must outlive this.
  PoolWork(const Schedule& schedule, const Layout& layout, const ArenaAddresses& arenas, ThreadPool& pool);

  // By the thread that calls the pool.
  void run(OpIndex op);
  // A gather by the calling thread alone, beside what the pool does.
  void gather_here(OpIndex op) const;
  // Every op once, so that scratch memory is there and touched.
  void warm_up();

 private:
  // A list of heads that several ops share, since blocks are numbered from the op's own part of the cache. Block
  // b of head h is number b · kv_heads + h; scattered where the shape says blocks.
  struct Heads {
    std::vector<std::int32_t> blocks;
    std::vector<AttentionHead> heads;
  };
  using HeadsKey = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  // Where fragments lie, which several ops share: scattered, and their slots in order.
  struct Fragments {
    std::vector<std::int64_t> sources;
    std::vector<std::int32_t> slots;
  };
  using FragmentsKey = std::pair<std::int64_t, std::int64_t>;  // how many, of how many bytes
  // Tables that several ops share, of as many KV heads as kBeyondCaches holds; each op has hashes of its own, so that
  // it opens other buckets than the ops before.
  struct Tables {
    std::vector<OwnedHashTables> of_heads;
    std::vector<std::uint8_t> counts;  // of each thread
    std::vector<std::int32_t> found;
  };
  struct Lookup {
    HashShape shape{};
    Tables* tables = nullptr;
    std::vector<std::int32_t> hashes;
  };
  struct Bound {
    AttentionBatch<Bf16> attention;
    GatherPart gather;  // no fragments: attention or a look-up
    Lookup lookup;      // no tables: attention or a gather
  };

  const Bound& bound_of(OpIndex op) const;
  const Heads& heads_for(const AttentionShape& shape);
  Bound bind_attention(const AttentionShape& shape, std::byte* cache);
  const Fragments& fragments_for(std::int64_t count, std::int64_t bytes);
  Bound bind_gather(const StreamShape& shape, const std::byte* from, std::byte* to);
  void gather_in_parts(const GatherPart& part);
  Tables& tables_for(const HashShape& shape);
  Bound bind_lookup(const HashShape& shape, OpIndex op);
  void look_up(const Lookup& lookup);

  ThreadPool& pool_;
  BatchAttender attender_;
  CpuPath path_;
  std::map<HeadsKey, Heads> heads_;
  std::map<FragmentsKey, Fragments> fragments_;
  std::map<HashShape, Tables> tables_;
  std::vector<float> queries_, output_, lse_;  // shared by all ops: the lane runs one at a time
  std::vector<Bound> bound_;                   // by rank_
  std::vector<std::uint32_t> rank_;            // of each op among the CPU kernels
};

}  // namespace outrider
