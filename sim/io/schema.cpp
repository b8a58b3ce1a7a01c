// Recording of the readers.
#include "sim/io/schema.h"

#include "sim/io/machine_reader.h"
#include "sim/io/scenario_reader.h"

namespace outrider {

std::string scenario_schema(std::span<const MethodInfo> catalog) {
  return json_schema(scenario_shape(catalog), "Outrider scenario");
}

std::string machine_schema() {
  return json_schema(Section::record([](Section root) { read_machine(std::move(root)); }), "Outrider machine");
}

}  // namespace outrider
