// Small synthetic heads for tests.
#pragma once

#include "fidelity/head.h"

namespace outrider {

inline HeadClass head_class(double sink_share, double recent_share, double spread) {
  return {.name = "test", .sink_share = sink_share, .recent_share = recent_share, .spread = spread, .source = "ours"};
}

inline Generator small_generator() {
  Generator generator;
  generator.head_dim = 64;
  generator.group = 2;
  return generator;
}

inline Head small_head(const HeadClass& kind = head_class(0.3, 0.3, 2.0), std::int64_t tokens = 1024,
                       std::int64_t steps = 3) {
  return make_head(kind, small_generator(), {.tokens = tokens, .steps = steps, .prefill_queries = 256},
                   RandomStream(7));
}

}  // namespace outrider
