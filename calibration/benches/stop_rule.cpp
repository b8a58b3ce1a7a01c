// Trials one by one, until their summary is precise enough.
#include "calibration/benches/stop_rule.h"

#include <vector>

namespace outrider {

Measurement measure(const std::function<Trial()>& trial, const StopRule& rule) {
  std::vector<double> kept, all;
  Measurement result;
  double spent = 0.0;
  while (static_cast<int>(all.size()) < rule.most && (spent < rule.budget || all.empty())) {
    const Trial one = trial();
    spent += one.seconds;
    all.push_back(one.seconds);
    if (!one.disturbed) kept.push_back(one.seconds);
    if (one.disturbed || static_cast<int>(kept.size()) < rule.least) continue;
    result = summary_of(kept);
    result.settled = result.precision() <= rule.precision;
    if (result.settled) break;
  }
  if (static_cast<int>(kept.size()) < rule.least) result = summary_of(all);
  result.discarded = static_cast<int>(all.size() - kept.size());
  return result;
}

}  // namespace outrider
