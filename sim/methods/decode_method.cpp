// Memory rows, prefill and bookkeeping that decode methods share.
#include "sim/methods/decode_method.h"

#include <algorithm>
#include <utility>

#include "sim/spec/model_math.h"

namespace outrider {

std::vector<ParamSpec> common_params(const char* launch) {
  return {
      {"launch", std::string(launch), "how kernels are launched", "I", {}, {}, {"graph", "eager"}},
      {"hbm_fraction",
       0.9,
       "share of HBM for weights and caches; the rest is activations and runtime",
       "I",
       0.1,
       1.0,
       {},
       {0.8, 1.0}},
      {"dram_fraction", 0.9, "share of DRAM for caches; the rest is the system's", "I", 0.1, 1.0, {}, {0.8, 1.0}},
  };
}

std::vector<ParamSpec> with_common(std::vector<ParamSpec> params, const char* launch) {
  for (ParamSpec& common : common_params(launch)) params.push_back(std::move(common));
  return params;
}

// Places in selection traces are those of all layers whose KV grows, so that a layer's selection is the same whichever
// others are dense.
DecodeMethod::DecodeMethod(const MethodPoint& point, const LayerList& dense)
    : point_(point), emit_(point_, params().text("launch") == "graph" ? LaunchMode::graph : LaunchMode::eager, dense) {
  std::int64_t next = 0;
  for (const LayerSpec& layer : model().layers) ordinal_.push_back(has_growing_kv(layer) ? next++ : -1);
}

std::vector<MemoryUse> DecodeMethod::memory() const {
  using Tier = MemoryUse::Tier;
  const Bytes hbm = point_.machine->gpu.hbm_capacity;
  const Bytes dram = point_.machine->dram_per_gpu();
  std::vector<MemoryUse> uses = {
      {"weights", Tier::hbm, weight_bytes(model()), Bytes(0.0)},
      {"activations and runtime", Tier::hbm, hbm * (1.0 - params().number("hbm_fraction")), Bytes(0.0)},
      {"system", Tier::dram, dram * (1.0 - params().number("dram_fraction")), Bytes(0.0)},
  };
  const Bytes dense = offloads() ? kv_of_dense_layers() : Bytes(0.0);
  const Bytes fixed_caches = offloads() ? kv_of_all_layers() - kv_of_offloaded_layers() - dense : Bytes(0.0);
  if (fixed_caches > Bytes(0.0)) {
    uses.push_back({"caches of window, latent and linear layers", Tier::hbm, Bytes(0.0), fixed_caches});
  }
  if (dense > Bytes(0.0)) uses.push_back({"KV of dense layers", Tier::hbm, Bytes(0.0), dense});
  for (MemoryUse& use : cache_memory()) uses.push_back(std::move(use));
  return uses;
}

Bytes DecodeMethod::kv_of_all_layers() const {
  Bytes sum;
  for (const LayerSpec& layer : model().layers) {
    sum += kv_bytes_per_sequence(model(), layer, point_.context + point_.steps);
  }
  return sum;
}

Bytes DecodeMethod::kv_of_dense_layers() const {
  Bytes sum;
  for (int layer = 0; layer < layers(); ++layer) {
    const LayerSpec& spec = model().layers[static_cast<std::size_t>(layer)];
    if (has_growing_kv(spec) && !emit_.offloads(layer))
      sum += kv_bytes_per_sequence(model(), spec, point_.context + point_.steps);
  }
  return sum;
}

Bytes DecodeMethod::kv_of_offloaded_layers() const {
  return kv_of_tokens(static_cast<double>(point_.context + point_.steps));
}

Bytes DecodeMethod::kv_of_tokens(double tokens) const {
  Bytes sum;
  for (const int layer : emit_.offloaded_layers()) sum += emit_.kv_bytes(layer, tokens);
  return sum;
}

DecodeMethod::Misses DecodeMethod::misses(int layer, std::int64_t step, std::int64_t resident_step) const {
  return point_.selection->missing(ordinal_of(layer), point_.batch, {.step = step, .earlier = resident_step});
}

CopyShape DecodeMethod::one_copy(Direction direction, Bytes bytes) const {
  return {.direction = direction,
          .path = CopyPath::copy_engine,
          .memory = HostMemory::pinned,
          .fragments = 1.0,
          .fragment = bytes};
}

double DecodeMethod::head_queries(int layer) const {
  const AttentionSpec& attention = model().layers[static_cast<std::size_t>(layer)].attention;
  return static_cast<double>(attention.q_heads * attention.head_dim);
}

double DecodeMethod::head_outputs(int layer) const {
  const AttentionSpec& attention = model().layers[static_cast<std::size_t>(layer)].attention;
  return static_cast<double>(attention.q_heads * attention.v_head_dim);
}

OpId DecodeMethod::write_back(int layer, double sequences, OpId after) {
  const CopyShape shape = one_copy(Direction::d2h, host_kv(layer, sequences));
  note_link(shape);
  return emit_.copy(Family::copy_d2h, shape, layer, {after});
}

AttentionShape DecodeMethod::dense_attention(int layer, std::int64_t step, double sequences) const {
  AttentionShape shape = emit_.attention(layer, sequences * context_at(step), context_at(step), 0);
  shape.sequences = static_cast<std::int64_t>(sequences);
  return shape;
}

OpId DecodeMethod::attend_on_cpu(int layer, std::int64_t step, double sequences, OpId q) {
  const Bytes element = sequences * bytes_of(DataType::bf16);
  const CopyShape query = one_copy(Direction::d2h, head_queries(layer) * element);
  const CopyShape output = one_copy(Direction::h2d, head_outputs(layer) * element);
  note_link(query);
  note_link(output);
  const OpId sent = emit_.copy(Family::copy_d2h, query, layer, {q});
  const OpId appended = write_back(layer, sequences, q);  // the CPU attends the new token too
  const AttentionShape shape = dense_attention(layer, step, sequences);
  return emit_.copy(Family::copy_h2d, output, layer, {emit_.cpu(Family::cpu_attend, shape, layer, {sent, appended})});
}

TaskGraph DecodeMethod::step_in_hbm(std::int64_t step) {
  emit_.begin(batch());
  OpId x = emit_.open_step();
  for (int layer = 0; layer < layers(); ++layer) {
    const OpId q = emit_.project(layer, emit_.normalise(layer, x));
    x = emit_.finish(layer, emit_.attend_resident(layer, point_.context + step, q));
  }
  note_step();
  return emit_.close_step(x, batch());
}

TaskGraph DecodeMethod::prefill() {
  const double prompt = static_cast<double>(point_.context);
  emit_.begin(prompt);
  OpId x = emit_.open_step();
  for (int layer = 0; layer < layers(); ++layer) {
    const OpId q = emit_.project(layer, emit_.normalise(layer, x));
    const Bytes sent = offloads() && emit_.offloads(layer) ? prompt_kv(layer) : Bytes(0.0);
    if (sent > Bytes(0.0)) emit_.copy(Family::copy_d2h, one_copy(Direction::d2h, sent), layer, {q});
    const OpId attended = emit_.attend_prompt(layer, 0.0, q, prompt_products());
    index_prefilled(layer, q);
    x = emit_.finish(layer, attended);
  }
  return emit_.close_step(x, 1.0);
}

void DecodeMethod::note_step() {
  ++steps_;
  cpu_ratio_by_step_.push_back(cpu_budget_ > 0.0 ? cpu_tokens_ / cpu_budget_ : 0.0);
  cpu_tokens_all_ += std::exchange(cpu_tokens_, 0.0);
  cpu_budget_all_ += std::exchange(cpu_budget_, 0.0);
}

MethodFacts DecodeMethod::facts() const {
  MethodFacts facts;
  if (steps_ == 0) return facts;
  const double steps = static_cast<double>(steps_);
  facts.cpu_ratio = cpu_budget_all_ > 0.0 ? cpu_tokens_all_ / cpu_budget_all_ : 0.0;
  facts.link_bytes_per_step = link_bytes_ / steps;
  facts.recalls = recalled_ / (steps * batch());
  facts.cpu_ratio_by_step = cpu_ratio_by_step_;
  if (point_.selection != nullptr) {
    const double chosen = static_cast<double>(point_.selection->shape().selected * point_.batch) *
                          static_cast<double>(emit_.offloaded_layers().size());
    facts.turnover = turned_over_ / (chosen * steps);
  }
  return facts;
}

}  // namespace outrider
