// Typed reading of studies.
#include "fidelity/study_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "fidelity/approximation.h"
#include "sim/io/csv_table.h"
#include "sim/io/method_reader.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

constexpr Range kShare{0.0, 0.99}, kCosine{0.0, 1.0};
constexpr Range kContext{2.0 * kRecentTokens, 1 << 20};

Generator read_generator(Section& root) {
  Generator generator;
  auto section = root.section({"generator", "what all heads share; see fidelity/head.h"}, false);
  if (!section) return generator;
  Section& in = *section;
  generator.head_dim = in.integer_or("head_dim", generator.head_dim, {64.0, 256.0});
  if (generator.head_dim % 64 != 0)
    in.complain("head_dim", "64, 128, 192 or 256", fmt::format("{}", generator.head_dim));
  generator.group = in.integer_or({"group", "query heads of the KV head"}, generator.group, {1.0, 16.0});
  generator.step_correlation = in.number_or("step_correlation", generator.step_correlation, kCosine);
  generator.static_share = in.number_or("static_share", generator.static_share, kShare);
  generator.group_cosine = in.number_or("group_cosine", generator.group_cosine, kCosine);
  generator.topics = in.integer_or("topics", generator.topics, {1.0, 65536.0});
  generator.topic_share = in.number_or("topic_share", generator.topic_share, kCosine);
  generator.span_tokens = in.number_or("span_tokens", generator.span_tokens, {1.0, 1e6});
  generator.value_topic_share = in.number_or("value_topic_share", generator.value_topic_share, kCosine);
  generator.key_noise = in.number_or("key_noise", generator.key_noise, {0.0, 10.0});
  generator.outlier_scale = in.number_or("outlier_scale", generator.outlier_scale, {0.0, 1000.0});
  generator.rope_base = in.number_or("rope_base", generator.rope_base, {1.0, 1e9});
  in.finish();
  return generator;
}

std::vector<HeadClass> read_heads(Section& root) {
  std::vector<HeadClass> heads;
  for (Section& item : root.sections({"heads", "classes of heads"}, true)) {
    HeadClass head;
    head.name = item.name("name");
    head.sink_share = item.number("sink_share", kShare);
    head.recent_share = item.number("recent_share", kShare);
    head.spread = item.number("spread", {0.01, 10.0});
    head.source = item.text("source");
    const bool again =
        std::any_of(heads.begin(), heads.end(), [&](const auto& each) { return each.name == head.name; });
    if (again) item.complain("name", "a name of its own", fmt::format("'{}' once more", head.name));
    if (head.sink_share == 0.0) item.complain("sink_share", "a share above 0", "0");
    item.finish();
    heads.push_back(std::move(head));
  }
  return heads;
}

std::vector<TokenBudget> read_budgets(Section& root) {
  std::vector<TokenBudget> budgets;
  if (!root.has("budgets")) root.complain("budgets", "a list such as [1%, 2048]", "nothing");
  for (const std::string& text : root.text_list("budgets")) {
    const std::optional<TokenBudget> budget = parse_token_budget(text);
    if (budget) budgets.push_back(*budget);
    if (!budget)
      root.complain("budgets", "tokens, or percent of the context above 0, such as 2048 or 5%",
                    "'" + shortened(text) + "'");
  }
  return budgets;
}

CpuPath read_path(Section& root) {
  std::vector<std::string> names;
  const CpuPath paths[] = {CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16, CpuPath::amx_bf16};
  for (const CpuPath path : paths) names.emplace_back(to_string(path));
  const std::string chosen = root.choice_or({"cpu_path", "of the kernels"}, names.front(), names);
  for (const CpuPath path : paths) {
    if (chosen != to_string(path)) continue;
    if (!can_run(path)) root.complain("cpu_path", "one that this processor has", "'" + chosen + "'");
    return path;
  }
  return CpuPath::scalar;
}

FidelityStudy read_study(Section& root) {
  FidelityStudy study;
  study.source_file = root.context().file;
  study.name = root.text("name");
  study.description = root.text_or("description", "");
  study.generator = read_generator(root);
  study.heads = read_heads(root);
  study.contexts = root.token_list("contexts", kContext, true);
  study.budgets = read_budgets(root);
  study.seeds = root.integer_or({"seeds", "heads of each class and context"}, 1, {1.0, 10000.0});
  study.steps = root.integer_or({"steps", "of decoding, of each head"}, 1, {1.0, 10000.0});
  study.prefill_queries = root.integer_or("prefill_queries", study.prefill_queries, {1.0, 1e6});
  study.seed = root.seed_or("seed", 1);
  study.path = read_path(root);
  const std::vector<MethodInfo> catalog = approximation_infos();
  study.methods = read_methods(root, catalog, 0).requests;
  root.finish();
  return study;
}

}  // namespace

std::optional<TokenBudget> parse_token_budget(std::string_view text) {
  if (text.ends_with('%')) {
    const std::optional<double> percent = finite_number(text.substr(0, text.size() - 1));
    if (!percent || !(*percent > 0.0 && *percent <= 100.0)) return std::nullopt;
    return TokenBudget{.share = *percent / 100.0};
  }
  const std::optional<std::int64_t> tokens = parse_token_count(text);
  if (!tokens || *tokens < 1) return std::nullopt;
  return TokenBudget{.tokens = *tokens};
}

std::optional<FidelityStudy> read_fidelity_study(const std::filesystem::path& file,
                                                 const std::vector<YamlAssignment>& assignments, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  for (const YamlAssignment& each : assignments) assign(*tree, each, errors);
  ReadContext context{file.string(), errors};
  Section root(*tree, "", context);
  if (tree->kind != YamlNode::Kind::map) return std::nullopt;
  FidelityStudy study = read_study(root);
  if (errors.size() != before) return std::nullopt;
  return study;
}

}  // namespace outrider
