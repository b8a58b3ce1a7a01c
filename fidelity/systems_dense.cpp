// Systems that attend every token: in full, which shows what the kernels' own rounding costs, and in few bits.
#include <numeric>

#include "fidelity/selector.h"
#include "fidelity/systems.h"
#include "kernels/reference/kv_quant.h"

namespace outrider {
namespace {

TokenList every_token(const Head& head) { return ends_of(head, head.tokens, 0); }

class FullAttention : public Approximation {
 public:
  explicit FullAttention(const ApproximationInput& input) : head_(input.head), path_(input.path) {}
  void start(std::int64_t) override {}
  Attended attend(std::size_t step) override {
    const TokenList tokens = every_token(head_);
    return {.output = attend_tokens(head_, head_.kv, head_.query(step), tokens, path_).output,
            .tokens = {tokens},
            .bytes = {.index = 0.0, .kv = kv_bytes(head_, static_cast<double>(head_.tokens)), .state = 0.0}};
  }

 private:
  const Head& head_;
  CpuPath path_;
};

class FewBitAttention : public Approximation {
 public:
  explicit FewBitAttention(const ApproximationInput& input)
      : head_(input.head),
        format_{.bits = static_cast<int>(input.params.integer("bits")),
                .tile_tokens = input.params.integer("tile_tokens"),
                .head_dim = input.head.head_dim},
        threshold_(input.params.number("threshold")),
        keys_(progressive_values(format_, head_.keys.data(), head_.tokens)),
        values_(progressive_values(format_, head_.values.data(), head_.tokens)) {}
  void start(std::int64_t) override {}
  Attended attend(std::size_t step) override {
    return {.output = attend_in_integers({.keys = keys_.data(),
                                          .values = values_.data(),
                                          .queries = head_.query(step),
                                          .tokens = head_.tokens,
                                          .tile_tokens = format_.tile_tokens,
                                          .head_dim = head_.head_dim,
                                          .group = head_.group,
                                          .scale = head_.scale,
                                          .threshold = threshold_}),
            .tokens = {every_token(head_)},
            .bytes = {.index = 0.0, .kv = 2.0 * progressive_bytes(format_, head_.tokens), .state = 0.0}};
  }

 private:
  const Head& head_;
  ProgressiveFormat format_;
  double threshold_;
  std::vector<float> keys_, values_;
};

}  // namespace

ApproximationEntry full_attention() {
  return {approximation_info("full_kv", "every token, by the same kernel: its rounding alone", "ours", {}), false,
          [](const ApproximationInput& input) -> std::unique_ptr<Approximation> {
            return std::make_unique<FullAttention>(input);
          }};
}

ApproximationEntry turbo_attention() {
  ParamSpec bits = count_param("bits", 4, "of stored K and V: 8, 4, 3 or 2", "P");
  MethodInfo info = approximation_info(
      "turbo", "every token, K and V in few bits, attended in integers", "TurboAttention, arXiv 2412.08585",
      {bits,
       count_param("tile_tokens", 64, "of a tile", "P"),
       {"threshold", -6.0, "logits below the largest by more weigh nothing; −1000: none", "R", -1000.0, 0.0, {}}});
  info.conflicts = [](const Params& params, const std::set<std::string>&) {
    const std::int64_t given = params.integer("bits");
    std::vector<ParamConflict> conflicts;
    if (given != 8 && (given < 2 || given > 4)) conflicts.push_back({"bits", "8, 4, 3 or 2", std::to_string(given)});
    return conflicts;
  };
  return {std::move(info), false, [](const ApproximationInput& input) -> std::unique_ptr<Approximation> {
            return std::make_unique<FewBitAttention>(input);
          }};
}

}  // namespace outrider
