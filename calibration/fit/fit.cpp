// Weighted least squares in logarithms by Eigen, inside Huber's reweighting, inside bootstrap and folds.
#include "calibration/fit/fit.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unsupported/Eigen/LevenbergMarquardt>

#include "sim/base/check.h"
#include "sim/base/random.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

using Eigen::VectorXd;

constexpr int kReweightings = 6;
constexpr std::size_t kPromising = 4;
constexpr double kHuberScale = 0.5;        // of σ: nearly the median, since errors of models are no normal noise
constexpr double kLeastDeviation = 0.002;  // relative: finer agreement than this is no reason to distrust a sample

// log θ relative to the start, within bounds that keep a wild step finite.
std::vector<double> theta_of(const FitProblem& problem, const VectorXd& logs) {
  constexpr double kFarthest = 7.0;  // a factor of about 1,000
  std::vector<double> theta;
  for (std::size_t i = 0; i < problem.start.size(); ++i) {
    const double log = std::clamp(logs[static_cast<Eigen::Index>(i)], -kFarthest, kFarthest);
    theta.push_back(problem.start[i] * std::exp(log));
  }
  return theta;
}

// √weight · (log t(θ, i) − log t_i) of the samples, and behind them a faint pull of each parameter to its start, which
// decides only what the samples leave open.
struct Residuals : Eigen::DenseFunctor<double> {
  Residuals(const FitProblem& given, const std::vector<double>& weights)
      : Eigen::DenseFunctor<double>(static_cast<int>(given.start.size()),
                                    static_cast<int>(given.measured.size() + given.start.size())),
        problem(given),
        root_weight(weights) {
    for (double& weight : root_weight) weight = std::sqrt(weight);
  }
  int operator()(const VectorXd& logs, VectorXd& residuals) const {
    constexpr double kPull = 1e-3;
    const std::vector<double> times = problem.predict(theta_of(problem, logs));
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double error = std::log(times[i] / problem.measured[i]);
      residuals[static_cast<Eigen::Index>(i)] = root_weight[i] * error;
    }
    residuals.tail(logs.size()) = kPull * logs;
    return 0;
  }
  int df(const VectorXd& logs, JacobianType& jacobian) const {
    constexpr double kStep = 1e-4;  // model times are whole picoseconds: a finer one would see them
    VectorXd here(values()), there(values());
    (*this)(logs, here);
    for (Eigen::Index i = 0; i < logs.size(); ++i) {
      VectorXd moved = logs;
      moved[i] += kStep;
      (*this)(moved, there);
      jacobian.col(i) = (there - here) / kStep;
    }
    return 0;
  }
  const FitProblem& problem;
  std::vector<double> root_weight;
};

// `counts`: how often each sample is in the resample.
std::vector<double> minimise(const FitProblem& problem, const std::vector<double>& counts,
                             const std::vector<double>& start) {
  VectorXd logs(static_cast<Eigen::Index>(start.size()));
  for (std::size_t i = 0; i < start.size(); ++i)
    logs[static_cast<Eigen::Index>(i)] = std::log(start[i] / problem.start[i]);
  std::vector<double> weights = counts;
  for (int round = 0; round < kReweightings; ++round) {
    Residuals residuals(problem, weights);
    Eigen::LevenbergMarquardt<Residuals> solver(residuals);
    solver.setMaxfev(200);
    solver.minimize(logs);
    const std::vector<double> times = problem.predict(theta_of(problem, logs));
    std::vector<double> deviations;
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (counts[i] > 0.0) deviations.push_back(std::abs(std::log(times[i] / problem.measured[i])));
    }
    const double scale = kHuberScale * std::max(1.4826 * nearest_quantile(deviations, 0.5), kLeastDeviation);
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double deviation = std::abs(std::log(times[i] / problem.measured[i]));
      weights[i] = counts[i] * (deviation <= scale ? 1.0 : scale / deviation);
    }
  }
  return theta_of(problem, logs);
}

double cost_of(const FitProblem& problem, const std::vector<double>& theta) {
  double cost = 0.0;
  const std::vector<double> times = problem.predict(theta);
  for (std::size_t i = 0; i < times.size(); ++i) cost += std::abs(std::log(times[i] / problem.measured[i]));
  return cost;
}

// Counts the solutions that a fit consists of: one from each start, resample and fold.
class Steps {
 public:
  Steps(const FitProblem& problem, const FitOptions& options)
      : options_(options),
        all_(static_cast<double>(1 + 2 * problem.start.size() + (problem.start.size() > 1 ? kPromising : 0)) +
             static_cast<double>(options.resamples) + static_cast<double>(options.folds)) {}
  void count() {
    done_ += 1.0;
    if (options_.progress) options_.progress(done_ / all_);
  }

 private:
  const FitOptions& options_;
  double all_, done_ = 0.0;
};

// All combinations of parameters at the start, far below and far above it: where a limit does not bind, nothing pulls
// at it, and two may make up for each other.
std::vector<std::vector<double>> grid_of(const std::vector<double>& start) {
  constexpr double kFar = 3.0;
  std::vector<std::vector<double>> grid = {start};
  for (std::size_t i = 0; i < start.size(); ++i) {
    for (std::size_t j = 0, present = grid.size(); j < present; ++j) {
      for (const double factor : {1.0 / kFar, kFar}) {
        std::vector<double> moved = grid[j];
        moved[i] *= factor;
        grid.push_back(std::move(moved));
      }
    }
  }
  return grid;
}

// The start, each parameter alone moved from it, and the most promising points of the grid.
std::vector<std::vector<double>> starts_for(const FitProblem& problem) {
  std::vector<std::vector<double>> starts, others;
  for (std::vector<double>& point : grid_of(problem.start)) {
    std::size_t moved = 0;
    for (std::size_t i = 0; i < point.size(); ++i) moved += point[i] != problem.start[i] ? 1 : 0;
    (moved <= 1 ? starts : others).push_back(std::move(point));
  }
  std::vector<std::pair<double, std::size_t>> costs;
  for (std::size_t i = 0; i < others.size(); ++i) costs.emplace_back(cost_of(problem, others[i]), i);
  std::sort(costs.begin(), costs.end());
  for (std::size_t i = 0; i < std::min(kPromising, costs.size()); ++i) starts.push_back(others[costs[i].second]);
  return starts;
}

// Moves of one parameter, or of two together or against each other, as long as they lower the cost: kinks of a model,
// where it changes its plan, stop a method that follows slopes.
std::vector<double> polished(const FitProblem& problem, std::vector<double> theta) {
  constexpr double kFirst = 0.2, kLast = 0.002;
  double least = cost_of(problem, theta);
  const auto try_move = [&](std::size_t i, double by, std::size_t j, double too) {
    std::vector<double> moved = theta;
    moved[i] *= std::exp(by);
    if (j != i) moved[j] *= std::exp(too);
    const double cost = cost_of(problem, moved);
    if (cost >= least) return false;
    least = cost;
    theta = std::move(moved);
    return true;
  };
  for (double step = kFirst; step > kLast;) {
    bool better = false;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      for (std::size_t j = i; j < theta.size(); ++j) {
        for (const double sign : {1.0, -1.0}) {
          better = try_move(i, sign * step, j, sign * step) || better;
          if (j != i) better = try_move(i, sign * step, j, -sign * step) || better;
        }
      }
    }
    if (!better) step *= 0.5;
  }
  return theta;
}

// What parameters are beyond a factor of 3 from their starts, in logarithms. Where a model explains its samples nearly
// as well in two ways, the one that is physically remote is not to win by chance.
double remoteness_of(const FitProblem& problem, const std::vector<double>& theta) {
  constexpr double kReach = 1.1;
  double remoteness = 0.0;
  for (std::size_t i = 0; i < theta.size(); ++i)
    remoteness += std::max(0.0, std::abs(std::log(theta[i] / problem.start[i])) - kReach);
  return remoteness;
}

std::vector<double> best_of_starts(const FitProblem& problem, Steps& steps) {
  const std::vector<double> all(problem.measured.size(), 1.0);
  std::vector<double> best;
  double least = 0.0;
  for (const std::vector<double>& start : starts_for(problem)) {
    std::vector<double> theta = minimise(problem, all, start);
    steps.count();
    const double cost = cost_of(problem, theta) + remoteness_of(problem, theta);
    if (!best.empty() && cost >= least) continue;
    least = cost;
    best = std::move(theta);
  }
  return polished(problem, best);
}

std::vector<double> relative_errors(const FitProblem& problem, const std::vector<double>& theta) {
  std::vector<double> errors = problem.predict(theta);
  for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = errors[i] / problem.measured[i] - 1.0;
  return errors;
}

// A permutation of the groups, dealt to folds in turn; the fold of each sample.
std::vector<int> folds_of(const FitProblem& problem, int folds, RandomStream random) {
  const std::size_t samples = problem.measured.size();
  std::vector<std::size_t> groups = problem.groups;
  for (std::size_t i = groups.size(); i < samples; ++i) groups.push_back(i);
  std::vector<std::size_t> order(*std::max_element(groups.begin(), groups.end()) + 1);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::vector<int> fold;
  for (const std::size_t group : groups)
    fold.push_back(static_cast<int>(order[group] % static_cast<std::size_t>(folds)));
  return fold;
}

void add_intervals(Fit& result, const FitProblem& problem, const FitOptions& options, Steps& steps) {
  const std::size_t samples = problem.measured.size(), parameters = result.theta.size();
  std::vector<std::vector<double>> drawn(parameters);
  for (int i = 0; i < options.resamples; ++i) {
    RandomStream random = RandomStream(options.seed).fork("bootstrap").fork(static_cast<std::uint64_t>(i));
    std::vector<double> counts(samples, 0.0);
    for (std::size_t j = 0; j < samples; ++j) counts[random.below(samples)] += 1.0;
    FitProblem drifted = problem;
    const double factor = std::exp(problem.drift * random.normal());
    for (double& time : drifted.measured) time *= factor;
    const std::vector<double> theta = minimise(drifted, counts, result.theta);
    steps.count();
    for (std::size_t j = 0; j < parameters; ++j) drawn[j].push_back(theta[j]);
  }
  for (std::size_t j = 0; j < parameters; ++j) {
    const auto at = [&](double share) {
      return drawn[j].empty() ? result.theta[j] : nearest_quantile(drawn[j], share);
    };
    result.low.push_back(std::min(at(0.05), result.theta[j]));
    result.high.push_back(std::max(at(0.95), result.theta[j]));
  }
}

void add_held_out_errors(Fit& result, const FitProblem& problem, const FitOptions& options, Steps& steps) {
  const std::size_t samples = problem.measured.size();
  const std::vector<int> fold = folds_of(problem, options.folds, RandomStream(options.seed).fork("folds"));
  result.held_out_errors.resize(samples);
  for (int held = 0; held < options.folds; ++held) {
    std::vector<double> counts(samples);
    for (std::size_t i = 0; i < samples; ++i) counts[i] = fold[i] == held ? 0.0 : 1.0;
    const std::vector<double> errors = relative_errors(problem, minimise(problem, counts, result.theta));
    steps.count();
    for (std::size_t i = 0; i < samples; ++i) {
      if (fold[i] == held) result.held_out_errors[i] = errors[i];
    }
  }
}

}  // namespace

Fit fit(const FitProblem& problem, const FitOptions& options) {
  CHECK(problem.measured.size() > problem.start.size() && !problem.start.empty(), "{} samples for {} parameters",
        problem.measured.size(), problem.start.size());
  Fit result;
  Steps steps(problem, options);
  result.theta = best_of_starts(problem, steps);
  result.errors = relative_errors(problem, result.theta);
  add_intervals(result, problem, options, steps);
  add_held_out_errors(result, problem, options, steps);
  return result;
}

}  // namespace outrider
