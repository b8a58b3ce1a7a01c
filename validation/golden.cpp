// Reading and writing of golden predictions, and reading of measured steps.
#include "validation/golden.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>

#include "sim/io/csv_table.h"

namespace outrider {
namespace {

constexpr std::string_view kBudget = "# budget: ";
constexpr std::string_view kBudgetForm = "'# budget: median 6 %, P90 21 %, worst 22 %'";

// A file being read: where mistakes go, and which points it has named so far.
class Rows {
 public:
  Rows(const std::filesystem::path& file, ConfigErrors& errors) : file_(file.string()), errors_(errors) {}

  void refuse(int line, const char* column, std::string expected, const std::string& got) {
    errors_.add({.file = file_,
                 .line = line,
                 .column = 1,
                 .path = column,
                 .expected = std::move(expected),
                 .got = "'" + shortened(got) + "'"});
  }

  std::int64_t count(const CsvRow& row, std::size_t cell, const char* column) {
    const std::optional<double> value = finite_number(row.cells[cell]);
    constexpr double kMost = 1e15;
    const bool whole = value && *value >= 0.0 && *value <= kMost && std::floor(*value) == *value;
    if (!whole) refuse(row.line, column, "a whole number", row.cells[cell]);
    return whole ? static_cast<std::int64_t>(*value) : 0;
  }

  double positive(const CsvRow& row, std::size_t cell, const char* column, const char* unit) {
    const std::optional<double> value = finite_number(row.cells[cell]);
    if (value && *value > 0.0) return *value;
    refuse(row.line, column, fmt::format("{} above 0", unit), row.cells[cell]);
    return 0.0;
  }

  // The first four cells.
  PointKey point(const CsvRow& row) {
    return {.label = row.cells[0],
            .workload = row.cells[1],
            .context = count(row, 2, "context"),
            .batch = count(row, 3, "batch")};
  }

  void once(const CsvRow& row, const PointKey& point) {
    const auto [first, added] = lines_.emplace(point, row.line);
    if (!added) refuse(row.line, "", fmt::format("each point once (line {})", first->second), to_string(point));
  }

 private:
  std::string file_;
  ConfigErrors& errors_;
  std::map<PointKey, int> lines_;
};

// "median 6 %" → 0.06
std::optional<double> budget_part(std::string_view text, std::string_view name) {
  constexpr std::string_view kUnit = " %";
  if (!text.starts_with(name) || !text.ends_with(kUnit) || text.size() < name.size() + kUnit.size()) return {};
  const auto value = finite_number(text.substr(name.size(), text.size() - name.size() - kUnit.size()));
  return value && *value >= 0.0 ? std::optional(*value / 100.0) : std::nullopt;
}

std::optional<ErrorFigures> read_budget(std::string_view line) {
  const std::vector<std::string> parts = split_cells(line.substr(kBudget.size()), ',');
  if (parts.size() != 3) return std::nullopt;
  const auto median = budget_part(parts[0], "median ");
  const auto p90 = budget_part(parts[1], " P90 ");
  const auto worst = budget_part(parts[2], " worst ");
  if (!median || !p90 || !worst) return std::nullopt;
  return ErrorFigures{.median = *median, .p90 = *p90, .worst = *worst};
}

void read_comments(Golden& golden, Rows& rows) {
  int found = 0;
  for (std::size_t i = 0; i < golden.comments.size(); ++i) {
    const std::string& line = golden.comments[i];
    if (!line.starts_with(kBudget)) continue;
    const auto budget = read_budget(line);
    if (++found > 1 || !budget)
      rows.refuse(static_cast<int>(i) + 1, "", fmt::format("one line {}", kBudgetForm), line);
    else
      golden.budget = *budget;
  }
  if (found == 0) rows.refuse(1, "", fmt::format("a line {} above the header", kBudgetForm), "none");
}

std::vector<FamilyTime> read_families(const CsvRow& row, const std::string& cell, Rows& rows) {
  std::vector<FamilyTime> families;
  for (const std::string& part : split_cells(cell, ';')) {
    const std::size_t equals = part.rfind('=');
    const auto seconds = equals == std::string::npos ? std::nullopt : finite_number(part.substr(equals + 1));
    if (seconds)
      families.push_back({.name = part.substr(0, equals), .seconds = *seconds});
    else
      rows.refuse(row.line, "families", "name=seconds;…", part);
  }
  return families;
}

std::uint64_t read_order(const CsvRow& row, const std::string& cell, Rows& rows) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value, 16);
  constexpr std::size_t kDigits = 16;
  if (problem != std::errc() || end != cell.data() + cell.size() || cell.size() != kDigits)
    rows.refuse(row.line, "order", "16 hexadecimal digits", cell);
  return value;
}

Prediction read_point(const CsvRow& row, Rows& rows) {
  Prediction point{.point = rows.point(row), .families = {}};
  point.fits = !row.cells[4].empty();
  if (!point.fits) return point;
  point.tpot_s = rows.positive(row, 4, "tpot_s", "seconds");
  point.order = read_order(row, row.cells[5], rows);
  point.families = read_families(row, row.cells[6], rows);
  return point;
}

// Half percents, upwards.
double rounded_up(double share) { return std::ceil(share * 200.0) / 2.0; }

}  // namespace

std::optional<Golden> read_golden(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  auto table = read_csv_table(file, {"label", "workload", "context", "batch", "tpot_s", "order", "families"}, errors);
  if (!table) return std::nullopt;
  Golden golden{.comments = std::move(table->comments), .budget = {}, .points = {}};
  Rows rows(file, errors);
  read_comments(golden, rows);
  for (const CsvRow& row : table->rows) {
    golden.points.push_back(read_point(row, rows));
    rows.once(row, golden.points.back().point);
  }
  if (errors.size() != before) return std::nullopt;
  return golden;
}

std::string golden_text(const Golden& golden) {
  std::string text;
  for (const std::string& line : golden.comments) text += line + "\n";
  text += "label,workload,context,batch,tpot_s,order,families\n";
  for (const Prediction& each : golden.points) {
    const PointKey& point = each.point;
    text += fmt::format("{},{},{},{},", point.label, point.workload, point.context, point.batch);
    if (each.fits) {
      text += fmt::format("{:.9g},{:016x},", each.tpot_s, each.order);
      for (const FamilyTime& family : each.families)
        text += fmt::format("{}{}={:.6g}", &family == &each.families.front() ? "" : ";", family.name, family.seconds);
    } else {
      text += ",,";
    }
    text += "\n";
  }
  return text;
}

Golden first_golden(const ErrorFigures& errors) {
  Golden golden;
  const ErrorFigures up{rounded_up(errors.median), rounded_up(errors.p90), rounded_up(errors.worst)};
  golden.comments = {
      "# What 'outrider check' compares with: predicted step times, the order of operations, and their times by "
      "family,",
      "# in seconds per step. 'outrider check --update-golden' writes the rows and keeps these lines.",
      "# The budget is what the error against measured steps may be. It was set from the errors that the first of "
      "these",
      "# files had, each rounded up to the next half percent: lower it when the models improve.",
      fmt::format("{}median {:g} %, P90 {:g} %, worst {:g} %", kBudget, up.median, up.p90, up.worst)};
  golden.budget = {up.median / 100.0, up.p90 / 100.0, up.worst / 100.0};
  return golden;
}

std::optional<std::vector<RecordedStep>> read_recorded_steps(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  const auto table = read_csv_table(file, {"method", "workload", "context", "batch", "measured_s"}, errors,
                                    {"dram_read", "cpu_workers"});
  if (!table) return std::nullopt;
  std::vector<RecordedStep> steps;
  Rows rows(file, errors);
  for (const CsvRow& row : table->rows) {
    const PointKey point = rows.point(row);
    if (row.cells[4].empty()) continue;
    rows.once(row, point);
    steps.push_back({.point = point, .measured_s = rows.positive(row, 4, "measured_s", "seconds"), .line = row.line});
    if (!row.cells[5].empty())
      steps.back().host.dram_read = BytesPerSecond(rows.positive(row, 5, "dram_read", "bytes per second"));
    if (!row.cells[6].empty())
      steps.back().host.cpu_workers = static_cast<std::int64_t>(rows.positive(row, 6, "cpu_workers", "threads"));
  }
  if (errors.size() != before) return std::nullopt;
  return steps;
}

}  // namespace outrider
