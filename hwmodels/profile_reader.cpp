// Strict reading of profiles.
#include "hwmodels/profile_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "hwmodels/coefficients.h"
#include "hwmodels/op_sizes.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

ProfileKind kind_named(const std::string& name) {
  for (const ProfileKind kind : {ProfileKind::assumed, ProfileKind::fitted, ProfileKind::transferred}) {
    if (to_string(kind) == name) return kind;
  }
  return ProfileKind::assumed;
}

Coefficient read_coefficient(Section item) {
  Coefficient coefficient{.value = item.number("value", kNotNegative),
                          .low = item.number("low", kNotNegative),
                          .high = item.number("high", kNotNegative),
                          .source = item.text("source")};
  item.finish();
  if (coefficient.value < coefficient.low || coefficient.value > coefficient.high) {
    item.complain("value", fmt::format("a value from low {} to high {}", coefficient.low, coefficient.high),
                  fmt::format("{}", coefficient.value));
  }
  return coefficient;
}

FamilyResiduals read_residuals(Section& item) {
  FamilyResiduals result;
  result.family = item.text("family");
  result.samples = item.integer("samples", kNotNegative);
  result.median = item.number({"median", "of |predicted / measured - 1|"}, kNotNegative);
  result.p90 = item.number("p90", kNotNegative);
  result.held_out_median = item.number({"held_out_median", "of samples that the fit did not see"}, kNotNegative);
  result.held_out_p90 = item.number("held_out_p90", kNotNegative);
  result.worst = item.number({"worst", "signed"});
  result.worst_shape = item.text("worst_shape");
  item.finish();
  return result;
}

std::string sizes_text(const SizedFamily& family) {
  std::string text;
  for (const std::string_view size : family.sizes) {
    if (!size.empty()) text += (text.empty() ? "" : ", ") + std::string(size);
  }
  return text;
}

// Known, of a known family, and stated once.
void check_range(Section& item, const SizeRange& range, const std::vector<SizeRange>& before) {
  const std::optional<std::size_t> family = sized_family_named(range.family);
  if (item.recording() || !family) return;
  const SizedFamily& known = sized_families()[*family];
  if (!known.size_named(range.size))
    item.complain("size", fmt::format("one of {} ({})", sizes_text(known), range.family), "'" + range.size + "'");
  if (range.low > range.high)
    item.complain("low", fmt::format("at most high, {}", range.high), fmt::format("{}", range.low));
  const bool again = std::any_of(before.begin(), before.end(), [&](const SizeRange& each) {
    return each.family == range.family && each.size == range.size;
  });
  if (again) item.complain("size", fmt::format("each size of {} once", range.family), "'" + range.size + "' again");
}

std::vector<SizeRange> read_ranges(Section& fit) {
  std::vector<std::string> families;
  for (const SizedFamily& family : sized_families()) families.emplace_back(family.name);
  std::vector<SizeRange> ranges;
  for (Section& item : fit.sections({"ranges", "sizes of the samples; results beyond them are extrapolated"}, false)) {
    SizeRange range;
    range.family = item.choice("family", families);
    range.size = item.text({"size", "that decides the family's time"});
    range.low = item.number({"low", "the least sampled"}, kNotNegative);
    range.high = item.number({"high", "the greatest sampled"}, kNotNegative);
    item.finish();
    check_range(item, range, ranges);
    ranges.push_back(std::move(range));
  }
  return ranges;
}

FitRecord read_fit(Section section) {
  FitRecord fit;
  fit.program = section.text({"program", "version that fitted it"});
  fit.date = section.text("date");
  fit.cpu = section.text_or("cpu", "");
  fit.cpu_flags = section.text_or("cpu_flags", "");
  fit.gpu = section.text_or("gpu", "");
  fit.driver = section.text_or("driver", "");
  fit.clocks = section.text_or("clocks", "");
  fit.samples = section.integer("samples", kNotNegative);
  fit.refused = section.integer({"refused", "samples too noisy to be fitted to"}, kNotNegative);
  for (Section& item : section.sections({"residuals", "by family; none where all is as in the base profile"}, false))
    fit.residuals.push_back(read_residuals(item));
  fit.ranges = read_ranges(section);
  section.finish();
  return fit;
}

// A fitted profile says on which machine, and how well.
void check_kind(Section& root, const Profile& profile) {
  if (profile.kind == ProfileKind::assumed || root.recording()) return;
  if (profile.machine.empty()) root.complain("machine", "the machine that a fitted profile was fitted on", "nothing");
  if (!profile.fit) root.complain("fit", "the record that a fitted profile has", "nothing");
}

Profile read_fields(Section& root) {
  const std::vector<std::string> kinds = {"assumed", "fitted", "transferred"};
  Profile profile;
  profile.name = root.text("name");
  profile.file = root.context().file;
  profile.kind = kind_named(root.choice_or("kind", "assumed", kinds));
  profile.machine = root.text_or({"machine", "the machine it was fitted on; none for assumptions"}, "");
  profile.note = root.text_or("note", "");
  if (auto section = root.section({"fit", "where and when it was fitted, and how well"}, false))
    profile.fit = read_fit(std::move(*section));
  check_kind(root, profile);
  if (auto section = root.section("coefficients", true)) {
    for (const CoefficientInfo& info : coefficient_table()) {
      if (auto item = section->section({info.name, info.meaning}, true))
        profile.coefficients.emplace(info.name, read_coefficient(std::move(*item)));
    }
    section->finish();
  }
  root.finish();
  return profile;
}

}  // namespace

std::optional<Profile> read_profile(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  const std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  ReadContext context{file.string(), errors};
  Section root(*tree, "", context);
  Profile profile = read_fields(root);
  if (errors.size() != before) return std::nullopt;
  return profile;
}

std::string profile_schema() {
  return json_schema(Section::record([](Section root) { read_fields(root); }), "Outrider profile");
}

}  // namespace outrider
