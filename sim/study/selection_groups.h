// Points that need the same selections, and those selections kept while points of other scenarios need them too.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <list>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "sim/study/plan.h"
#include "sim/study/simulate.h"

namespace outrider {

// Points of one scenario share a selection trace if they ask for the same blocks over the same steps.
using SelectionKey = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
using PointGroup = std::vector<std::size_t>;  // places in the list of points
std::map<SelectionKey, PointGroup> group_points(const std::vector<PlannedPoint>& plans);
// The union of a group's needs.
PlannedPoint widest_of(const std::vector<PlannedPoint>& plans, const PointGroup& group);

// Selections drawn once for all scenarios that differ in nothing that decides them. For several threads at a time.
class SelectionStore {
 public:
  // Keeps what was used last, up to about so many bytes, and all that is in use.
  explicit SelectionStore(std::size_t most_bytes) : most_bytes_(most_bytes) {}

 private:
  struct Entry;

 public:
  // Selections at least as wide as asked, which are in use until this ends; a point sees the same in wider ones.
  class Lease {
   public:
    Lease(SelectionStore& store, const Scenario& scenario, const PlannedPoint& widest)
        : store_(store), entry_(store.claim(scenario, widest)) {}
    ~Lease() { store_.release(entry_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    const Selections& selections() const { return entry_.drawn; }

   private:
    SelectionStore& store_;
    Entry& entry_;
  };

 private:
  // Locality, seed, GPUs, layers, blocks, selected, steps.
  using Key = std::tuple<double, double, double, std::uint64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t>;
  struct Entry {
    Key key;
    std::int64_t batch = 0, profiling_steps = 0;
    std::size_t users = 0, bytes = 0;
    bool is_drawn = false;
    std::exception_ptr failure{};  // of drawing, which all that wait for it are told
    Selections drawn{};
  };
  Entry& claim(const Scenario& scenario, const PlannedPoint& widest);
  Entry* find(const Key& key, const PlannedPoint& widest);
  void draw(Entry& entry, const Scenario& scenario, const PlannedPoint& widest);
  void release(Entry& entry);
  void leave(Entry& entry);
  void drop_unused();

  std::size_t most_bytes_, bytes_ = 0;
  std::mutex mutex_{};
  std::condition_variable drawn_{};
  std::list<Entry> entries_{};  // those used last come first
};

}  // namespace outrider
