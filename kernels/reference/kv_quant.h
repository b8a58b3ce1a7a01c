// KV in few bits as TurboAttention stores and attends it: INT8 by tile, then fewer bits by channel, all in integers.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/bf16.h"

namespace outrider {

// Tiles of `tile_tokens` rows. First stage: one symmetric INT8 scale for a tile, largest magnitude ÷ 127. Second, below
// 8 bits: for each channel of a tile an integer scale ⌈(most − least) ÷ (2^bits − 1)⌉ and zero point `least` over the
// INT8 codes (FlashQ's progressive quantisation, arXiv 2412.08585).
struct ProgressiveFormat {
  int bits = 4;  // 8, 4, 3 or 2
  std::int64_t tile_tokens = 64;
  std::int64_t head_dim = 128;
};

// What the codes of rows [tokens][head_dim] stand for. With 8 bits within scale ÷ 2 of each value.
std::vector<float> progressive_values(const ProgressiveFormat& format, const Bf16* rows, std::int64_t tokens);

// Codes, a 4-byte scale for each tile, and below 8 bits a byte of scale and one of zero point for each of its channels.
double progressive_bytes(const ProgressiveFormat& format, std::int64_t tokens);

// e^x, x ≤ 0, as SAS has it: e^⌊·⌋ from a table times a cubic of the fraction, and 0 below `threshold`. The cubic is
// within 5e-4 of e^(−f) on [0, 1).
double sas_exp(double x, double threshold);

// Decode attention with quantised operands: queries INT8 with a scale for each head; probabilities of a tile INT8 with
// a scale for each head; the running maximum and the sum in full. Keys and values as progressive_values() gives them.
struct IntegerAttention {
  const float* keys = nullptr;     // [tokens][head_dim]
  const float* values = nullptr;   // likewise
  const float* queries = nullptr;  // [group][head_dim]
  std::int64_t tokens = 0, tile_tokens = 64, head_dim = 128, group = 1;
  double scale = 1.0;
  double threshold = -6.0;  // of SAS
};
std::vector<float> attend_in_integers(const IntegerAttention& attention);  // [group][head_dim]

}  // namespace outrider
