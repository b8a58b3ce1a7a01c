// Adding to and reading of runs.csv.
#include "calibration/samples/run_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "sim/io/atomic_file.h"
#include "sim/io/csv_table.h"

namespace outrider {
namespace {

// Before processors and memory were recorded.
constexpr const char* kOldHeader = "run,date,cpu,cpu_flags,gpu,driver,clocks";
constexpr const char* kHeader = "run,date,cpu,cpu_flags,gpu,driver,clocks,processors,memory_bytes";
constexpr std::size_t kOldColumns = 7, kColumns = 9;

// Commas would end the cell.
std::string cell(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// An empty cell is 0: not recorded. `most` also keeps infinities out.
template <class Number>
bool read_number(const std::string& text, Number& number, Number most) {
  if (text.empty()) return true;
  return read_cell(text, number) && number >= Number{} && number <= most;
}

// The column that is wrong, or none.
std::string read_line(const std::vector<std::string>& cells, LoggedRun& run) {
  run.host.processors = 0;
  if (cells[0].empty() || !read_number(cells[0], run.run, 1000000000) || run.run < 1) return "run";
  run.date = cells[1];
  std::string* const texts[] = {&run.host.cpu, &run.host.cpu_flags, &run.host.gpu, &run.host.driver, &run.host.clocks};
  for (std::size_t i = 0; i < std::size(texts); ++i) *texts[i] = cells[i + 2];
  if (cells.size() == kOldColumns) return {};
  if (!read_number(cells[7], run.host.processors, 1000000)) return "processors";
  return read_number(cells[8], run.host.memory_bytes, 1e18) ? "" : "memory_bytes";
}

void add_once(std::string& list, const std::string& item) {
  if (item.empty() || ("; " + list + ";").find("; " + item + ";") != std::string::npos) return;
  list += (list.empty() ? "" : "; ") + item;
}

bool same_where_stated(const std::string& one, const std::string& other) {
  return one.empty() || other.empty() || cell(one) == cell(other);
}

}  // namespace

void log_run(const std::filesystem::path& file, int run, const std::string& date, const HostFacts& facts) {
  const std::string line = fmt::format("{},{},{},{},{},{},{},{},{}", run, date, cell(facts.cpu), cell(facts.cpu_flags),
                                       cell(facts.gpu), cell(facts.driver), cell(facts.clocks),
                                       facts.processors > 0 ? fmt::format("{}", facts.processors) : "",
                                       facts.memory_bytes > 0.0 ? fmt::format("{:.0f}", facts.memory_bytes) : "");
  std::vector<std::string> lines;
  std::ifstream present(file);
  for (std::string each; std::getline(present, each);) lines.push_back(each);
  present.close();
  if (std::find(lines.begin(), lines.end(), line) != lines.end()) return;
  if (lines.empty()) lines.emplace_back(kHeader);
  if (lines.front() == kOldHeader) {
    for (std::string& each : lines) each += ",,";
    lines.front() = kHeader;
  }
  lines.push_back(line);
  write_atomically(file, fmt::format("{}\n", fmt::join(lines, "\n")));
}

std::vector<LoggedRun> read_runs(const std::filesystem::path& file, ConfigErrors& errors) {
  std::vector<LoggedRun> runs;
  std::ifstream stream(file);
  std::string line;
  std::size_t columns = kColumns;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (number == 1) {
      if (line == kOldHeader) columns = kOldColumns;
      if (line == kHeader || line == kOldHeader) continue;
      errors.add({file.string(), 1, 1, "", fmt::format("the header '{}'", kHeader), shortened(line)});
      return runs;
    }
    LoggedRun run{.run = 1, .date = {}, .host = {}, .line = number};
    const std::vector<std::string> cells = split_cells(line, ',');
    const bool whole = cells.size() == columns;
    const std::string wrong = whole ? read_line(cells, run) : "";
    runs.push_back(std::move(run));
    if (whole && wrong.empty()) continue;
    errors.add({file.string(), number, 1, wrong, whole ? "a whole number" : fmt::format("{} columns", columns),
                shortened(line)});
  }
  return runs;
}

void record_runs(const std::vector<LoggedRun>& runs, FitRecord& record) {
  for (const LoggedRun& run : runs) {
    add_once(record.date, run.date);
    add_once(record.cpu, run.host.cpu);
    add_once(record.cpu_flags, run.host.cpu_flags);
    add_once(record.gpu, run.host.gpu);
    add_once(record.driver, run.host.driver);
    add_once(record.clocks, run.host.clocks);
  }
}

bool may_agree(const HostFacts& one, const HostFacts& other) {
  const bool processors = one.processors == 0 || other.processors == 0 || one.processors == other.processors;
  return processors && same_where_stated(one.cpu, other.cpu) && same_where_stated(one.gpu, other.gpu);
}

std::string text_of(const HostFacts& host) {
  std::string text = host.cpu.empty() ? "a CPU that is not recorded" : cell(host.cpu);
  if (host.processors > 0) text += fmt::format(", {} processors", host.processors);
  return text + ", " + (host.gpu.empty() ? "no GPU" : cell(host.gpu));
}

void check_one_machine(const std::filesystem::path& file, const std::vector<LoggedRun>& runs, ConfigErrors& errors) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto other = std::find_if(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const LoggedRun& each) { return !may_agree(each.host, runs[i].host); });
    if (other == runs.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    errors.add({.file = file.string(),
                .line = runs[i].line,
                .column = 1,
                .path = fmt::format("run {}", runs[i].run),
                .expected = fmt::format("the machine of run {} in line {} ({}), since one fit is of one machine",
                                        other->run, other->line, text_of(other->host)),
                .got = text_of(runs[i].host)});
  }
}

void check_resumable(const std::filesystem::path& file, const std::vector<LoggedRun>& runs, int run,
                     const HostFacts& here, ConfigErrors& errors) {
  int last = run;
  bool other_machine = false;
  const LoggedRun* different = nullptr;
  for (const LoggedRun& each : runs) {
    last = std::max(last, each.run);
    const bool agrees = may_agree(each.host, here);
    const bool same_gpu = each.host.cpu.empty() || cell(each.host.gpu) == cell(here.gpu);  // one or none
    other_machine = other_machine || !agrees;
    if (different == nullptr && (!agrees || (each.run == run && !same_gpu))) different = &each;
  }
  if (different == nullptr) return;
  errors.add({.file = file.string(),
              .line = different->line,
              .column = 1,
              .path = fmt::format("run {}", different->run),
              .expected = fmt::format("this host ({})", text_of(here)),
              .got = fmt::format("{}: use another --out{}", text_of(different->host),
                                 other_machine ? "" : fmt::format(", or --run {}", last + 1))});
}

HostFacts host_of(const std::vector<LoggedRun>& runs) {
  HostFacts host;
  host.processors = 0;
  for (const LoggedRun& run : runs) {
    if (host.cpu.empty()) host.cpu = run.host.cpu;
    if (host.cpu_flags.empty()) host.cpu_flags = run.host.cpu_flags;
    if (host.processors == 0) host.processors = run.host.processors;
    if (host.memory_bytes == 0.0) host.memory_bytes = run.host.memory_bytes;
    if (host.gpu.empty()) host.gpu = run.host.gpu;
    if (host.driver.empty()) host.driver = run.host.driver;
    if (host.clocks.empty()) host.clocks = run.host.clocks;
  }
  return host;
}

}  // namespace outrider
