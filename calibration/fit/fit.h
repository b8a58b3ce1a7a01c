// Fitting of coefficients to measured times, robustly and with intervals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace outrider {

// Times t_i > 0 and a model t(θ, i) > 0 with parameters θ > 0. What is minimised is Σ h(log t(θ, i) − log t_i), h
// Huber's function, over log θ: errors count relatively, and a few wild samples do not pull. Of several local
// minima, those within a factor of 3 from the start are preferred to ones that are little better.
struct FitProblem {
  std::vector<double> start;     // θ
  std::vector<double> measured;  // t_i
  double drift = 0.0;            // σ by which all of them may be off together, relative: the host's state that day
  // Samples of one group (repeats of one shape) are held out together; by sample, or empty: each is its own.
  std::vector<std::size_t> groups;
  // All model times at θ at once, since what θ stands for is expensive to set up.
  std::function<std::vector<double>(std::span<const double> theta)> predict;
};

struct Fit {
  std::vector<double> theta;
  std::vector<double> low, high;        // P5 and P95 over bootstrap resamples and drifts
  std::vector<double> errors;           // t(θ, i) ÷ t_i − 1, of the fit to all samples
  std::vector<double> held_out_errors;  // of each sample by the fit to the folds without it
};

struct FitOptions {
  int resamples = 100;
  int folds = 5;
  std::uint64_t seed = 1;
  std::function<void(double share)> progress{};  // how much of the fit is done, 0 to 1
};

// Levenberg–Marquardt with reweighting (Eigen). Requires more samples than parameters.
Fit fit(const FitProblem& problem, const FitOptions& options);

}  // namespace outrider
