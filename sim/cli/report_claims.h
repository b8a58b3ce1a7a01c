// The reproduction card in its four forms. CSV: card.csv has a row for each claim, assumptions.csv one for each
// assumption that was tried. The document of card.json is a list, a scenario each:
//
//   the provenance of results.json (sim/cli/report_json.h), with its caveats
//   claims[]                      the fields of results.json's claims[], and
//     ratio                       predicted ÷ claimed; null where there is no prediction
//     unknown_range               [least, greatest] of what is predicted over the unknowns; null without any
//     deciding                    place in tried[] of what moves the prediction most towards the claim, or null
//     tried[]
//       path, value, why          the assumption
//       unknown                   true: the source leaves it open; false: a method's parameter of certainty I or R
//       predicted, verdict, note  what comes out
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sim/cli/report_csv.h"
#include "sim/cli/table.h"
#include "sim/study/claim_card.h"

namespace outrider {

std::string card_text(const std::vector<ClaimCard>& cards, const TableLook& look);
std::string card_markdown(const std::vector<ClaimCard>& cards);
std::string card_csv(const std::vector<ClaimCard>& cards);
std::string assumptions_csv(const std::vector<ClaimCard>& cards);
nlohmann::ordered_json card_json(const std::vector<ClaimCard>& cards);

std::vector<CsvColumnInfo> card_columns();
std::vector<CsvColumnInfo> assumptions_columns();

}  // namespace outrider
