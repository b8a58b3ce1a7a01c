// FastDecode: all KV is in DRAM and the CPU attends everything; of two sub-batches of half the requests each, one is
// attended while the GPU computes the layers of the other.
//   GPU   first: out, FFN, QKV      | second: out, FFN, QKV    | first: …
//   CPU   the second one's requests | the first one's requests | the second one's …
// Otherwise than there: the host's own cores attend, and no CPUs behind a network; and since all sequences are of one
// length, its schedule of staggered lengths has nothing to even out.
#include "sim/methods/paired_batches.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class FastDecode final : public PairedBatches {
 public:
  explicit FastDecode(const MethodPoint& point) : PairedBatches(point, {.cpu = 1.0, .first = 0.5}) {}
};

}  // namespace

MethodEntry fastdecode() {
  return {{.name = "fastdecode",
           .summary = "all KV in DRAM, attended by the CPU, in a pipeline of two sub-batches",
           .source = "FastDecode, 2024, arXiv 2403.11421",
           .params = common_params("graph"),
           .presets = {{"paper", "two halves of the batch", {}}}},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<FastDecode>(point); }};
}

}  // namespace outrider
