// One function per system: its table row and its maker.
#pragma once

#include "sim/methods/method.h"

namespace outrider {

MethodEntry full_kv();
MethodEntry flexgen();
MethodEntry infinigen();
MethodEntry hgca();
MethodEntry scout();
MethodEntry quest();
MethodEntry arkvale();
MethodEntry shadowkv();
MethodEntry freekv();
MethodEntry omnikv();
MethodEntry retroinfer();
MethodEntry magicpig();
MethodEntry pqcache();
MethodEntry csattention();
MethodEntry retrieval_completion();
MethodEntry turbo();
MethodEntry neo();
MethodEntry fastdecode();
MethodEntry kvpr();
MethodEntry h2o();
MethodEntry prefix_cache();
MethodEntry train_step();
MethodEntry cpu_probe();

}  // namespace outrider
