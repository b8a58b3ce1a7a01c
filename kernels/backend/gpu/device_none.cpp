// Builds without CUDA: there is no device.
#include "kernels/backend/device.h"
#include "kernels/backend/result_check.h"

namespace outrider {

std::unique_ptr<Device> make_device(int /*gpu*/) { return nullptr; }
std::string missing_device(int /*gpu*/) { return "this program was built without CUDA"; }

bool has_gpu_kernels(const ResultShape&) { return false; }
std::unique_ptr<AttentionKernels> make_gpu_kernels(const AttentionProblem&) { return nullptr; }

}  // namespace outrider
