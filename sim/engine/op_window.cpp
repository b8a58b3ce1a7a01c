// Growing and shrinking of the window of unfinished ops.
#include "sim/engine/op_window.h"

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {

void OpWindow::begin_step() {
  drop_ended_steps();
  steps_.push_back({first_op_ + ops_.size(), first_edge_ + edges_.size(), 0});
}

SpanId OpWindow::add(std::uint32_t demand) {
  const SpanId id(first_op_ + ops_.size());
  CHECK(first_op_ + ops_.size() < SpanId::kNone, "more spans than a trace can number");
  ops_.push_back({0, demand, kNoEdge});
  ++steps_.back().unfinished;
  ++unfinished_;
  return id;
}

void OpWindow::link(SpanId from, SpanId to) {
  PendingOp& source = (*this)[from];
  edges_.push_back({to, source.first_edge});
  source.first_edge = static_cast<std::uint32_t>(first_edge_ + edges_.size() - 1);
  CHECK(source.first_edge != kNoEdge, "more dependencies than a run can number");
  ++(*this)[to].missing;
}

std::uint32_t OpWindow::end_and_take_edges(SpanId id) {
  const auto holds = [&](const StepWindow& step) { return step.first_op <= id.index(); };
  const auto step = std::find_if(steps_.rbegin(), steps_.rend(), holds);
  CHECK(step != steps_.rend() && step->unfinished > 0, "span {} ends, but its step has ended", id.value);
  --step->unfinished;
  return (*this)[id].first_edge;
}

// Moving what is left is paid for by what was dropped: it happens only when at least half of the window goes.
void OpWindow::drop_ended_steps() {
  const auto live =
      std::find_if(steps_.begin(), steps_.end(), [](const StepWindow& step) { return step.unfinished > 0; });
  const bool none_left = live == steps_.end();
  const std::size_t op = none_left ? first_op_ + ops_.size() : live->first_op;
  const std::size_t edge = none_left ? first_edge_ + edges_.size() : live->first_edge;
  if ((op - first_op_) * 2 < ops_.size()) return;
  ops_.erase(ops_.begin(), ops_.begin() + static_cast<std::ptrdiff_t>(op - first_op_));
  edges_.erase(edges_.begin(), edges_.begin() + static_cast<std::ptrdiff_t>(edge - first_edge_));
  steps_.erase(steps_.begin(), live);
  first_op_ = op;
  first_edge_ = edge;
}

}  // namespace outrider
