// Documents that tests of the readers start from, changed one place at a time.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/io/errors.h"
#include "sim/spec/params.h"

namespace outrider {

// The text with its only `from` replaced.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "no '" << from << "' to replace";
  if (at == std::string::npos) return text;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << "several '" << from << "'";
  return text.replace(at, from.size(), to);
}

inline constexpr const char* kScenarioText = R"(name: trial
model: qwen3-8b
machine: h200-16c
methods:
  - dense
  - label: quick
    method: paged
    preset: fast
    set: {block_tokens: 64}
workloads:
  - name: long
    contexts: [8K, 16384]
    batches: [4]
    decode_steps: 8
locality: {step_correlation: 0.99}
seed: 7
claims:
  - id: twice
    text: the paged system is twice as fast
    metric: throughput_ratio
    method: quick
    baseline: dense
    workload: long
    context: 8K
    value: 2
    source: a paper
)";

// Two methods that no registry knows.
inline std::vector<MethodInfo> small_catalog() {
  const MethodInfo dense{"dense", "keeps everything", "none", {}, {{"plain", "as is", {}}}};
  const std::vector<ParamSpec> params = {
      {"block_tokens", std::int64_t{32}, "tokens per block", "P", 1.0, 4096.0, {}},
      {"ratio", 0.5, "share of the CPU", "ours", 0.0, 1.0, {}},
      {"mode", std::string("eager"), "when to fetch", "ours", {}, {}, {"eager", "lazy"}},
      {"pinned", false, "in pinned memory", "ours", {}, {}, {}},
  };
  const std::vector<Preset> presets = {{"plain", "as published", {}}, {"fast", "less exact", {{"ratio", 0.25}}}};
  return {dense, {"paged", "keeps what matters", "none", params, presets}};
}

inline std::filesystem::path shipped_scenarios() { return std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios"; }

// A folder of the running test's own, gone with it.
class Scratch {
 public:
  Scratch() {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test.test_suite_name()) + "." + test.name();
    for (char& c : name) c = c == '/' ? '_' : c;
    folder_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  const std::filesystem::path& folder() const { return folder_; }

  // The messages, with files named from this folder.
  std::vector<std::string> messages(const ConfigErrors& errors) const {
    std::vector<std::string> lines;
    const std::string prefix = folder_.string() + "/";
    for (const ConfigError& error : errors.all()) {
      const std::string line = to_string(error);
      lines.push_back(line.starts_with(prefix) ? line.substr(prefix.size()) : line);
    }
    return lines;
  }

 private:
  std::filesystem::path folder_;
};

// One change and every message that it leads to, in order. " ~ " in a message stands for any text.
struct BadInput {
  const char* name;
  const char* from;
  const char* to;
  std::vector<std::string> messages;
};
inline void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

inline bool fits(std::string_view line, std::string_view pattern) {
  constexpr std::string_view kAny = " ~ ";
  const std::size_t at = pattern.find(kAny);
  if (at == std::string_view::npos) return line == pattern;
  const std::string_view head = pattern.substr(0, at), tail = pattern.substr(at + kAny.size());
  return line.size() >= head.size() + tail.size() && line.starts_with(head) && line.ends_with(tail);
}

inline void expect_messages(const std::vector<std::string>& lines, const std::vector<std::string>& patterns) {
  EXPECT_EQ(lines.size(), patterns.size());
  for (std::size_t i = 0; i < std::max(lines.size(), patterns.size()); ++i) {
    const std::string line = i < lines.size() ? lines[i] : "(no such message)";
    const std::string pattern = i < patterns.size() ? patterns[i] : "(nothing expected)";
    EXPECT_TRUE(fits(line, pattern)) << "message:  " << line << "\nexpected: " << pattern;
  }
}

}  // namespace outrider
