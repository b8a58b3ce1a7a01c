// Reading of workloads and localities.
#include "sim/io/workload_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider {
namespace {

constexpr Range kTokens{1.0, 1e8};
constexpr Range kBatch{1.0, 65536.0};
constexpr Range kSteps{1.0, 1e6};

bool runs_in(const MethodRequest& request, const Workload& workload) {
  const auto& labels = workload.methods;
  return labels.empty() || std::find(labels.begin(), labels.end(), request.label) != labels.end();
}

void check_labels(Section& item, const Workload& workload, const std::vector<std::string>& labels) {
  for (const std::string& label : workload.methods) {
    if (std::find(labels.begin(), labels.end(), label) != labels.end()) continue;
    item.complain("methods", fmt::format("labels among {}", fmt::join(labels, ", ")), "'" + shortened(label) + "'",
                  nearest_of(label, labels));
  }
}

// Methods that train run in workloads of training, and no others do.
void keep_kind(Section& item, Workload& workload, const MethodList& methods) {
  if (item.recording()) return;
  const bool trains = workload.kind == WorkloadKind::training;
  const char* const does = trains ? "train" : "decode";
  std::vector<std::string> fitting;
  for (const MethodRequest& request : methods.requests) {
    if (!runs_in(request, workload)) continue;
    if (request.runs == workload.kind) {
      fitting.push_back(request.label);
    } else if (!workload.methods.empty()) {
      item.complain("methods", fmt::format("labels of methods that {}", does), "'" + request.label + "'");
    }
  }
  if (fitting.empty() && workload.methods.empty() && !methods.requests.empty())
    item.complain("methods", fmt::format("a method of the scenario that {}s", does), "none");
  const bool all = std::all_of(methods.requests.begin(), methods.requests.end(),
                               [&](const MethodRequest& request) { return request.runs == workload.kind; });
  if (!all && workload.methods.empty()) workload.methods = std::move(fitting);
}

void check_blocks(Section& item, const Workload& workload, const std::vector<MethodRequest>& requests) {
  for (const MethodRequest& request : requests) {
    const auto block = request.params.values().find("block_tokens");
    if (block == request.params.values().end() || !runs_in(request, workload)) continue;
    const std::int64_t tokens = std::get<std::int64_t>(block->second);
    for (const std::int64_t context : workload.contexts) {
      if (context >= tokens) continue;
      item.complain("contexts", fmt::format("at least one block of {} tokens ({})", tokens, request.label),
                    fmt::format("{}", context));
    }
  }
}

void check_once(Section& item, const char* key, const std::vector<std::int64_t>& values) {
  for (auto at = values.begin(); at != values.end(); ++at) {
    if (std::find(values.begin(), at, *at) != at) item.complain(key, "each value once", fmt::format("{} again", *at));
  }
}

Workload read_training(Section& item) {
  Workload workload;
  workload.kind = WorkloadKind::training;
  workload.name = item.name("name");
  workload.contexts = item.token_list({"sequence_lengths", "tokens of a sequence"}, kTokens, true);
  workload.batches = item.integer_list({"batches", "sequences of a micro-batch; by default the most that memory holds"},
                                       kBatch, false);
  check_once(item, "sequence_lengths", workload.contexts);
  check_once(item, "batches", workload.batches);
  workload.max_batch =
      item.integer_or({"max_batch", "limit on the batch that memory holds"}, workload.max_batch, kBatch);
  workload.micro_batches =
      item.integer_or({"micro_batches", "whose gradients make one step"}, workload.micro_batches, kSteps);
  workload.decode_steps = item.integer_or({"steps", "that stand for the whole training"}, 1, kSteps);
  workload.warmup_steps = 0;
  workload.prefill = false;
  workload.methods = item.text_list({"methods", "labels; by default all that train"});
  item.finish();
  return workload;
}

Workload read_workload(Section& item) {
  Workload workload;
  workload.name = item.name("name");
  workload.contexts = item.token_list({"contexts", "tokens cached when decoding starts"}, kTokens, true);
  workload.batches =
      item.integer_list({"batches", "by default the largest that memory holds, per method and context"}, kBatch, false);
  check_once(item, "contexts", workload.contexts);
  check_once(item, "batches", workload.batches);
  workload.max_batch =
      item.integer_or({"max_batch", "limit on the batch that memory holds"}, workload.max_batch, kBatch);
  workload.decode_steps = item.integer_or({"decode_steps", "measured steps"}, workload.decode_steps, kSteps);
  workload.warmup_steps =
      item.integer_or({"warmup_steps", "simulated before, not measured"}, workload.warmup_steps, {0.0, 1e6});
  workload.prefill = item.flag_or({"prefill", "also charge prefill: time to first token"}, workload.prefill);
  workload.methods = item.text_list({"methods", "labels; by default all that decode"});
  item.finish();
  return workload;
}

Locality read_figures(Section& item, std::string name) {
  Locality locality;
  locality.preset = std::move(name);
  locality.step_correlation =
      item.number({"step_correlation", "of a block's drifting score from one step to the next"}, {0.0, 0.999999999});
  locality.static_share =
      item.number_or({"static_share", "of the score's variance that never drifts"}, 0.0, {0.0, 0.999});
  locality.layer_spread =
      item.number_or({"layer_spread", "sigma of the log-normal spread of drift speed over layers"}, 0.0, {0.0, 3.0});
  return locality;
}

}  // namespace

std::vector<Workload> read_workloads(Section& root, const MethodList& methods) {
  std::vector<Workload> workloads;
  const auto append = [&](Section& item, Workload workload) {
    const auto same_name = [&](const Workload& other) { return !workload.name.empty() && other.name == workload.name; };
    if (std::any_of(workloads.begin(), workloads.end(), same_name))
      item.complain("name", "a name of its own", "'" + workload.name + "' again");
    check_labels(item, workload, methods.labels);
    keep_kind(item, workload, methods);
    check_blocks(item, workload, methods.requests);
    workloads.push_back(std::move(workload));
  };
  const bool needed = !root.recording() && !root.has("training");
  for (Section& item : root.sections({"workloads", "every context × every batch, for each method"}, needed)) {
    append(item, read_workload(item));
  }
  for (Section& item : root.sections({"training", "steps of training: every sequence length × every batch"}, false)) {
    append(item, read_training(item));
  }
  return workloads;
}

Locality read_locality(Section& root, const std::filesystem::path& presets, InputFiles& inputs) {
  if (root.holds("locality", YamlNode::Kind::map)) {
    Section item = *root.section({"locality", "how the important blocks change from step to step"}, false);
    const Locality locality = read_figures(item, "custom");
    item.finish();
    if (!root.recording()) return locality;
  }
  const std::string wanted = root.text_or("locality", "scout");
  if (root.recording()) return {};
  std::error_code ignored;
  if (inputs.yaml_if_any(presets) == nullptr && !std::filesystem::exists(presets, ignored)) {
    root.complain("locality", "a mapping, as no shipped presets were found", "'" + shortened(wanted) + "'");
    return {};
  }
  const YamlNode* tree = inputs.yaml(presets, root.context().errors);
  if (tree == nullptr) return {};
  ReadContext context{presets.string(), root.context().errors};
  Section file(*tree, "", context);
  std::vector<std::string> names;
  std::optional<Locality> found;
  for (Section& item : file.sections("localities", true)) {
    names.push_back(item.name("name"));
    const Locality locality = read_figures(item, names.back());
    item.text("source");
    item.finish();
    if (names.back() == wanted) found = locality;
  }
  file.finish();
  if (found) return *found;
  root.complain("locality", fmt::format("a mapping, or one of {}", fmt::join(names, ", ")),
                "'" + shortened(wanted) + "'", nearest_of(wanted, names));
  return {};
}

}  // namespace outrider
