// A run as text, CSV and JSON: what stands where, what is empty, and that every field is documented.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "sim/cli/report_csv.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_rows.h"
#include "sim/cli/report_text.h"
#include "tests/sim/cli/fake_report.h"
#include "tests/sim/cli/json_fields.h"

namespace outrider {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

// shared figures

TEST(ReportRows, FullKvIsTheBaselineWhereverItStands) {
  const RunReport report = fake_report();
  EXPECT_EQ(baseline_of(report, report.points[0])->label, "full_kv");
  // 510 ÷ 100.
  EXPECT_DOUBLE_EQ(versus_baseline(report, report.points[0]), 5.1);
  EXPECT_DOUBLE_EQ(versus_baseline(report, report.points[1]), 1.0);
  EXPECT_DOUBLE_EQ(versus_baseline(report, report.points[2]), 0.0);
}

TEST(ReportRows, WithoutFullKvTheFirstThatFitsIsTheBaseline) {
  RunReport report = fake_report();
  report.points[1].fits = false;
  ASSERT_NE(baseline_of(report, report.points[2]), nullptr);
  EXPECT_EQ(baseline_of(report, report.points[2])->label, "scout");
}

TEST(ReportRows, GivenBatchesAreComparedAtTheSameBatch) {
  RunReport report = fake_report();
  for (PointResult& point : report.points) point.automatic_batch = false;
  // full_kv stands at batch 4 and scout at 40: nothing at batch 40 but scout itself.
  EXPECT_EQ(baseline_of(report, report.points[0])->label, "scout");
}

TEST(ReportRows, CausesReadAsPlainWords) {
  const RunReport report = fake_report();
  // The third cause has 2 %, below the 5 % that are worth a word.
  EXPECT_EQ(plain_causes(report.points[0].causes), "linear layers on HBM 50 %, CPU attention on DRAM 30 %");
  EXPECT_EQ(plain_operation("queued: launch_kernel"), "queueing of kernel launches");
  EXPECT_EQ(plain_operation("my own op"), "my own op");
}

TEST(ReportRows, EveryFamilyHasPlainWords) {
  for (int i = 0; i < kFamilies; ++i) {
    const std::string name(to_string(static_cast<Family>(i)));
    EXPECT_EQ(plain_operation(name).find('_'), std::string::npos) << name;
  }
}

TEST(ReportRows, MemoryIsFixedPlusBatchTimesPerSequence) {
  const RunReport report = fake_report();
  EXPECT_DOUBLE_EQ(tier_total(report.points[0], MemoryUse::Tier::hbm).value(), 28e9);
  EXPECT_DOUBLE_EQ(tier_total(report.points[0], MemoryUse::Tier::dram).value(), 40e9);  // 40 sequences of 1 GB
}

// CSV

TEST(Csv, FieldsAreQuotedAsRfc4180Says) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv_field("cr\r"), "\"cr\r\"");
  EXPECT_EQ(csv_field(" blank"), "\" blank\"");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_line({"a", "b,c", ""}), "a,\"b,c\",\n");
}

// A minimal RFC 4180 reader, apart from the writer.
std::vector<std::vector<std::string>> read_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows{{""}};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quoted && letter == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (letter == '"') {
      quoted = !quoted;
    } else if (!quoted && letter == ',') {
      rows.back().emplace_back();
    } else if (!quoted && letter == '\n') {
      if (i + 1 < text.size()) rows.push_back({""});
    } else {
      rows.back().back() += letter;
    }
  }
  return rows;
}

std::string field(const std::vector<std::vector<std::string>>& rows, std::size_t row, const std::string& heading) {
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    if (rows[0][i] == heading) return rows[row][i];
  }
  return "no column '" + heading + "'";
}

TEST(Csv, EveryRowHasEveryColumnAndTheProvenance) {
  const auto rows = read_csv(results_csv(fake_report()));
  ASSERT_EQ(rows.size(), 4U);
  for (std::size_t row = 1; row < rows.size(); ++row) {
    EXPECT_EQ(rows[row].size(), rows[0].size());
    EXPECT_EQ(field(rows, row, "scenario"), "paper/scout");
    EXPECT_EQ(field(rows, row, "profile_kind"), "assumed");
    EXPECT_EQ(field(rows, row, "seed"), "7");
    EXPECT_EQ(field(rows, row, "version"), "0.1.0");
    EXPECT_EQ(field(rows, row, "caveats"), "efficiencies are assumptions, not calibrated");
    EXPECT_EQ(field(rows, row, "workload"), "long, \"contexts\"");
  }
}

TEST(Csv, FiguresAreExactAndThoseOfAnUnfitPointEmpty) {
  const auto rows = read_csv(results_csv(fake_report()));
  EXPECT_EQ(field(rows, 1, "tokens_per_s"), "510");
  EXPECT_EQ(field(rows, 1, "versus_baseline"), "5.1");
  EXPECT_EQ(field(rows, 1, "use_pcie_h2d"), "0.125");
  EXPECT_EQ(field(rows, 1, "ledger_sum_contention_s"), "3");
  EXPECT_EQ(field(rows, 1, "fingerprint"), "0000000000000abc");
  EXPECT_EQ(field(rows, 3, "fits"), "false");
  EXPECT_EQ(field(rows, 3, "tokens_per_s"), "");
  EXPECT_EQ(field(rows, 3, "limit"), "weights 28 GB > HBM 24 GB");
}

TEST(Csv, APointThatDoesNotFitHasTheBatchAskedForAndNoFigures) {
  RunReport report = fake_report();
  report.points[2].memory = report.points[0].memory;
  const auto automatic = read_csv(results_csv(report));
  for (const char* heading : {"batch", "fingerprint", "hbm_bytes", "dram_bytes", "pinned_bytes", "step_trend"})
    EXPECT_EQ(field(automatic, 3, heading), "") << heading;
  report.points[2].given_batch = 64;
  report.points[2].automatic_batch = false;
  EXPECT_EQ(field(read_csv(results_csv(report)), 3, "batch"), "64");
  EXPECT_EQ(field(read_csv(results_csv(report)), 3, "hbm_bytes"), "");
  const Json json = report_json(report)["points"][2];
  EXPECT_EQ(json["batch"], 64);
  EXPECT_TRUE(json["fingerprint"].is_null());
  EXPECT_TRUE(json["ledger"].is_null());
  EXPECT_TRUE(json["memory"][0]["total_bytes"].is_null());
  report.points[2].given_batch = 0;
  EXPECT_TRUE(report_json(report)["points"][2]["batch"].is_null());
}

TEST(Csv, BytesAreWholeAlthoughTheirSumIsNot) {
  RunReport report = fake_report();
  report.points[0].prefill_bytes = 51199999999.99999;
  report.points[0].memory[1].per_sequence = Bytes(51199999999.99999 / 40.0);
  const auto rows = read_csv(results_csv(report));
  EXPECT_EQ(field(rows, 1, "dram_bytes"), "51200000000");
  EXPECT_EQ(field(rows, 1, "prefill_bytes"), "51200000000");
  const Json json = report_json(report)["points"][0];
  EXPECT_EQ(json["prefill_bytes"].dump(), "51200000000");
  EXPECT_EQ(json["memory"][1]["total_bytes"].dump(), "51200000000");
}

TEST(Csv, HeadingsAreSnakeCaseAndAlwaysTheSameButForResources) {
  const RunReport report = fake_report();
  std::vector<std::string> fixed;
  for (const CsvColumnInfo& column : results_columns()) fixed.push_back(column.heading);
  const auto headings = read_csv(results_csv(report))[0];
  ASSERT_GT(headings.size(), fixed.size());
  EXPECT_TRUE(std::equal(fixed.begin(), fixed.end(), headings.begin()));
  for (std::size_t i = 0; i < headings.size(); ++i) {
    EXPECT_THAT(headings[i], testing::MatchesRegex("[a-z][a-z0-9_]*"));
    EXPECT_EQ(headings[i].starts_with("use_"), i >= fixed.size()) << headings[i];
  }
  std::vector<std::string> of_claims;
  for (const CsvColumnInfo& column : claims_columns()) of_claims.push_back(column.heading);
  EXPECT_EQ(read_csv(claims_csv(report))[0], of_claims);
}

TEST(Csv, TrendsAndNotesAndAlteredFiguresAreInEveryForm) {
  RunReport report = fake_report();
  report.points[0].step_trend = 3.25;
  report.points[0].notes = {"step time rises", "beyond"};
  report.machine_changes = {"cpu.cores: 64 instead of 16", "gpu.sms: 1 instead of 2"};
  report.claims[0].rests_on_trend = true;
  const auto rows = read_csv(results_csv(report));
  EXPECT_EQ(field(rows, 1, "decode_steps"), "32");
  EXPECT_EQ(field(rows, 1, "step_trend"), "3.25");
  EXPECT_EQ(field(rows, 1, "notes"), "step time rises | beyond");
  EXPECT_EQ(field(rows, 1, "machine_changes"), "cpu.cores: 64 instead of 16 | gpu.sms: 1 instead of 2");
  EXPECT_EQ(field(read_csv(claims_csv(report)), 1, "rests_on_trend"), "true");
  const Json json = report_json(report);
  EXPECT_EQ(json["points"][0]["decode_steps"], 32);
  EXPECT_EQ(json["points"][0]["step_trend"], 3.25);
  EXPECT_EQ(json["points"][0]["notes"].size(), 2U);
  EXPECT_EQ(json["machine_changes"][0], "cpu.cores: 64 instead of 16");
  EXPECT_EQ(json["claims"][0]["rests_on_trend"], true);
  const std::string text = report_text(report, {});
  EXPECT_THAT(text, HasSubstr("CPU attention on DRAM 30 % [step time rises; beyond]\n"));
  EXPECT_THAT(text, HasSubstr("qwen3-14b on a100 (altered)\n"));
}

TEST(Csv, APrefillThatIsNotChargedHasNoTimeToFirstToken) {
  RunReport report = fake_report();
  report.points[0].ttft = Seconds(0.0);
  EXPECT_EQ(field(read_csv(results_csv(report)), 1, "ttft_s"), "");
  EXPECT_TRUE(report_json(report)["points"][0]["ttft_s"].is_null());
}

TEST(Csv, ClaimsSayWhetherTheyHold) {
  const auto rows = read_csv(claims_csv(fake_report()));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(field(rows, 1, "verdict"), "holds");
  EXPECT_EQ(field(rows, 2, "verdict"), "differs");
  EXPECT_EQ(field(rows, 3, "verdict"), "not available");
  EXPECT_EQ(field(rows, 3, "predicted"), "");
  EXPECT_EQ(field(rows, 3, "note"), "hgca does not fit");
}

// JSON

TEST(ReportJson, CarriesProvenanceAndFigures) {
  const Json json = report_json(fake_report());
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["seed"], 7);
  EXPECT_EQ(json["caveats"][0], "efficiencies are assumptions, not calibrated");
  EXPECT_EQ(json["points"][0]["tokens_per_s"], 510.0);
  EXPECT_EQ(json["points"][0]["baseline"], "full_kv");
  EXPECT_EQ(json["points"][0]["facts"]["recall_interval"], 8.7);
  EXPECT_TRUE(json["points"][2]["tokens_per_s"].is_null());
  EXPECT_TRUE(json["points"][2]["facts"].is_null());
  EXPECT_EQ(json["claims"][2]["verdict"], "not available");
  EXPECT_TRUE(json["claims"][2]["difference"].is_null());
}

TEST(ReportJson, ReadsBackAsWritten) {
  const Json json = report_json(fake_report());
  EXPECT_EQ(Json::parse(json_text(json)), json);
}

TEST(ReportJson, FiguresThatAreNotFiniteAreNull) {
  RunReport report = fake_report();
  report.points[0].tokens_per_s = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(report_json(report)["points"][0]["tokens_per_s"].is_null());
}

TEST(ReportJson, TextThatIsNotUtf8IsReplacedNotRefused) {
  RunReport report = fake_report();
  report.scenario = "bad \xff name";
  EXPECT_EQ(Json::parse(json_text(report_json(report)))["scenario"], "bad \ufffd name");
}

TEST(ReportJson, EveryFieldIsDocumentedInTheHeader) {
  const std::set<std::string> keys = keys_of(report_json(fake_report()));
  EXPECT_GT(keys.size(), 60U);
  const std::set<std::string> words = documented_words("report_json.h");
  for (const std::string& key : keys) EXPECT_EQ(words.count(key), 1U) << key;
}

// text

TEST(ReportText, ShowsEveryPointWithItsBaselineAndLimit) {
  const std::string text = report_text(fake_report(), {});
  EXPECT_THAT(
      text,
      HasSubstr("method   context  batch     tokens/s  speed-up  TPOT ms  TTFT s  GPU idle  CPU ratio  limited by\n"
                "scout        64k  40 (HBM)     510.0     5.10×     7.84    6.50     6.0 %      8.2 %  "
                "linear layers on HBM 50 %, CPU attention on DRAM 30 %\n"
                "full_kv      64k  4 (HBM)      100.0  baseline     40.0    6.50     6.0 %          –  "
                "linear layers on HBM 50 %, CPU attention on DRAM 30 %\n"
                "hgca         64k  –                –         –        –       –         –          –  "
                "does not fit: weights 28 GB > HBM 24 GB\n"));
}

TEST(ReportText, ShowsClaimsWithTheirVerdict) {
  const std::string text = claims_text(fake_report(), {});
  // (0.06 − 1) ÷ (0.5 − 1) − 1 = 0.88.
  EXPECT_THAT(text,
              HasSubstr("claim    predicted  paper  off by           verdict        sure  what is claimed\n"
                        "vs-full       5.10   5.10  +0.0 % of gain   holds          P     throughput over FullKV\n"
                        "idle        0.0600  0.500  +88.0 % of gain  differs        P     throughput over FullKV\n"
                        "vs-hgca          –   2.10  –                not available  P     throughput over FullKV "
                        "(hgca does not fit)\n"));
  EXPECT_THAT(text, HasSubstr("1 of 3 claims hold, 1 differ, 1 not available."));
  EXPECT_THAT(text, HasSubstr("P read in the source."));
}

TEST(ReportText, CarriesProvenanceAndCaveats) {
  const std::string text = report_text(fake_report(), {});
  EXPECT_THAT(text, HasSubstr("profile generic (assumed), seed 7, outrider 0.1.0"));
  EXPECT_THAT(text, HasSubstr("Note: efficiencies are assumptions, not calibrated"));
}

TEST(ReportText, NamesFromFilesCannotSendControlCodes) {
  RunReport report = fake_report();
  report.scenario = report.points[0].label = report.points[0].workload = report.claims[0].claim.text =
      "x\x1b]0;evil\x07";
  report.caveats[0] = "c\x1b[2J";
  const std::string text = report_text(report, {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(ReportText, WithoutClaimsThereIsNoClaimsTable) {
  RunReport report = fake_report();
  report.claims.clear();
  EXPECT_EQ(claims_text(report, {}), "");
  EXPECT_THAT(report_text(report, {}), Not(HasSubstr("verdict")));
}

TEST(ReportText, ClaimsOnlyBoundedAreShownAsBounds) {
  Claim claim;
  claim.value = 0.15;
  claim.relation = "at_most";
  EXPECT_EQ(claimed_text(claim), "≤ 0.150");
  claim.relation = "at_least";
  EXPECT_EQ(claimed_text(claim), "≥ 0.150");
}

}  // namespace
}  // namespace outrider
