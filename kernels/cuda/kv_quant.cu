// A thread takes eight channels; the lanes that share a scale find their extremes by shuffles.
#include <cfloat>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/kv_codes.h"
#include "kernels/cuda/kv_quant.h"

namespace outrider {
namespace {

constexpr int kThreads = 256;

template <int kBits>
__global__ void __launch_bounds__(kThreads)
    quantise(const __nv_bfloat16* values, std::int64_t items, QuantisedRows to) {
  constexpr float kLevels = (1 << kBits) - 1;
  const std::int64_t item = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int lanes = to.channels / 8;  // share a scale; all of them are within `items` or none is
  float x[8] = {};
  if (item < items) unpack(load16(values + 8 * item), x);
  float least = x[0], most = x[0];
#pragma unroll
  for (int i = 1; i < 8; ++i) least = fminf(least, x[i]), most = fmaxf(most, x[i]);
  least = -most_over(-least, lanes);
  most = most_over(most, lanes);
  if (item >= items) return;
  const __nv_bfloat16 rounded = __float2bfloat16_ru((most - least) / kLevels);
  const float scale = __bfloat162float(rounded) < FLT_MIN ? 0.0f : __bfloat162float(rounded);
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  EightCodes<kBits> codes{};
#pragma unroll
  for (int i = 0; i < 8; ++i) codes.set(i, static_cast<unsigned>(fminf(rintf((x[i] - least) * inverse), kLevels)));
  reinterpret_cast<EightCodes<kBits>*>(to.codes)[item] = codes;
  if (item % lanes == 0) to.scales[item / lanes] = __floats2bfloat162_rn(scale, least);
}

template <int kBits>
__global__ void __launch_bounds__(kThreads)
    dequantise_rows(QuantisedRows from, std::int64_t items, __nv_bfloat16* values) {
  const std::int64_t item = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (item >= items) return;
  const int eighths = from.head_dim / 8;
  float x[8];
  dequantise(load_channels<kBits>(from, item / eighths, static_cast<int>(item % eighths)), x);
  reinterpret_cast<uint4*>(values)[item] = pack(x);
}

unsigned ctas_for(std::int64_t items) { return static_cast<unsigned>((items + kThreads - 1) / kThreads); }

}  // namespace

bool is_valid(const QuantisedRows& rows) {
  const bool dim = rows.head_dim == 64 || rows.head_dim == 128 || rows.head_dim == 256;
  const bool channels = rows.channels == 32 || rows.channels == 64 || rows.channels == 128;
  const bool bits = rows.bits == 8 || rows.bits == 4 || rows.bits == 2;
  return dim && channels && bits && rows.head_dim % rows.channels == 0;
}

cudaError_t launch_quantise(const __nv_bfloat16* values, std::int64_t rows, const QuantisedRows& to,
                            cudaStream_t stream) {
  if (!is_valid(to) || rows < 0) return cudaErrorInvalidValue;
  if (rows == 0) return cudaSuccess;
  const std::int64_t items = rows * (to.head_dim / 8);
  switch (to.bits) {
    case 8:
      quantise<8><<<ctas_for(items), kThreads, 0, stream>>>(values, items, to);
      break;
    case 4:
      quantise<4><<<ctas_for(items), kThreads, 0, stream>>>(values, items, to);
      break;
    default:
      quantise<2><<<ctas_for(items), kThreads, 0, stream>>>(values, items, to);
      break;
  }
  return cudaGetLastError();
}

cudaError_t launch_dequantise(const QuantisedRows& from, std::int64_t rows, __nv_bfloat16* values,
                              cudaStream_t stream) {
  if (!is_valid(from) || rows < 0) return cudaErrorInvalidValue;
  if (rows == 0) return cudaSuccess;
  const std::int64_t items = rows * (from.head_dim / 8);
  switch (from.bits) {
    case 8:
      dequantise_rows<8><<<ctas_for(items), kThreads, 0, stream>>>(from, items, values);
      break;
    case 4:
      dequantise_rows<4><<<ctas_for(items), kThreads, 0, stream>>>(from, items, values);
      break;
    default:
      dequantise_rows<2><<<ctas_for(items), kThreads, 0, stream>>>(from, items, values);
      break;
  }
  return cudaGetLastError();
}

}  // namespace outrider
