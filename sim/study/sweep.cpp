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

class Sweep {
 public:
  Sweep(const SweepTask& task, SweepJournal& journal, PointCache& cache)
      : task_(task), journal_(journal), cache_(cache), selections_(kMostSelectionBytes) {
    counts_.resumed = journal.done();
  }

  std::variant<SweepCounts, DesignErrors> run();

 private:
  void work();
  void do_point(const DesignReader& read, std::size_t index);
  std::string rows_of(const DesignPoint& point);
  void simulate_group(const DesignPoint& point, const std::vector<PlannedPoint>& plans, const PointGroup& group,
                      std::vector<std::string>& figures);
  void stop_with(std::size_t index, const DesignErrors& errors);

  const SweepTask& task_;
  SweepJournal& journal_;
  PointCache& cache_;
  SelectionStore selections_;
  InFlight in_flight_;
  std::atomic<std::size_t> next_{0}, cached_{0}, simulated_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // of the journal and what follows
  SweepCounts counts_;
  std::size_t wrong_index_ = 0;
  DesignErrors wrong_;
  std::exception_ptr thrown_;
};

std::variant<SweepCounts, DesignErrors> Sweep::run() {
  const std::size_t threads =
      task_.threads > 0 ? static_cast<std::size_t>(task_.threads) : std::max(1u, std::thread::hardware_concurrency());
  parallel_for(threads, static_cast<int>(threads), [this](std::size_t) { work(); });
  if (thrown_) std::rethrow_exception(thrown_);
  if (!wrong_.empty()) return wrong_;
  counts_.cached = cached_;
  counts_.simulated = simulated_;
  return counts_;
}

void Sweep::work() {
  try {
    const DesignReader read = task_.make_reader();
    for (std::size_t i = next_++; i < task_.points && !stopped_; i = next_++) {
      if (!journal_.has(i)) do_point(read, i);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    thrown_ = std::current_exception();
    stopped_ = true;
  }
}

void Sweep::do_point(const DesignReader& read, std::size_t index) {
  const auto point = read(index);
  if (const auto* errors = std::get_if<DesignErrors>(&point)) return stop_with(index, *errors);
  const std::string record = rows_of(std::get<DesignPoint>(point));
  const std::lock_guard lock(mutex_);
  journal_.add(index, record);
  if (task_.progress) task_.progress(journal_.done(), task_.points);
}

void Sweep::stop_with(std::size_t index, const DesignErrors& errors) {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (!wrong_.empty() && wrong_index_ < index) return;
  wrong_index_ = index;
  wrong_ = errors;
}

std::string Sweep::rows_of(const DesignPoint& point) {
  std::vector<PlannedPoint> plans = plan_points(point.scenario, {});
  const bool tries =
      std::any_of(plans.begin(), plans.end(), [](const auto& plan) { return !plan.entry->tried.empty(); });
  if (tries) plans = settled(point.scenario, MachineModel(point.scenario.machine, point.profile), std::move(plans), 1);
  std::vector<std::string> figures(plans.size());
  for (const auto& [key, group] : group_points(plans)) simulate_group(point, plans, group, figures);
  std::string rows;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (i > 0) rows += kRowEnd;
    rows += task_.identity(point, plans[i]) + kFieldEnd + figures[i];
  }
  return rows;
}

void Sweep::simulate_group(const DesignPoint& point, const std::vector<PlannedPoint>& plans, const PointGroup& group,
                           std::vector<std::string>& figures) {
  const PointOrigin origin{task_.program, point.scenario, point.profile, point.profile_digest};
  std::optional<MachineModel> machine;
  std::optional<SelectionStore::Lease> lease;
  for (const std::size_t i : group) {
    const Digest key = point_key(origin, plans[i]);
    const Claimed claimed(in_flight_, key);
    if (std::optional<std::string> known = cache_.find(key)) {
      figures[i] = std::move(*known);
      ++cached_;
      continue;
    }
    if (!machine) machine.emplace(point.scenario.machine, point.profile);
    if (!lease) lease.emplace(selections_, point.scenario, widest_of(plans, group));
    figures[i] = task_.figures(simulate_point(point.scenario, *machine, plans[i], lease->selections(), {}).result);
    cache_.put(key, figures[i]);
    ++simulated_;
  }
}

}  // namespace

std::variant<SweepCounts, DesignErrors> run_sweep(const SweepTask& task, SweepJournal& journal, PointCache& cache) {
  return Sweep(task, journal, cache).run();
}

}  // namespace outrider
