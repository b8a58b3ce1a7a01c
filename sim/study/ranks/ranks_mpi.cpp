// Ranks on Boost.MPI. Others ask and rank 0 answers, so that it never sends to one that has died; nobody waits in MPI,
// whose waiting would take a core.
#include <fmt/format.h>

#include <boost/mpi/communicator.hpp>
#include <boost/mpi/environment.hpp>
#include <boost/mpi/status.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <charconv>
#include <exception>
#include <functional>
#include <set>
#include <stdexcept>
#include <thread>

#include "sim/study/ranks/ranks.h"
#include "sim/study/sweep_desk.h"

namespace outrider {
namespace {

namespace mpi = boost::mpi;
using Message = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

enum Tag : int {
  kAsk,     // for a point; the answer is its number, "later" or "end"
  kFind,    // a key; the answer is its figures, or nothing
  kPut,     // a key and its figures
  kAdd,     // a point, its record, rows known and simulated
  kStop,    // a point and its errors
  kFailed,  // what was thrown
  kAnswer   // of rank 0
};

constexpr auto kPause = std::chrono::microseconds(50);
constexpr auto kLater = std::chrono::milliseconds(2);
constexpr auto kSilence = std::chrono::seconds(60);  // after which rank 0 counts as dead

std::size_t number_in(const std::string& text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Message key_message(const Digest& key) { return {fmt::format("{}", key[0]), fmt::format("{}", key[1])}; }
Digest key_in(const Message& message) { return {number_in(message[0]), number_in(message[1])}; }

// Rank 0 as the others see it.
class Leader : public SweepDesk, public KnownFigures {
 public:
  explicit Leader(const mpi::communicator& world) : world_(world) {}

  std::optional<std::size_t> next() override {
    for (;; std::this_thread::sleep_for(kLater)) {
      const Message answer = ask(kAsk, {});
      if (answer.front() == "end") return std::nullopt;
      if (answer.front() != "later") return number_in(answer.front());
    }
  }
  void add(std::size_t point, const std::string& record, Rows rows) override {
    tell(kAdd, {fmt::format("{}", point), record, fmt::format("{}", rows.cached), fmt::format("{}", rows.simulated)});
  }
  void stop(std::size_t point, const DesignErrors& errors) override {
    Message message = {fmt::format("{}", point)};
    message.insert(message.end(), errors.begin(), errors.end());
    tell(kStop, message);
  }
  std::optional<std::string> find(const Digest& key) override {
    Message answer = ask(kFind, key_message(key));
    return answer.empty() ? std::nullopt : std::optional(std::move(answer.front()));
  }
  void put(const Digest& key, std::string_view figures) override {
    Message message = key_message(key);
    message.emplace_back(figures);
    tell(kPut, message);
  }
  void failed(const std::string& what) { tell(kFailed, {what}); }

 private:
  void tell(Tag tag, const Message& message) { world_.send(0, tag, message); }
  Message ask(Tag tag, const Message& message) {
    tell(tag, message);
    const Clock::time_point begin = Clock::now();
    while (!world_.iprobe(0, kAnswer)) {
      if (Clock::now() - begin > kSilence) throw std::runtime_error("rank 0 of the sweep does not answer");
      std::this_thread::sleep_for(kPause);
    }
    Message answer;
    world_.recv(0, kAnswer, answer);
    return answer;
  }

  const mpi::communicator& world_;
};

// Rank 0's side of the others' questions.
class Counter {
 public:
  // Without a desk there is nothing to do for anyone.
  Counter(const mpi::communicator& world, JournalDesk* desk, KnownFigures* known)
      : world_(world), desk_(desk), known_(known) {}

  // What has come; whether that was anything.
  bool serve() {
    const auto status = world_.iprobe(mpi::any_source, mpi::any_tag);
    if (!status) return false;
    Message message;
    world_.recv(status->source(), status->tag(), message);
    take(status->source(), static_cast<Tag>(status->tag()), message);
    return true;
  }
  int still_here() const { return world_.size() - 1 - static_cast<int>(gone_.size()); }
  const std::string& failure() const { return failure_; }

 private:
  void answer(int rank, const Message& message) { world_.send(rank, kAnswer, message); }
  void take(int rank, Tag tag, const Message& message) {
    if (tag == kAsk) return hand_out(rank);
    if (tag == kFind) {
      auto figures = known_ ? known_->find(key_in(message)) : std::nullopt;
      return answer(rank, figures ? Message{std::move(*figures)} : Message{});
    }
    if (tag == kFailed) {
      failure_ = fmt::format("rank {}: {}", rank, message.front());
      gone_.insert(rank);
    }
    if (!desk_) return;
    if (tag == kFailed) desk_->stop();
    if (tag == kPut) known_->put(key_in(message), message[2]);
    if (tag == kAdd) desk_->add(number_in(message[0]), message[1], {number_in(message[2]), number_in(message[3])});
    if (tag == kStop) desk_->stop(number_in(message[0]), {message.begin() + 1, message.end()});
  }
  void hand_out(int rank) {
    if (!desk_ || desk_->ended()) {
      gone_.insert(rank);
      return answer(rank, {"end"});
    }
    const std::optional<std::size_t> point = desk_->offer();
    answer(rank, {point ? fmt::format("{}", *point) : "later"});
  }

  const mpi::communicator& world_;
  JournalDesk* desk_;
  KnownFigures* known_;
  std::set<int> gone_{};  // ranks that were told the end, or told theirs
  std::string failure_{};
};

void serve_until(Counter& counter, const std::function<bool()>& over) {
  while (!over()) {
    if (!counter.serve()) std::this_thread::sleep_for(kPause);
  }
}

// Tells those that ask that there is no more; how many did not ask for so long.
int dismiss(Counter& counter, Clock::duration patience) {
  const Clock::time_point end = Clock::now() + patience;
  serve_until(counter, [&] { return counter.still_here() == 0 || Clock::now() > end; });
  return counter.still_here();
}

}  // namespace

struct Ranks::Job {
  // Errors return, so that a dead rank does not end the others; `environment` reports what it can.
  std::unique_ptr<mpi::environment> environment = std::make_unique<mpi::environment>(mpi::threading::funneled, false);
  mpi::communicator world{};
  bool dismissed = false;
  int lost = 0;
};

bool built_with_mpi() { return true; }

Ranks::Ranks() : job_(std::make_unique<Job>()) { MPI_Comm_set_errhandler(job_->world, MPI_ERRORS_RETURN); }

// The end of MPI waits for all ranks, so it is left out where some are lost.
Ranks::~Ranks() {
  if (rank() == 0 && !job_->dismissed) {
    Counter counter(job_->world, nullptr, nullptr);
    job_->lost = dismiss(counter, std::chrono::seconds(10));
  }
  if (job_->lost > 0) static_cast<void>(job_->environment.release());
}

int Ranks::rank() const { return job_->world.rank(); }
int Ranks::size() const { return job_->world.size(); }
int Ranks::lost() const { return job_->lost; }

std::variant<SweepCounts, DesignErrors> Ranks::lead(const SweepTask& task, SweepJournal& journal, KnownFigures& known) {
  JournalDesk desk(task, journal, true);
  Counter counter(job_->world, &desk, &known);
  std::exception_ptr thrown;
  std::thread worker([&] {
    try {
      work_at(desk, task, known, 1);
    } catch (...) {
      thrown = std::current_exception();
      desk.stop();
    }
  });
  std::exception_ptr failed;
  try {
    serve_until(counter, [&] { return desk.ended(); });
  } catch (...) {
    failed = std::current_exception();
    desk.stop();
  }
  worker.join();
  if (failed) std::rethrow_exception(failed);
  job_->lost = dismiss(counter, desk.patience());
  job_->dismissed = true;
  if (thrown) std::rethrow_exception(thrown);
  if (!counter.failure().empty()) throw std::runtime_error(counter.failure());
  return desk.outcome();
}

void Ranks::follow(const SweepTask& task) {
  Leader leader(job_->world);
  try {
    work_at(leader, task, leader, 1);
  } catch (const std::exception& problem) {
    leader.failed(problem.what());
    throw;
  }
}

}  // namespace outrider
