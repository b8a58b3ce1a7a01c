// Number formats of a checkpoint: its dtype and what quantization_config makes of it.
#pragma once

#include "sim/io/hf_fields.h"
#include "sim/spec/model.h"

namespace outrider {

// Sets the types and scale bits of `model`. `root` is the whole file's object, `fields` its text_config or the same.
void read_types(const HfFields& fields, const HfFields& root, ModelSpec& model);

}  // namespace outrider
