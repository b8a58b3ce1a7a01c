// Tables and lines of text.
#include "sim/cli/report_calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "calibration/fit/measured_machine.h"
#include "sim/cli/format.h"

namespace outrider {
namespace {

// A line for each reason, with what it holds for.
std::string listed(const std::map<std::string, std::vector<std::string>>& by_reason, const char* what) {
  std::string text;
  for (const auto& [reason, names] : by_reason)
    text += fmt::format("{}, since {}: {}\n", what, printable(reason), printable(join(names, ", ")));
  return text;
}

}  // namespace

std::string measured_text(const MeasureReport& report) {
  std::string text = fmt::format("{} measurements, {} of them not settled, {} trials discarded as disturbed",
                                 report.measured, report.unsettled, report.discarded);
  const MeasureTimes& times = report.times;
  if (report.measured > 0)
    text += fmt::format("; {:.0f} s of trials, {:.0f} s of warming up, {:.0f} s of preparing them", times.trials,
                        times.warming, times.preparing);
  if (report.resumed > 0) text += fmt::format("; {} were there already", report.resumed);
  text += "\n";
  std::map<std::string, std::vector<std::string>> waived;
  for (const Microbench& bench : report.waived) waived[bench.waived].push_back(bench.family);
  return text + listed(waived, "waived");
}

std::string fit_text(const ProfileFit& fit, const TableLook& look) {
  constexpr std::int64_t kFewest = 5;  // folds
  const FitRecord& record = *fit.profile.fit;
  Table coefficients({{"coefficient"}, {"value", Align::right}, {"P5 to P95", Align::right}, {"from"}});
  for (const auto& [name, each] : fit.profile.coefficients) {
    if (std::find(fit.kept.begin(), fit.kept.end(), name) != fit.kept.end()) continue;
    coefficients.add_row(
        {name, fmt::format("{:.4g}", each.value), fmt::format("{:.3g} to {:.3g}", each.low, each.high), each.source});
  }
  Table residuals({{"family"},
                   {"samples", Align::right},
                   {"median", Align::right},
                   {"P90", Align::right},
                   {"held out", Align::right},
                   {"P90", Align::right},
                   {"worst", Align::right},
                   {"where"}});
  for (const FamilyResiduals& each : record.residuals) {
    residuals.add_row({each.family, fmt::format("{}", each.samples), percent(each.median), percent(each.p90),
                       each.samples < kFewest ? "–" : percent(each.held_out_median),
                       each.samples < kFewest ? "–" : percent(each.held_out_p90), signed_percent(each.worst),
                       each.worst_shape});
  }
  std::string tables;
  if (fit.kept.size() < fit.profile.coefficients.size()) tables += "\n" + coefficients.render(look);
  if (!record.residuals.empty()) tables += "\n" + residuals.render(look);
  return tables + fmt::format(
                      "\n{} coefficients are as in the base profile: nothing here measures them. {} of {} samples are "
                      "relied on, "
                      "{} refused as noisy.\n",
                      fit.kept.size(), record.samples, record.samples + record.refused, record.refused);
}

std::string imported_text(const NvbandwidthFile& file, std::size_t added) {
  std::vector<std::string> taken;
  for (const NvbandwidthRate& rate : file.rates)
    taken.push_back(
        fmt::format("{} at {:.4g} GB/s ({})", rate.family, 1e-9 * rate.bytes_per_second, join(rate.tests, " and ")));
  std::map<std::string, std::vector<std::string>> unused;
  for (const NvbandwidthUnused& each : file.unused) unused[each.reason].push_back(each.what);
  std::string text =
      fmt::format("{} samples from nvbandwidth {}: {}", added, printable(file.version), join(taken, ", "));
  if (added < taken.size()) text += fmt::format("; {} were there already", taken.size() - added);
  return text + "\n" + listed(unused, "not used");
}

std::string fit_warnings(const ProfileFit& fit, const MachineSpec& machine) {
  constexpr double kLeast = 0.1, kMost = 1.2;
  const FitRecord& record = *fit.profile.fit;
  std::string text;
  if (record.refused > record.samples)
    text += "warning: most samples were refused as noisy: leave the host to itself, and add a --run\n";
  for (const auto& [path, source] : machine.sources) {
    if (source.starts_with(kNoisySource))
      text += fmt::format("warning: {} is from samples that were refused as noisy: there are no others\n", path);
  }
  for (const auto& [name, each] : fit.profile.coefficients) {
    const bool kept = std::find(fit.kept.begin(), fit.kept.end(), name) != fit.kept.end();
    if (kept || !name.ends_with("_efficiency") || (each.value >= kLeast && each.value <= kMost)) continue;
    text +=
        fmt::format("warning: {} is {:.3g}, and few machines are {} {}: is the machine file's peak this machine's?\n",
                    name, each.value, each.value < kLeast ? "below" : "above", each.value < kLeast ? kLeast : kMost);
  }
  return text;
}

}  // namespace outrider
