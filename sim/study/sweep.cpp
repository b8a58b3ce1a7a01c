// Workers take design points in order; two that meet at the same point compute it once.
#include "sim/study/sweep.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "sim/study/parallel.h"
#include "sim/study/selection_groups.h"
#include "sim/study/sweep_desk.h"
#include "sim/study/trials.h"

namespace outrider {
namespace {

constexpr std::size_t kMostSelectionBytes = std::size_t{256} << 20;

// Points that some thread simulates just now.
class InFlight {
 public:
  // Waits until no other thread does, then is this thread's.
  void begin(const Digest& key) {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return keys_.count(key) == 0; });
    keys_.insert(key);
  }
  void end(const Digest& key) {
    const std::lock_guard lock(mutex_);
    keys_.erase(key);
    ended_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<Digest> keys_;
};

class Claimed {
 public:
  Claimed(InFlight& in_flight, const Digest& key) : in_flight_(in_flight), key_(key) { in_flight_.begin(key_); }
  ~Claimed() { in_flight_.end(key_); }
  Claimed(const Claimed&) = delete;
  Claimed& operator=(const Claimed&) = delete;

 private:
  InFlight& in_flight_;
  const Digest& key_;
};

class Worker {
 public:
  Worker(SweepDesk& desk, const SweepTask& task, KnownFigures& known)
      : desk_(desk), task_(task), known_(known), selections_(kMostSelectionBytes) {}

  void work(std::size_t threads);

 private:
  void work_alone();
  void do_point(const DesignReader& read, std::size_t index);
  std::string rows_of(const DesignPoint& point, SweepDesk::Rows& counted);
  void simulate_group(const DesignPoint& point, const std::vector<PlannedPoint>& plans, const PointGroup& group,
                      std::vector<std::string>& figures, SweepDesk::Rows& counted);

  SweepDesk& desk_;
  const SweepTask& task_;
  KnownFigures& known_;
  SelectionStore selections_;
  InFlight in_flight_{};
  std::atomic<bool> failed_{false};
  std::mutex mutex_{};
  std::exception_ptr thrown_{};
};

void Worker::work(std::size_t threads) {
  parallel_for(threads, static_cast<int>(threads), [this](std::size_t) { work_alone(); });
  if (thrown_) std::rethrow_exception(thrown_);
}

void Worker::work_alone() {
  try {
    const DesignReader read = task_.make_reader();
    while (!failed_) {
      const std::optional<std::size_t> point = desk_.next();
      if (!point) return;
      do_point(read, *point);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    thrown_ = std::current_exception();
    failed_ = true;
  }
}

void Worker::do_point(const DesignReader& read, std::size_t index) {
  const auto point = read(index);
  if (const auto* errors = std::get_if<DesignErrors>(&point)) return desk_.stop(index, *errors);
  SweepDesk::Rows counted;
  const std::string record = rows_of(std::get<DesignPoint>(point), counted);
  desk_.add(index, record, counted);
}

std::string Worker::rows_of(const DesignPoint& point, SweepDesk::Rows& counted) {
  std::vector<PlannedPoint> plans = plan_points(point.scenario, {});
  const bool tries =
      std::any_of(plans.begin(), plans.end(), [](const auto& plan) { return !plan.entry->tried.empty(); });
  if (tries) plans = settled(point.scenario, MachineModel(point.scenario.machine, point.profile), std::move(plans), 1);
  std::vector<std::string> figures(plans.size());
  for (const auto& [key, group] : group_points(plans)) simulate_group(point, plans, group, figures, counted);
  std::string rows;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (i > 0) rows += kRowEnd;
    rows += task_.identity(point, plans[i]) + kFieldEnd + figures[i];
  }
  return rows;
}

void Worker::simulate_group(const DesignPoint& point, const std::vector<PlannedPoint>& plans, const PointGroup& group,
                            std::vector<std::string>& figures, SweepDesk::Rows& counted) {
  const PointOrigin origin{task_.program, point.scenario, point.profile, point.profile_digest};
  std::optional<MachineModel> machine;
  std::optional<SelectionStore::Lease> lease;
  for (const std::size_t i : group) {
    const Digest key = point_key(origin, plans[i]);
    const Claimed claimed(in_flight_, key);
    if (std::optional<std::string> known = known_.find(key)) {
      figures[i] = std::move(*known);
      ++counted.cached;
      continue;
    }
    if (!machine) machine.emplace(point.scenario.machine, point.profile);
    if (!lease) lease.emplace(selections_, point.scenario, widest_of(plans, group));
    figures[i] = task_.figures(simulate_point(point.scenario, *machine, plans[i], lease->selections(), {}).result);
    known_.put(key, figures[i]);
    ++counted.simulated;
  }
}

}  // namespace

void work_at(SweepDesk& desk, const SweepTask& task, KnownFigures& known, std::size_t threads) {
  Worker(desk, task, known).work(threads);
}

std::variant<SweepCounts, DesignErrors> run_sweep(const SweepTask& task, SweepJournal& journal, KnownFigures& known) {
  const std::size_t threads =
      task.threads > 0 ? static_cast<std::size_t>(task.threads) : std::max(1u, std::thread::hardware_concurrency());
  JournalDesk desk(task, journal, false);
  work_at(desk, task, known, threads);
  return desk.outcome();
}

}  // namespace outrider
