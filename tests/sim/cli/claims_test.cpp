// The reproduction card: that every published figure comes out on it, and its four forms.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "sim/cli/inputs.h"
#include "sim/cli/report_claims.h"
#include "tests/sim/cli/fake_report.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kRoot = OUTRIDER_SOURCE_DIR;

Inputs load(const std::string& name, const std::vector<Assignment>& assignments = {}) {
  const std::optional<Library> library(kRoot);
  auto loaded = load_inputs({.scenario = name, .assignments = assignments, .seed = {}}, library);
  if (const auto* errors = std::get_if<InputErrors>(&loaded)) {
    ADD_FAILURE() << name << ": " << errors->front();
    return {};
  }
  return std::get<Inputs>(std::move(loaded));
}

// Shipped scenarios, as `outrider claims` finds them.
std::vector<std::pair<std::string, Inputs>> claiming_scenarios() {
  std::vector<std::pair<std::string, Inputs>> found;
  for (const ShippedFile& file : Library(kRoot).scenarios()) {
    Inputs inputs = load(file.name);
    if (!inputs.scenario.claims.empty()) found.emplace_back(file.name, std::move(inputs));
  }
  return found;
}

// "file: id" of the claims in scenarios/claims whose certainty is P or S, read line by line.
std::set<std::string> registered_claims() {
  std::set<std::string> ids;
  for (const fs::directory_entry& file : fs::directory_iterator(kRoot / "scenarios/claims")) {
    std::ifstream stream(file.path());
    std::string id;
    for (std::string line; std::getline(stream, line);) {
      if (const std::size_t at = line.find("- id: "); at != std::string::npos) id = line.substr(at + 6);
      if (line.find("certainty: P") != std::string::npos || line.find("certainty: S") != std::string::npos)
        ids.insert(file.path().stem().string() + ": " + id);
    }
  }
  return ids;
}

ClaimCard fake_card() {
  ClaimCard card{.report = fake_report(), .rows = {}};
  card.rows.resize(card.report.claims.size());
  ClaimResult& first = card.report.claims[0];
  first.holds = false;
  first.interval = Interval{.low = 4.5, .high = 5.5};
  first.holding_share = 0.25;
  TriedAssumption tried{
      .assumption = {.path = "machine.cpu.cores", .value = "4", .why = "not | stated", .unknown = true},
      .result = first};
  tried.result.holds = true;
  tried.result.predicted = 3.25;
  card.rows[0] = {.tried = {tried}, .deciding = 0, .range = Interval{.low = 3.25, .high = first.predicted}};
  return card;
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Claims, EveryRegisteredFigureIsOnTheCardOfSomeScenario) {
  std::set<std::string> missing = registered_claims();
  ASSERT_GT(missing.size(), 40u);
  for (const auto& [name, inputs] : claiming_scenarios()) {
    std::set<std::string> ids;
    for (const Claim& claim : inputs.scenario.claims) ids.insert(claim.id);
    std::erase_if(missing, [&](const std::string& each) {
      const std::size_t colon = each.find(": ");
      const std::string stem = each.substr(0, colon);
      std::ifstream file(inputs.scenario.source_file);
      std::stringstream text;
      text << file.rdbuf();
      return text.str().find("claims/" + stem + ".yaml") != std::string::npos && ids.contains(each.substr(colon + 2));
    });
  }
  EXPECT_THAT(missing, testing::IsEmpty());
}

TEST(Claims, EveryShippedUnknownCanBeTaken) {
  for (const auto& [name, inputs] : claiming_scenarios()) {
    for (const Claim& claim : inputs.scenario.claims) {
      for (const Unknown& unknown : claim.unknown) {
        for (const std::string& value : unknown.values) {
          const Inputs varied = load(name, {{.path = unknown.path, .value = value}});
          EXPECT_EQ(varied.scenario.claims.size(), inputs.scenario.claims.size())
              << name << " " << unknown.path << " " << value;
        }
      }
    }
  }
}

TEST(Claims, AnAssignmentReachesIntoTheFileOfClaims) {
  const Inputs varied = load("paper/scoutattention", {{.path = "claims.scout-idle.batch", .value = "16"}});
  for (const Claim& claim : varied.scenario.claims) EXPECT_EQ(claim.batch == 16, claim.id == "scout-idle") << claim.id;
}

TEST(ClaimsCard, HasARowForEveryClaimInEveryForm) {
  const std::vector<ClaimCard> cards = {fake_card(), fake_card()};
  const std::size_t claims = cards[0].rows.size();
  EXPECT_EQ(lines_in(card_csv(cards)), 1 + 2 * claims);
  EXPECT_EQ(lines_in(assumptions_csv(cards)), 3u);
  const auto json = card_json(cards);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["claims"].size(), claims);
  const std::string markdown = card_markdown(cards), text = card_text(cards, {});
  for (const ClaimResult& result : cards[0].report.claims) {
    EXPECT_THAT(markdown, HasSubstr("| " + result.claim.id + " |"));
    EXPECT_THAT(text, HasSubstr(result.claim.id));
  }
}

TEST(ClaimsCard, NamesTheDecidingAssumptionAndWhatComesOut) {
  const std::vector<ClaimCard> cards = {fake_card()};
  for (const std::string& form : {card_markdown(cards), card_text(cards, {})}) {
    EXPECT_THAT(form, HasSubstr("over unknowns 3.25 to"));
    EXPECT_THAT(form, HasSubstr("nearest with machine.cpu.cores = 4: 3.25, holds"));
    EXPECT_THAT(form, HasSubstr("(4.50–5.50)"));
  }
  const auto claim = card_json(cards)[0]["claims"][0];
  EXPECT_EQ(claim["deciding"], 0);
  EXPECT_EQ(claim["tried"][0]["path"], "machine.cpu.cores");
  EXPECT_EQ(claim["tried"][0]["predicted"], 3.25);
  EXPECT_EQ(claim["holding_share"], 0.25);
  EXPECT_EQ(claim["unknown_range"][0], 3.25);
}

}  // namespace
}  // namespace outrider
