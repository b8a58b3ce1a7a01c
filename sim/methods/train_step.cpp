// A training step: forward, backward and Adam, a number format for each product; the optimizer's state in HBM, or in
// DRAM with Adam on the CPU, a bucket at a time behind the backward pass (ZeRO-Offload).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/base/check.h"
#include "sim/methods/layer_emitter.h"
#include "sim/methods/systems.h"
#include "sim/methods/training_memory.h"

namespace outrider {
namespace {

constexpr double kHalf = 2.0;          // bytes of a 16-bit element
constexpr double kOthersBits = 16.0;   // of what has no format of its own
constexpr double kMostCopied = 128e6;  // bytes of one copy of a bucket
// To a parameter each way: gradient and state in, weight and state out. Adam's arithmetic hides behind its traffic.
constexpr double kAdamBytes = kGradientBytes + kMasterBytes + kMomentBytes;
static_assert(kGradientBytes == kWeightBytes);

class TrainStep final : public Method {
 public:
  explicit TrainStep(const MethodPoint& point)
      : point_(point),
        emit_(point_, params().text("launch") == "graph" ? LaunchMode::graph : LaunchMode::eager),
        schedule_(schedule_of(params())),
        units_(point.machine->gpu, params()),
        offloads_(params().text("optimizer") == "dram"),
        checkpoints_(params().flag("checkpointing")),
        quantises_(params().flag("quantise_kernels")) {}

  TaskGraph step(std::int64_t step) override {
    recipe_ = schedule_.at(step, point_.steps);
    tokens_ = static_cast<double>(point_.batch * point_.context);
    emit_.begin(tokens_);
    last_ = last_update_ = arrival_ = OpId();
    updates_.clear();
    emit_.host(Family::schedule_step, 1.0, -1, {});
    for (std::int64_t i = 1; i <= point_.micro_batches; ++i) micro_batch(i == point_.micro_batches);
    update_weights();
    ++steps_;
    return emit_.seal(emit_.host(Family::synchronize, 1.0, -1, {last_, last_update_}));
  }

  TaskGraph prefill() override {
    CHECK(false, "{} has no prompt", "a training step");
    return emit_.seal(OpId());
  }
  SelectionNeed selection_need() const override { return {}; }

  std::vector<MemoryUse> memory() const override {
    const MachineSpec& machine = *point_.machine;
    return TrainingMemory{.point = point_,
                          .schedule = schedule_,
                          .units = units_,
                          .offloads = offloads_,
                          .checkpoints = checkpoints_,
                          .hbm_reserve = machine.gpu.hbm_capacity * (1.0 - params().number("hbm_fraction")),
                          .dram_reserve = machine.dram_per_gpu() * (1.0 - params().number("dram_fraction"))}
        .uses();
  }

  MethodFacts facts() const override {
    MethodFacts facts;
    facts.notes = units_.notes(schedule_);
    if (steps_ == 0) return facts;
    facts.link_bytes_per_step = link_bytes_ / static_cast<double>(steps_);
    const double forward = ffn_flops_ + projection_flops_ + attention_flops_;
    facts.training = {.cost = weighed_flops_ / flops_,
                      .ffn_share = ffn_flops_ / forward,
                      .projection_share = projection_flops_ / forward,
                      .attention_share = attention_flops_ / forward};
    return facts;
  }

 private:
  // Parts of a step.
  void micro_batch(bool last) {
    const int layers = static_cast<int>(point_.model->layers.size());
    const double hidden = static_cast<double>(point_.model->hidden);
    elementwise(Family::embed, hidden, hidden, -1);
    for (int layer = 0; layer < layers; ++layer) forward(layer, true);
    head();
    const std::vector<Bucket> buckets = buckets_of(*point_.model);
    if (last) complete(buckets.front());
    for (int layer = layers - 1; layer >= 0; --layer) {
      if (checkpoints_) forward(layer, false);
      backward(layer);
      if (last) complete(buckets[static_cast<std::size_t>(layers - layer)]);
    }
    elementwise(Family::embed, hidden, hidden, -1);
    if (last) complete(buckets.back());
  }

  void forward(int layer, bool counts) {
    const LayerSpec& spec = spec_of(layer);
    const LayerProducts products = products_of(*point_.model, spec, tokens_);
    norm(layer);
    for (const LayerProduct& each : products.inputs) multiply(each, layer, counts);
    rotate(spec, layer);
    attend(Family::prefill_attend, layer, counts);
    for (const LayerProduct& each : products.outputs) multiply(each, layer, counts);
    norm(layer);
    for (const LayerProduct& each : products.ffn) {
      if (&each == &products.ffn.back())
        elementwise(Family::activation, gates(spec.ffn) * inner(each), inner(each), layer);
      multiply(each, layer, counts);
    }
  }

  void backward(int layer) {
    const LayerSpec& spec = spec_of(layer);
    const LayerProducts products = products_of(*point_.model, spec, tokens_);
    for (auto each = products.ffn.rbegin(); each != products.ffn.rend(); ++each) {
      differentiate(*each, layer);
      const double width = inner(*each), gate = gates(spec.ffn);
      if (each == products.ffn.rbegin()) elementwise(Family::activation, (gate + 1.0) * width, gate * width, layer);
    }
    norm_backward(layer);
    for (auto each = products.outputs.rbegin(); each != products.outputs.rend(); ++each) differentiate(*each, layer);
    attend(Family::attend_backward, layer, true);
    rotate(spec, layer);
    for (auto each = products.inputs.rbegin(); each != products.inputs.rend(); ++each) differentiate(*each, layer);
    norm_backward(layer);
  }

  // LM head, loss and the gradients of both, at 16 bits.
  void head() {
    const double vocab = static_cast<double>(point_.model->vocab);
    const LayerProduct product{lm_head(*point_.model, tokens_), std::nullopt};
    norm(-1);
    multiply(product, -1, false);
    elementwise(Family::loss, vocab, vocab, -1);
    differentiate(product, -1);
    norm_backward(-1);
  }

  // Products. Every kernel waits for the one before.
  void multiply(const LayerProduct& product, int layer, bool counts) {
    const Linear& y = product.linear;
    const DataType type = format(product, Pass::forward);
    quantise({type, format(product, Pass::wgrad)}, y.rows * y.instances * static_cast<double>(y.k), layer);
    product_kernel(Family::gemm, y, {.rows = y.rows, .n = y.n, .k = y.k}, type, layer);
    if (!counts) return;
    count(y.flops().value(), bits_of(type));
    if (product.module) (*product.module == Module::ffn ? ffn_flops_ : projection_flops_) += y.flops().value();
  }

  void differentiate(const LayerProduct& product, int layer) {
    const Linear& y = product.linear;
    const DataType dgrad = format(product, Pass::dgrad), wgrad = format(product, Pass::wgrad);
    const std::int64_t rows = std::max<std::int64_t>(1, std::llround(y.rows));
    quantise({dgrad, wgrad}, y.rows * y.instances * static_cast<double>(y.n), layer);
    product_kernel(Family::gemm_dgrad, y, {.rows = y.rows, .n = y.k, .k = y.n}, dgrad, layer);
    product_kernel(Family::gemm_wgrad, y, {.rows = static_cast<double>(y.k), .n = y.n, .k = rows}, wgrad, layer);
    if (layer < 0) return;
    count(y.flops().value(), bits_of(dgrad));
    count(y.flops().value(), bits_of(wgrad));
  }

  void product_kernel(Family family, const Linear& of, GemmShape shape, DataType type, int layer) {
    shape.instances = of.instances;
    shape.type = units_.computing(type);
    kernel(family, shape, layer);
  }

  // From 16 bits into each different format among those that need it.
  void quantise(const std::array<DataType, 2>& formats, double elements, int layer) {
    if (!quantises_) return;
    for (std::size_t i = 0; i < formats.size(); ++i) {
      if (!is_quantised(formats[i]) || (i > 0 && formats[i] == formats[0])) continue;
      kernel(Family::quantise,
             StreamShape{.read = Bytes(elements * kHalf),
                         .write = elements * bytes_of(units_.computing(formats[i])),
                         .flops = Flops(0.0),
                         .items = tokens_,
                         .recent = true},
             layer);
    }
  }

  // Two products forward; backward four, and the scores once more, which does not count.
  void attend(Family family, int layer, bool counts) {
    AttentionShape shape = emit_.attention(layer, tokens_, static_cast<double>(point_.context), 0);
    const std::int64_t window = spec_of(layer).attention.window;
    if (window > 0) shape.longest = std::min(shape.longest, static_cast<double>(window));
    shape.sequences = point_.batch;
    shape.type = DataType::bf16;
    shape.causal = params().flag("causal");
    kernel(family, shape, layer);
    if (!counts) return;
    const double heads = static_cast<double>(shape.q_heads);
    const double flops =
        2.0 * heads * attended_pairs(shape) * static_cast<double>(shape.head_dim + shape.value_width());
    const bool is_forward = family == Family::prefill_attend;
    count(is_forward ? flops : 2.0 * flops, kOthersBits);
    if (is_forward) attention_flops_ += flops;
  }

  // Elementwise kernels.
  void norm(int layer) { elementwise(Family::norm_rope, 2.0 * hidden(), 2.0 * hidden(), layer); }  // with the residual
  void norm_backward(int layer) { elementwise(Family::norm_rope, 3.0 * hidden(), hidden(), layer); }
  void rotate(const LayerSpec& spec, int layer) {
    const double width =
        static_cast<double>((spec.attention.q_heads + spec.attention.kv_heads) * spec.attention.head_dim);
    elementwise(Family::norm_rope, width, width, layer);
  }

  void elementwise(Family family, double read_width, double write_width, int layer) {
    kernel(family,
           StreamShape{.read = emit_.activation_bytes(read_width),
                       .write = emit_.activation_bytes(write_width),
                       .flops = Flops(0.0),
                       .items = tokens_,
                       .recent = true},
           layer);
  }

  void kernel(Family family, const Shape& shape, int layer) {
    last_ = emit_.kernel(family, shape, layer, {last_, arrival_});
  }

  // Buckets. A complete one is on its way to the CPU while the backward pass goes on.
  struct Update {
    Bucket bucket;
    OpId ready;  // its gradients in DRAM, or its new weights in HBM
  };

  void complete(const Bucket& bucket) {
    OpId ready;
    if (offloads_) ready = emit_.copy(Family::copy_d2h, copy_of(Direction::d2h, bucket), bucket.layer, {last_});
    if (offloads_ && !params().flag("clipping")) ready = update_on_cpu(bucket, ready);
    updates_.push_back({bucket, ready});
  }

  OpId update_on_cpu(const Bucket& bucket, OpId gradients) {
    const OpId updated = emit_.cpu(Family::cpu_adam, adam(bucket), bucket.layer, {gradients});
    last_update_ = emit_.copy_issued(Family::copy_h2d, copy_of(Direction::h2d, bucket), bucket.layer, {updated});
    return last_update_;
  }

  void update_weights() {
    const bool clips = params().flag("clipping");
    const OpId all_gradients = updates_.back().ready;
    for (Update& update : updates_) {
      if (offloads_ && clips) update.ready = update_on_cpu(update.bucket, all_gradients);
    }
    for (const Update& update : updates_) {
      if (!offloads_) kernel(Family::adam, adam(update.bucket), update.bucket.layer);
      if (update.bucket.layer >= 0) quantise_weights(update);
    }
  }

  void quantise_weights(const Update& update) {
    const int layer = update.bucket.layer;
    arrival_ = update.ready;
    const LayerProducts products = products_of(*point_.model, spec_of(layer), tokens_);
    for (const auto* list : {&products.inputs, &products.outputs, &products.ffn}) {
      for (const LayerProduct& each : *list) {
        quantise({format(each, Pass::forward), format(each, Pass::dgrad)}, each.linear.weights(), layer);
      }
    }
    arrival_ = OpId();
  }

  StreamShape adam(const Bucket& bucket) const {
    return {.read = Bytes(bucket.parameters * kAdamBytes),
            .write = Bytes(bucket.parameters * kAdamBytes),
            .flops = Flops(0.0),
            .items = bucket.parameters};
  }

  CopyShape copy_of(Direction direction, const Bucket& bucket) {
    const double bytes = bucket.parameters * (direction == Direction::d2h ? kGradientBytes : kWeightBytes);
    const double fragments = std::ceil(bytes / kMostCopied);
    link_bytes_ += bytes;
    return {.direction = direction, .fragments = fragments, .fragment = Bytes(bytes / fragments)};
  }

  // Facts.
  void count(double flops, double bits) {
    flops_ += flops;
    weighed_flops_ += flops * bits / 16.0;
  }

  DataType format(const LayerProduct& product, Pass pass) const {
    return product.module ? recipe_.of(*product.module, pass) : DataType::bf16;
  }
  const LayerSpec& spec_of(int layer) const { return point_.model->layers[static_cast<std::size_t>(layer)]; }
  const Params& params() const { return *point_.params; }
  double hidden() const { return static_cast<double>(point_.model->hidden); }
  static double gates(const FfnSpec& ffn) { return ffn.gated ? 2.0 : 1.0; }
  double inner(const LayerProduct& down) const {  // elements of the FFN's inner width to a token
    return down.linear.rows * down.linear.instances * static_cast<double>(down.linear.k) / tokens_;
  }

  MethodPoint point_;
  LayerEmitter emit_;
  PrecisionSchedule schedule_;
  Units units_;
  bool offloads_, checkpoints_, quantises_;
  Recipe recipe_;
  double tokens_ = 0.0;  // of a micro-batch
  OpId last_;            // kernel
  OpId arrival_;         // of what the next kernels read, beside what the last one wrote
  OpId last_update_;     // copy of new weights
  std::vector<Update> updates_;
  double flops_ = 0.0, weighed_flops_ = 0.0, link_bytes_ = 0.0;
  double ffn_flops_ = 0.0, projection_flops_ = 0.0, attention_flops_ = 0.0;
  std::int64_t steps_ = 0;
};

std::string refusal_of(const MethodPoint& point) {
  if (point.machine->gpu_count > 1)
    return fmt::format("a machine of {} GPUs: gradients are not sent between GPUs", point.machine->gpu_count);
  for (const LayerSpec& layer : point.model->layers) {
    if (layer.attention.kind != AttentionKind::gqa || layer.attention.indexer.top_k > 0)
      return "a model of other than grouped-query attention, whose backward is not modelled";
  }
  return Units(point.machine->gpu, *point.params).refusal(schedule_of(*point.params));
}

std::vector<ParamSpec> params_of_training() {
  std::vector<ParamSpec> params = recipe_params();
  const std::vector<ParamSpec> others = {
      {"quantise_kernels", true, "kernels that quantise operands, rather than none", "I", {}, {}, {}},
      {"causal", true, "attention skips the masked half of the scores", "I", {}, {}, {}},
      {"checkpointing", false, "keep each layer's input only and compute the layer again", "I", {}, {}, {}},
      {"optimizer",
       std::string("hbm"),
       "where gradients, master weights and moments are; in dram Adam runs on the CPU",
       "P",
       {},
       {},
       {"hbm", "dram"}},
      {"clipping", false, "by the gradients' global norm: Adam starts after the last gradient", "I", {}, {}, {}},
      {"launch", std::string("eager"), "how kernels are launched", "I", {}, {}, {"graph", "eager"}},
      {"hbm_fraction", 0.9, "share of HBM for what is planned; the rest is runtime", "I", 0.1, 1.0, {}, {0.8, 1.0}},
      {"dram_fraction",
       0.9,
       "share of DRAM for gradients and state; the rest is the system's",
       "I",
       0.1,
       1.0,
       {},
       {0.8, 1.0}},
  };
  params.insert(params.end(), others.begin(), others.end());
  return params;
}

}  // namespace

MethodEntry train_step() {
  return {{.name = "train_step",
           .summary = "a training step with a number format for each product, Adam on the GPU or on the CPU",
           .source = "arXiv 2502.11458 (formats), ZeRO-Offload, USENIX ATC 2021 (placement)",
           .params = params_of_training(),
           .presets = recipe_presets(),
           .runs = WorkloadKind::training},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<TrainStep>(point); },
          refusal_of};
}

}  // namespace outrider
