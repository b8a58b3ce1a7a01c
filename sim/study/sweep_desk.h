// Where the design points of a sweep are handed out, and finished ones handed in.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "sim/study/sweep.h"

namespace outrider {

// For several threads at a time.
class SweepDesk {
 public:
  virtual ~SweepDesk() = default;
  // A point to do, maybe after some waiting; nothing: none is left, or the sweep was stopped.
  virtual std::optional<std::size_t> next() = 0;
  // Figures of how many rows of it were known, and simulated.
  struct Rows {
    std::size_t cached = 0, simulated = 0;
  };
  virtual void add(std::size_t point, const std::string& record, Rows rows) = 0;
  virtual void stop(std::size_t point, const DesignErrors& errors) = 0;
};

// Simulates the points of a desk on so many threads until it has none. Throws what one of them threw.
void work_at(SweepDesk& desk, const SweepTask& task, KnownFigures& known, std::size_t threads);

// Of the journal at hand. Where other programs work for it, which may die unseen, a point that is out much longer than
// any took before is handed out again; the first to hand it in counts, and all make the same record of it.
class JournalDesk : public SweepDesk {
 public:
  using Clock = std::chrono::steady_clock;
  JournalDesk(const SweepTask& task, SweepJournal& journal, bool others_work)
      : task_(task), journal_(journal), others_work_(others_work) {
    counts_.resumed = journal.done();
  }

  std::optional<std::size_t> next() override;  // with others at work, waits until all is done
  std::optional<std::size_t> offer();          // does not wait
  void add(std::size_t point, const std::string& record, Rows rows) override;
  void stop(std::size_t point, const DesignErrors& errors) override;
  void stop();
  bool ended();                // all is done, or it was stopped
  Clock::duration patience();  // how long a point may be out
  std::variant<SweepCounts, DesignErrors> outcome() const;

 private:
  Clock::duration patience_now() const;

  const SweepTask& task_;
  SweepJournal& journal_;
  bool others_work_, stopped_ = false;
  std::mutex mutex_{};  // of the journal and what follows
  std::size_t next_ = 0;
  std::map<std::size_t, Clock::time_point> out_{};
  Clock::duration longest_{};
  SweepCounts counts_{};
  std::size_t wrong_index_ = 0;
  DesignErrors wrong_{};
};

}  // namespace outrider
