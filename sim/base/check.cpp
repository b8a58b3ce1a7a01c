// The end of a broken invariant: say where, when and how to replay it, then abort.
#include "sim/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace outrider {

CheckContext& check_context() {
  thread_local CheckContext context;
  return context;
}

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  const CheckContext& context = check_context();
  fmt::print(stderr, "{}:{}: internal check failed: {}\n  {}\n", file, line, condition, message);
  fmt::print(stderr, "  simulated time {} ps, op '{}', seed {}\n", context.now.ps(), context.op, context.seed);
  if (!context.replay_command.empty()) fmt::print(stderr, "  replay: {}\n", context.replay_command);
  std::fflush(stderr);
  std::abort();
}

}  // namespace outrider
