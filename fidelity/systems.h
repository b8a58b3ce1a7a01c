// The approximations, a function for each row of their table.
#pragma once

#include "fidelity/approximation.h"

namespace outrider {

// Selection alone (systems_selecting.cpp).
ApproximationEntry top_k_attention();
ApproximationEntry quest_attention();
ApproximationEntry arkvale_attention();
ApproximationEntry shadowkv_attention();
ApproximationEntry pqcache_attention();
ApproximationEntry csattention_attention();
ApproximationEntry freekv_attention();
ApproximationEntry omnikv_attention();
ApproximationEntry infinigen_attention();
ApproximationEntry h2o_attention();
ApproximationEntry window_attention();
// Exact beside estimated or sampled (systems_estimating.cpp).
ApproximationEntry completion_attention();
ApproximationEntry retroinfer_attention();
ApproximationEntry magicpig_attention();
// Two devices, and fewer bits (systems_scout.cpp, systems_dense.cpp).
ApproximationEntry scout_attention();
ApproximationEntry full_attention();
ApproximationEntry turbo_attention();

// Of one preset, since variants are written in studies.
MethodInfo approximation_info(const char* name, const char* summary, const char* source, std::vector<ParamSpec> params);

// Shared parameters.
ParamSpec count_param(const char* name, std::int64_t fallback, const char* meaning, const char* certainty);
ParamSpec share_param(const char* name, double fallback, const char* meaning, const char* certainty);  // 0 to 1
ParamSpec prediction_error_param();  // "error": content or all
ParamSpec lasting_error_param();     // "lasting_error"
// Numbers of parts that divide every head_dim: powers of two up to 64. For MethodInfo::conflicts.
std::vector<ParamConflict> part_conflicts(const Params& params, const char* name);

// A step's queries as predicted with the parameters "cosine" and "error"; the same whenever asked.
std::vector<float> predicted_by_params(const ApproximationInput& input, std::size_t step);

}  // namespace outrider
