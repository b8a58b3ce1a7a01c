// Small graphs for tests of the backend, and ops with shapes that every machine can run.
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "sim/graph/task_graph.h"

namespace outrider {

class SmallGraph {
 public:
  using Deps = std::initializer_list<OpId>;

  OpId host(Family family, Deps after = {}, double count = 1.0) {
    return add(family, Lane::host, HostShape{count}, after);
  }
  OpId barrier(Deps after) { return add(Family::barrier, Lane::none, {}, after); }
  OpId kernel(Deps after, Lane lane = Lane::compute) {
    return add(
        Family::norm_rope, lane,
        StreamShape{.read = Bytes(4096.0), .write = Bytes(4096.0), .flops = Flops(), .items = 1.0, .recent = true},
        after);
  }
  OpId copy(Family family, Deps after, Lane lane, double fragments = 1.0) {
    return add(family, lane,
               CopyShape{.direction = family == Family::copy_d2h ? Direction::d2h : Direction::h2d,
                         .fragments = fragments,
                         .fragment = Bytes(8192.0)},
               after);
  }
  OpId h2d(Deps after, double fragments = 1.0) { return copy(Family::copy_h2d, after, Lane::h2d, fragments); }
  OpId d2h(Deps after) { return copy(Family::copy_d2h, after, Lane::d2h); }
  // Two sequences, two KV heads of two query heads each.
  OpId attend(Deps after, double tokens = 256.0) {
    return add(Family::cpu_attend, Lane::cpu,
               AttentionShape{.sequences = 2,
                              .kv_heads = 2,
                              .q_heads = 4,
                              .head_dim = 64,
                              .v_head_dim = 64,
                              .tokens = tokens,
                              .longest = tokens / 2.0,
                              .block_tokens = 32},
               after);
  }
  OpId gather(Deps after, double bytes = 65536.0) {
    return add(Family::cpu_gather, Lane::cpu,
               StreamShape{.read = Bytes(bytes), .write = Bytes(bytes), .flops = Flops(), .items = bytes / 1024.0},
               after);
  }
  OpId add(Family family, Lane lane, Shape shape, Deps after) {
    return builder_.add({family, lane_id(lane), -1, std::move(shape)}, after);
  }
  GraphBuilder& builder() { return builder_; }
  TaskGraph seal(OpId last) { return std::move(builder_).seal(last); }

 private:
  GraphBuilder builder_;
};

}  // namespace outrider
