// JSON schemas of scenario and machine files, recorded from the readers themselves.
#pragma once

#include <span>
#include <string>

#include "sim/spec/params.h"

namespace outrider {

std::string scenario_schema(std::span<const MethodInfo> catalog);
std::string machine_schema();

}  // namespace outrider
