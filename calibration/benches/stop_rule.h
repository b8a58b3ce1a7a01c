// When a measurement may end: trials until the median is known well enough, without those that were disturbed.
#pragma once

#include <functional>

#include "calibration/samples/measurement.h"

namespace outrider {

// One repetition of what is measured. `disturbed`: something else got in the way (a preemption, a lower clock), so that
// its time says nothing.
struct Trial {
  double seconds = 0.0;
  bool disturbed = false;
};

struct StopRule {
  double precision = 0.01;  // half the width of the median's 95 % interval, relative
  int least = 9, most = 200;
  double budget = 2.0;  // seconds of trials, disturbed ones included
};

// Runs trials until the rule is met (settled), or trials or budget run out. Disturbed trials are counted and left out;
// where fewer than `least` undisturbed ones come in, the measurement is not settled and its figures are of all trials.
Measurement measure(const std::function<Trial()>& trial, const StopRule& rule);

}  // namespace outrider
