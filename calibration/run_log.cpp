// Appending to and reading of runs.csv.
#include "calibration/run_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "sim/io/atomic_file.h"

namespace outrider {
namespace {

constexpr const char* kHeader = "run,date,cpu,cpu_flags,gpu,driver,clocks";
constexpr std::size_t kColumns = 7;

// Commas would end the cell.
std::string cell(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char letter : line) {
    if (letter == ',') {
      cells.emplace_back();
    } else {
      cells.back() += letter;
    }
  }
  return cells;
}

void add_once(std::string& list, const std::string& item) {
  if (item.empty() || ("; " + list + ";").find("; " + item + ";") != std::string::npos) return;
  list += (list.empty() ? "" : "; ") + item;
}

}  // namespace

void log_run(const std::filesystem::path& file, int run, const std::string& date, const HostFacts& facts) {
  const std::string line = fmt::format("{},{},{},{},{},{},{}", run, date, cell(facts.cpu), cell(facts.cpu_flags),
                                       cell(facts.gpu), cell(facts.driver), cell(facts.clocks));
  std::vector<std::string> lines;
  std::ifstream present(file);
  for (std::string each; std::getline(present, each);) lines.push_back(each);
  present.close();
  if (std::find(lines.begin(), lines.end(), line) != lines.end()) return;
  if (lines.empty()) lines.emplace_back(kHeader);
  lines.push_back(line);
  write_atomically(file, fmt::format("{}\n", fmt::join(lines, "\n")));
}

void read_run_log(const std::filesystem::path& file, FitRecord& record, ConfigErrors& errors) {
  std::ifstream stream(file);
  std::string line;
  int number = 0;
  while (std::getline(stream, line)) {
    const std::vector<std::string> cells = cells_of(line);
    if (++number == 1 ? line != kHeader : cells.size() != kColumns) {
      errors.add({file.string(), number, 1, "", number == 1 ? std::string("the header '") + kHeader + "'" : "7 columns",
                  shortened(line)});
      return;
    }
    if (number == 1) continue;
    std::string* const fields[] = {&record.date, &record.cpu,    &record.cpu_flags,
                                   &record.gpu,  &record.driver, &record.clocks};
    for (std::size_t i = 0; i < std::size(fields); ++i) add_once(*fields[i], cells[i + 1]);
  }
}

}  // namespace outrider
