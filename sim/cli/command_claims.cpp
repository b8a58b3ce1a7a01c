// `outrider claims`: the reproduction card of scenarios that state published figures.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_claims.h"
#include "sim/cli/report_json.h"
#include "sim/cli/result_files.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

// A scenario that states claims, and how it was named.
struct Subject {
  std::string name;
  Inputs inputs;
};

std::vector<std::string> names_of(const ClaimsRequest& request, const std::optional<Library>& library) {
  if (!request.scenarios.empty() || !library) return request.scenarios;
  std::vector<std::string> names;
  for (const ShippedFile& file : library->scenarios()) names.push_back(file.name);
  return names;
}

// Shipped scenarios without claims are left out; one that was asked for by name is an error.
std::vector<Subject> load_subjects(const ClaimsRequest& request, const std::optional<Library>& library,
                                   InputErrors& errors) {
  std::vector<Subject> subjects;
  for (const std::string& name : names_of(request, library)) {
    auto loaded = load_inputs({.scenario = name, .assignments = request.assignments, .seed = request.seed}, library);
    if (const auto* wrong = std::get_if<InputErrors>(&loaded)) {
      errors.insert(errors.end(), wrong->begin(), wrong->end());
      continue;
    }
    Inputs inputs = std::get<Inputs>(std::move(loaded));
    if (!inputs.scenario.claims.empty()) {
      subjects.push_back({.name = name, .inputs = std::move(inputs)});
    } else if (!request.scenarios.empty()) {
      errors.push_back(fmt::format("{}: claims: expected published figures, got none", inputs.scenario.source_file));
    }
  }
  if (subjects.empty() && errors.empty()) errors.emplace_back("outrider claims: no shipped scenario states claims");
  return subjects;
}

std::optional<StudyInputs> reread(const ClaimsRequest& request, const Subject& subject, const Assumption& assumption,
                                  const std::optional<Library>& library, std::string& refusal) {
  InputRequest varied{.scenario = subject.name, .assignments = request.assignments, .seed = request.seed};
  varied.assignments.push_back({.path = assumption.path, .value = assumption.value});
  auto loaded = load_inputs(varied, library);
  if (const auto* errors = std::get_if<InputErrors>(&loaded)) {
    refusal = errors->front();
    return std::nullopt;
  }
  Inputs inputs = std::get<Inputs>(std::move(loaded));
  return StudyInputs{.scenario = std::move(inputs.scenario), .profile = std::move(inputs.profile)};
}

ClaimCard card_of(const ClaimsRequest& request, const Subject& subject, const std::optional<Library>& library,
                  const Console& console) {
  Progress progress(console, "simulations of " + printable(subject.name));
  return claim_card(
      {.scenario = subject.inputs.scenario,
       .profile = subject.inputs.profile,
       .draws = request.draws,
       .threads = request.threads,
       .reread = [&](const Assumption& assumption,
                     std::string& refusal) { return reread(request, subject, assumption, library, refusal); },
       .progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); }});
}

}  // namespace

int claims_command(const ClaimsRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  InputErrors errors;
  const std::vector<Subject> subjects = load_subjects(request, found.library, errors);
  if (!errors.empty()) return report_wrong_input(errors, console);
  const fs::path folder = request.out.value_or("results/claims");
  const bool writes = !request.json || request.out;
  if (writes) make_results_folder(folder);
  std::vector<ClaimCard> cards;
  for (const Subject& subject : subjects) {
    cards.push_back(card_of(request, subject, found.library, console));
    cards.back().report.points.clear();
  }
  const std::string json = json_text(card_json(cards));
  if (writes) {
    write_file(folder / "card.csv", card_csv(cards));
    write_file(folder / "assumptions.csv", assumptions_csv(cards));
    write_file(folder / "card.md", card_markdown(cards));
    write_file(folder / "card.json", json);
  }
  if (request.json) {
    console.out(json);
    return kDone;
  }
  console.out(card_text(cards, look_of(console, request.no_colour)));
  console.out(fmt::format("\nDetails in {}: card.csv, assumptions.csv, card.json, card.md\n",
                          printable(folder.generic_string())));
  return kDone;
}

}  // namespace outrider
