// ScoutAttention: blocks by a predicted query; those in HBM are attended by the step's own query, the others by the CPU
// with the predicted one, which nothing corrects. What is in HBM is what was chosen at the last recall.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "fidelity/selector.h"
#include "fidelity/systems.h"
#include "kernels/cpu/attention.h"

namespace outrider {
namespace {

class ScoutAttention : public Approximation {
 public:
  explicit ScoutAttention(const ApproximationInput& input)
      : input_(input),
        selector_(input.head, digest_index(input.head, input.params.integer("block_tokens"), input.path), {},
                  input.path) {}

  void start(std::int64_t budget_tokens) override {
    budget_ = budget_tokens;
    resident_.clear();
  }

  Attended attend(std::size_t step) override {
    const Head& head = input_.head;
    const std::vector<float> predicted = predicted_by_params(input_, step);
    const TokenList chosen = selector_.select(predicted.data(), budget_);
    if (step % static_cast<std::size_t>(input_.params.integer("recall_interval")) == 0) resident_ = chosen;
    TokenList on_gpu, on_cpu;
    std::set_intersection(chosen.begin(), chosen.end(), resident_.begin(), resident_.end(), std::back_inserter(on_gpu));
    std::set_difference(chosen.begin(), chosen.end(), resident_.begin(), resident_.end(), std::back_inserter(on_cpu));
    const bool drops = input_.params.text("misses") == "drop";
    const bool real = input_.params.text("cpu_query") == "real";
    Attended result;
    result.predicted_share =
        drops || real ? 0.0 : static_cast<double>(on_cpu.size()) / static_cast<double>(chosen.size());
    result.tokens = {drops ? on_gpu : chosen};
    result.bytes = {.index = selector_.index_bytes(),
                    .kv = kv_bytes(head, static_cast<double>(result.tokens.front().size())),
                    .state = 0.0};
    if (drops) on_cpu.clear();
    result.output = merged(step, on_gpu, on_cpu, real ? head.query(step) : predicted.data());
    return result;
  }

 private:
  std::vector<float> merged(std::size_t step, const TokenList& on_gpu, const TokenList& on_cpu,
                            const float* cpu_query) const {
    const Head& head = input_.head;
    std::vector<PartialAttention> done;
    if (!on_gpu.empty()) done.push_back(attend_tokens(head, head.kv, head.query(step), on_gpu, input_.path));
    if (!on_cpu.empty()) done.push_back(attend_tokens(head, head.kv, cpu_query, on_cpu, input_.path));
    if (done.empty()) return std::vector<float>(head.query_size());  // everything missed, and was dropped
    std::vector<PartialOutput> parts;
    for (const PartialAttention& each : done) parts.push_back({each.output.data(), each.lse.data()});
    std::vector<float> output(head.query_size()), lse(static_cast<std::size_t>(head.group));
    merge_partials(parts, head.group, head.head_dim, output.data(), lse.data());
    return output;
  }

  ApproximationInput input_;
  Selector selector_;
  std::int64_t budget_ = 0;
  TokenList resident_;
};

}  // namespace

ApproximationEntry scout_attention() {
  return {
      approximation_info(
          "scout", "blocks by a predicted query; the CPU attends what is not resident, by that query",
          "ScoutAttention, arXiv 2603.27138",
          {count_param("block_tokens", 32, "tokens of a block", "P"),
           share_param("cosine", 0.93, "of the predicted query to the own; 1: not predicted", "P"),
           prediction_error_param(),
           lasting_error_param(),
           count_param("recall_interval", 8, "steps between recalls", "P"),
           {"cpu_query", std::string("predicted"), "query of the CPU's attention", "P", {}, {}, {"predicted", "real"}},
           {"misses",
            std::string("cpu_attend"),
            "chosen blocks that are not resident",
            "P",
            {},
            {},
            {"cpu_attend", "drop"}}}),
      true, [](const ApproximationInput& input) -> std::unique_ptr<Approximation> {
        return std::make_unique<ScoutAttention>(input);
      }};
}

}  // namespace outrider
