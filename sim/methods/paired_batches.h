// Two sub-batches in a pipeline: while the CPU attends one's sequences, the GPU computes the layers of the other.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/methods/decode_method.h"

namespace outrider {

// Whole sequences have their KV in HBM, or in DRAM, where the CPU attends them. Of each layer, in the order of the GPU:
//   1. first sub-batch: the rest of the layer before; Q, K, V; attention of its sequences in HBM
//   2. second sub-batch: the same
// so that the CPU attends the first one's sequences during 2, and the second one's during the next layer's 1.
class PairedBatches : public DecodeMethod {
 protected:
  struct Shares {
    double cpu = 0.0;    // of the batch, rounded up, that has its KV in DRAM; a prefill's prompt is one of these
    double first = 0.0;  // of those, rounded down, that are in the first sub-batch
  };
  PairedBatches(const MethodPoint& point, const Shares& shares);

  // Sequences of a sub-batch.
  struct SubBatch {
    std::int64_t in_hbm = 0, in_dram = 0;
    double rows() const { return static_cast<double>(in_hbm + in_dram); }
  };
  // Sequences in HBM are all in the first one. A sub-batch without any sequence is left out.
  std::vector<SubBatch> sub_batches() const;

 private:
  TaskGraph decode_step(std::int64_t step) override;
  bool offloads() const override { return shares_.cpu > 0.0; }
  std::vector<MemoryUse> cache_memory() const override;
  OpId attend(const SubBatch& part, int layer, std::int64_t step, OpId q);
  void note_attended(int layer, std::int64_t step, const std::vector<SubBatch>& parts);

  Shares shares_;
};

}  // namespace outrider
