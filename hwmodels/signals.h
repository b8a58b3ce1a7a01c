// What it takes until an op knows of another's end, by what both are.
#pragma once

#include <span>

#include "hwmodels/profile.h"
#include "sim/engine/demand.h"
#include "sim/graph/task_graph.h"

namespace outrider {

// Between a kernel's end and the start of a copy that waits for it, and the other way, streams hand over to another
// engine: h. Between GPU and CPU a kernel raises a flag in host memory, or watches one: f, either way, and h where a
// copy is what ended or waits. Kernels know of each other's end at once, whatever their streams: events between streams
// take 0.1 to 0.3 us on one H200, and what waiting for another lane takes in a CUDA graph is the kernel's (launches.h).
// Host steps know at once too: what a synchronisation takes is its own time, and a launch is what a kernel waits for.
Signals signals_of(const Profile& profile);

// Says of each demand of a graph whose ends and waits it is. A barrier ends as what it waited for did: as a copy if any
// of it was one, else as a kernel if any was.
void set_parties(const TaskGraph& graph, std::span<Demand> demands);

}  // namespace outrider
