// The reproduction card: each published figure of a scenario, what is predicted with its interval, and, by varying what
// is not known, what the prediction rests on.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hwmodels/profile.h"
#include "sim/study/results.h"

namespace outrider {

// One value in place of what the scenario takes.
struct Assumption {
  std::string path, value;  // as of --set
  std::string why;          // it is plausible
  bool unknown = false;     // the claim's source leaves it open; else a method's parameter of certainty I or R
};

struct TriedAssumption {
  Assumption assumption;
  ClaimResult result;  // not available, with why in its note, also where the scenario refuses the value
};

// What was tried for one claim.
struct CardRow {
  std::vector<TriedAssumption> tried;   // unknowns first
  std::optional<std::size_t> deciding;  // of those: what moves the prediction most towards the claim
  std::optional<Interval> range;        // over the unknowns and what the scenario takes; none without unknowns
};

struct ClaimCard {
  RunReport report;           // provenance, the points that claims are read off, and the claims with intervals
  std::vector<CardRow> rows;  // of report.claims
};

// How far a prediction is off: of the claimed figure, or of the claimed gain; 0 where the claim holds by its bound, and
// infinite where there is no prediction.
double miss_of(const ClaimResult& result);

struct StudyInputs {
  Scenario scenario;
  Profile profile;
};

struct CardRequest {
  const Scenario& scenario;
  const Profile& profile;
  int draws = 0;    // for intervals
  int threads = 0;  // 0: all cores; results do not depend on it
  // The scenario read with one assumption; what is wrong with it where it refuses that.
  std::function<std::optional<StudyInputs>(const Assumption& assumption, std::string& refusal)> reread;
  std::function<void(std::size_t done, std::size_t all)> progress{};  // called from one thread at a time; may be empty
};

// One assumption at a time. Unknowns are tried for every claim that the simulator speaks of; parameters of certainty I
// and R of the claim's methods, as far as the scenario does not set them itself, for claims that do not hold: flags are
// turned, choices and stated alternatives taken in turn, and so are the values of the method's other presets.
ClaimCard claim_card(const CardRequest& request);

}  // namespace outrider
