// Builds without CUDA: there is no device.
#include "kernels/backend/device.h"

namespace outrider {

std::unique_ptr<Device> make_device() { return nullptr; }
std::string missing_device() { return "this program was built without CUDA"; }

}  // namespace outrider
