// Nodes from sysfs, and threads on their processors.
#include "kernels/cpu/numa.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <charconv>
#include <chrono>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace outrider {
namespace {

namespace fs = std::filesystem;

// "0-3,8" → 0 1 2 3 8; what is no such list adds nothing.
std::vector<int> listed(std::string_view text) {
  std::vector<int> found;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    int first = 0, last = 0;
    const char* const end = part.data() + part.size();
    const auto [behind, problem] = std::from_chars(part.data(), end, first);
    if (problem != std::errc()) continue;
    last = first;
    if (behind != end && *behind == '-') std::from_chars(behind + 1, end, last);
    for (int each = first; each <= last; ++each) found.push_back(each);
  }
  return found;
}

bool pin_this_thread(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  return pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
}

}  // namespace

std::vector<std::vector<int>> numa_nodes(std::span<const int> usable, const fs::path& root) {
  std::map<int, std::vector<int>> nodes;
  std::size_t known = 0;
  std::error_code ignored;
  for (const fs::directory_entry& each : fs::directory_iterator(root, ignored)) {
    const std::string name = each.path().filename().string();
    int number = 0;
    if (!name.starts_with("node")) continue;
    const auto [end, problem] = std::from_chars(name.data() + 4, name.data() + name.size(), number);
    if (problem != std::errc() || end != name.data() + name.size()) continue;
    std::string text;
    std::ifstream file(each.path() / "cpulist");
    std::getline(file, text);
    for (const int processor : listed(text)) {
      if (std::find(usable.begin(), usable.end(), processor) == usable.end()) continue;
      nodes[number].push_back(processor);
      ++known;
    }
  }
  if (known != usable.size()) return {std::vector<int>(usable.begin(), usable.end())};
  std::vector<std::vector<int>> result;
  for (auto& [number, processors] : nodes) result.push_back(std::move(processors));
  return result;
}

double run_on(std::span<const int> processors, const std::function<void(std::size_t)>& work) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin;
  std::atomic<bool> pinned{true};
  std::barrier there(static_cast<std::ptrdiff_t>(processors.size()), [&]() noexcept { begin = Clock::now(); });
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < processors.size(); ++i) {
    threads.emplace_back([&, i] {
      if (!pin_this_thread(processors[i])) pinned = false;
      there.arrive_and_wait();
      if (pinned) work(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (!pinned) throw std::runtime_error("threads cannot be pinned to the processors that this process may use");
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace outrider
