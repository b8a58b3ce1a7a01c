// Two walks over the ops: one for the sizes of the arenas, one for everybody's part.
#include "kernels/backend/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace outrider {
namespace {

constexpr std::size_t index_of(Arena arena) { return static_cast<std::size_t>(arena); }

void require_executors(const Schedule& schedule) {
  std::vector<std::string> complaints;
  for (const ScheduledOp& op : schedule.ops) {
    const std::string complaint = unsupported(*op.op);
    if (complaint.empty() || std::find(complaints.begin(), complaints.end(), complaint) != complaints.end()) continue;
    complaints.push_back(complaint);
  }
  if (complaints.empty()) return;
  throw std::invalid_argument(fmt::format("no kernel of this program does: {}", fmt::join(complaints, "; ")));
}

class Sizes {
 public:
  explicit Sizes(std::array<ArenaSize, kArenas>& sizes) : sizes_(sizes) {}

  void begin_step() { of_step_.fill(0); }
  void add(const Touch& touch, OpIndex op) {
    const std::size_t i = index_of(touch.arena), bytes = aligned(touch.bytes);
    of_step_[i] += bytes;
    sizes_[i].wanted = std::max(sizes_[i].wanted, of_step_[i]);
    if (bytes <= largest_[i]) return;
    largest_[i] = bytes;
    sizes_[i].largest = op;
  }
  void finish() {
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      const bool halves = i == index_of(Arena::activations);
      sizes_[i].bytes = halves ? 2 * largest_[i] : std::max(largest_[i], std::min(sizes_[i].wanted, kBeyondCaches));
    }
  }

 private:
  std::array<ArenaSize, kArenas>& sizes_;
  std::array<std::size_t, kArenas> of_step_{}, largest_{};
};

class Cursors {
 public:
  explicit Cursors(const std::array<ArenaSize, kArenas>& sizes) : sizes_(sizes) {}

  void begin_step() {
    at_.fill(0);
    written_ = 0;
  }
  Slice read(const Touch& touch) { return touch.arena == Arena::activations ? half(written_, touch) : next(touch); }
  Slice write(const Touch& touch) {
    return touch.arena == Arena::activations ? half(1 - written_, touch) : next(touch);
  }
  void wrote(bool activations) { written_ = activations ? 1 - written_ : written_; }

 private:
  Slice half(std::size_t which, const Touch& touch) const {
    return {touch.arena, which * (sizes_[index_of(touch.arena)].bytes / 2), touch.bytes};
  }
  Slice next(const Touch& touch) {
    std::size_t& at = at_[index_of(touch.arena)];
    const std::size_t bytes = aligned(touch.bytes);
    if (at + bytes > sizes_[index_of(touch.arena)].bytes) at = 0;
    return {touch.arena, std::exchange(at, at + bytes), touch.bytes};
  }

  const std::array<ArenaSize, kArenas>& sizes_;
  std::array<std::size_t, kArenas> at_{};
  std::size_t written_ = 0;  // the half of the activations that was written last
};

// Calls begin_step() and then visit(op) for every op of the step.
template <class Walker, class Visit>
void each_op(const Schedule& schedule, Walker& walker, Visit visit) {
  for (std::size_t step = 0; step < schedule.steps(); ++step) {
    walker.begin_step();
    for (OpIndex op = schedule.first_op[step]; op < schedule.first_op[step + 1]; ++op) visit(op);
  }
}

}  // namespace

std::size_t Layout::gpu_bytes() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < arenas.size(); ++i) sum += on_gpu(static_cast<Arena>(i)) ? arenas[i].bytes : 0;
  return sum;
}

std::size_t Layout::host_bytes() const {
  std::size_t sum = 0;
  for (const ArenaSize& size : arenas) sum += size.bytes;
  return sum - gpu_bytes();
}

Layout lay_out(const Schedule& schedule) {
  require_executors(schedule);
  Layout layout;
  Sizes sizes(layout.arenas);
  std::vector<Footprint> footprints;
  for (const ScheduledOp& op : schedule.ops) footprints.push_back(footprint(*op.op));
  each_op(schedule, sizes, [&](OpIndex op) {
    for (const Touch& touch : footprints[op].reads) sizes.add(touch, op);
    for (const Touch& touch : footprints[op].writes) sizes.add(touch, op);
  });
  sizes.finish();
  Cursors cursors(layout.arenas);
  each_op(schedule, cursors, [&](OpIndex op) {
    OpSlices slices;
    for (const Touch& touch : footprints[op].reads) slices.reads.push_back(cursors.read(touch));
    for (const Touch& touch : footprints[op].writes) slices.writes.push_back(cursors.write(touch));
    cursors.wrote(!slices.writes.empty() && slices.writes.front().arena == Arena::activations);
    layout.ops.push_back(std::move(slices));
  });
  return layout;
}

std::string memory_complaint(const Schedule& schedule, const Layout& layout, bool of_gpu, std::size_t free_bytes) {
  const std::size_t needed = of_gpu ? layout.gpu_bytes() : layout.host_bytes();
  if (needed <= free_bytes) return {};
  constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
  std::vector<std::pair<std::size_t, Arena>> consumers;
  for (std::size_t i = 0; i < layout.arenas.size(); ++i) {
    const auto arena = static_cast<Arena>(i);
    if (on_gpu(arena) == of_gpu && layout.arenas[i].bytes > 0) consumers.emplace_back(layout.arenas[i].bytes, arena);
  }
  std::sort(consumers.begin(), consumers.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> rows;
  for (const auto& [bytes, arena] : consumers) {
    const ScheduledOp& largest = schedule.ops[layout.size(arena).largest];
    rows.push_back(fmt::format("{} {:.2f} GiB (largest: {} of layer {})", to_string(arena),
                               static_cast<double>(bytes) / kGib, to_string(largest.op->family), largest.op->layer));
  }
  return fmt::format("these steps need {:.2f} GiB of {} memory, {:.2f} GiB are free: {}",
                     static_cast<double>(needed) / kGib, of_gpu ? "GPU" : "host",
                     static_cast<double>(free_bytes) / kGib, fmt::join(rows, ", "));
}

}  // namespace outrider
