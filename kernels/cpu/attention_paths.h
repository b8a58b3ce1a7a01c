// The implementations behind attend(), one file each, compiled for their instruction sets.
#pragma once

#include "kernels/cpu/attention.h"

namespace outrider {

template <class Element>
void attend_scalar(const AttentionPart<Element>& part);

// Requires: head_dim is a multiple of 8.
void attend_avx2(const AttentionPart<Bf16>& part);
void attend_avx2(const AttentionPart<float>& part);

// Requires: head_dim is a multiple of 32, at most 256.
void attend_avx512_bf16(const AttentionPart<Bf16>& part);
void attend_amx_bf16(const AttentionPart<Bf16>& part);  // where amx_usable()

// Whether the processor has AMX and the system lets this process use it.
bool amx_usable();

}  // namespace outrider
