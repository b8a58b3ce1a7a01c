// One class of equal flows: its members ordered by when the class's virtual clock reaches their end.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/engine/flow_network.h"

namespace outrider {

// The virtual clock counts the progress of each member since the class was last idle. Between rate changes it is
// anchored, so that an undisturbed flow ends at exactly start + ceil(amount ÷ rate).
class FlowClass {
 public:
  explicit FlowClass(FlowClassSpec given) : spec(std::move(given)) {}

  void add(double amount, CompletedFlow flow, std::uint64_t sequence, Instant now);
  bool active() const { return population > 0; }
  double clock(Instant now) const { return clock_at_anchor_ + rate * (now - anchor_).seconds().value(); }
  void set_rate(double new_rate, Instant now);
  Instant next_end() const { return next_end_; }

  struct Ended {
    std::uint64_t sequence;
    CompletedFlow flow;
  };
  void take_ended(Instant now, std::vector<Ended>& ended);
  double moved(Instant now) const;  // progress of all members so far, ended ones included

  FlowClassSpec spec;
  std::uint64_t population = 0;         // members, by multiplicity
  std::uint64_t solved_population = 0;  // … when rates were last solved
  double rate = 0.0;
  ResourceId bottleneck;
  bool listed = false;  // stands on its resources' lists of active classes
  bool dirty = false;
  std::uint32_t stamp = 0;  // the last solve that visited it

 private:
  struct Member {
    double end;  // of the virtual clock
    std::uint64_t sequence;
    CompletedFlow flow;
    bool operator<(const Member& other) const {  // for a heap with the first end on top
      return end != other.end ? end > other.end : sequence > other.sequence;
    }
  };
  Instant end_of(const Member& member) const;
  void find_next_end();

  std::vector<Member> members_;
  Instant anchor_;
  double clock_at_anchor_ = 0.0;
  double moved_ = 0.0;  // clock readings at the ends of ended members less those at the begins of all
  Instant next_end_ = Instant::never();
};

}  // namespace outrider
