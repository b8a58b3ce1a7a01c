// NEO: whole requests on the GPU, or with their KV in DRAM on the CPU; two asymmetric sub-batches in a pipeline:
//   GPU   … first: QKV, attention of the GPU's requests | second: out, FFN, QKV | first: out, FFN, QKV, attention …
//   CPU   … attention of the second one's requests      | of the first one's    | of the second one's …
// The GPU's requests are all in the first sub-batch. How many there are on the CPU, and how many of them are in the
// first sub-batch, is NEO's load-aware balance: it predicts from a profile which batches let neither side wait. A study
// tries shares instead, each with the batch that memory holds, and keeps the fastest; none on the CPU is one of them,
// and NEO's own way out.
#include "sim/methods/paired_batches.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class Neo final : public PairedBatches {
 public:
  explicit Neo(const MethodPoint& point)
      : PairedBatches(point, {point.params->number("cpu_share"), point.params->number("first_share")}) {}
};

}  // namespace

MethodEntry neo() {
  return {{.name = "neo",
           .summary = "whole requests attended by the CPU, in a pipeline of two asymmetric sub-batches",
           .source = "NEO, MLSys 2025, arXiv 2411.01142",
           .params = with_common(
               {{"cpu_share",
                 0.0,
                 "requests whose KV is in DRAM, of all; 0: as many as a study finds fastest, from none on",
                 "P",
                 0.0,
                 1.0,
                 {}},
                {"first_share",
                 0.0,
                 "of those, in the sub-batch of the GPU's requests; 0: as many as a study finds fastest, from none on",
                 "P",
                 0.0,
                 1.0,
                 {}}},
               "graph"),
           .presets = {{"paper", "as many requests on the CPU as go fastest", {}},
                       {"half",
                        "half of the requests on the CPU, a quarter of them in the first sub-batch",
                        {{"cpu_share", 0.5}, {"first_share", 0.25}}}}},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<Neo>(point); },
          nullptr,
          {{"cpu_share", {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95}},
           {"first_share", {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}}}};
}

}  // namespace outrider
