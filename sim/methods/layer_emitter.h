// The verbs methods are written in: emits the ops of one step, with launches, streams and shapes looked after.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <vector>

#include "sim/graph/task_graph.h"
#include "sim/methods/method.h"
#include "sim/spec/model_math.h"

namespace outrider {

// How GPU ops get onto their streams: one host launch each, or captured and replayed with one launch per segment.
enum class LaunchMode { eager, graph };

// Emits one step of one point. Ops of a lane run in the order of emission; dependencies name what crosses lanes (and,
// on one lane, the data they need). A method emits a layer as project → attend … → finish.
class LayerEmitter {
 public:
  using Deps = std::initializer_list<OpId>;

  // Layers of `dense` are not offloaded, though their KV grows.
  LayerEmitter(const MethodPoint& point, LaunchMode mode, const LayerList& dense = {});
  void begin(double tokens);  // clears; `tokens` rows go through every projection
  void rows(double tokens);   // from here on as many: those of a sub-batch

  // Primitive ops.
  OpId kernel(Family family, Shape shape, int layer, Deps after);
  OpId copy(Family family, const CopyShape& shape, int layer, Deps after);
  // Issued by a host op among `after`, or by a background thread; on the stream of its direction, or on `lane`.
  OpId copy_issued(Family family, const CopyShape& shape, int layer, Deps after);
  // One call of the host thread per fragment, or one for a batch; the copies run while it issues the later ones.
  OpId copy_by_calls(Family family, const CopyShape& shape, int layer, Deps after);
  OpId copy_on(Lane lane, const CopyShape& shape, int layer, Deps after);
  // SM zero-copy by a kernel on the side stream.
  OpId gather_by_kernel(const CopyShape& shape, int layer, Deps after);
  // CPU workers poll for what they wait for: the host thread has no part in it.
  OpId cpu(Family family, Shape shape, int layer, Deps after);
  // By the host thread itself, on its own core: beside the pool, not in it.
  OpId gather_by_host(const StreamShape& shape, int layer, Deps after);
  OpId host(Family family, double count, int layer, Deps after);
  OpId join(int layer, Deps after);  // ends with the last of them
  void new_segment();                // the next GPU ops need a fresh launch by the host thread
  void await(OpId op, CarrySlot slot) { builder_.await(op, slot); }
  void fill(CarrySlot slot, OpId op) { builder_.fill(slot, op); }

  // Parts of a decode step.
  OpId open_step();                                    // scheduling, launch, embedding
  OpId normalise(int layer, OpId after);               // input norm of a layer
  OpId project(int layer, OpId after);                 // Q, K, V; RoPE; appends to the cache. Ends with Q ready
  OpId finish(int layer, OpId after);                  // output projection, norm, FFN. Ends with the layer's output
  TaskGraph close_step(OpId after, double sequences);  // LM head on a row each, sampling, tokens to the host
  TaskGraph seal(OpId last) { return std::move(builder_).seal(last); }

  // Shapes that several methods share. Tokens are summed over the batch.
  AttentionShape attention(int layer, double tokens, double longest, std::int64_t block_tokens) const;
  Bytes kv_bytes(int layer, double tokens) const;                          // KV of that many tokens in one layer
  Bytes activation_bytes(double width) const;                              // rows × width elements
  const std::vector<int>& offloaded_layers() const { return offloaded_; }  // KV grows with context, and not dense
  bool offloads(int layer) const { return is_offloaded_[static_cast<std::size_t>(layer)]; }
  // The attention of a layer that offloading leaves alone (window, MLA, linear), or of full_kv.
  OpId attend_resident(int layer, std::int64_t context, OpId after);
  // The attention of a layer over one prompt that ends with the step's tokens, its two products of such numbers; the KV
  // of `cached` tokens before is there.
  OpId attend_prompt(int layer, double cached, OpId after, DataType products = DataType::bf16);

 private:
  struct LayerProducts {
    std::vector<Linear> inputs, outputs, ffn;
  };
  OpId products(const std::vector<Linear>& linears, int layer, OpId after);
  StreamShape elementwise(double read_width, double write_width) const;
  // A DSA layer's indexer over so many pairs of query and key, with the choice it makes for every query.
  OpId index_tokens(int layer, double keys, double pairs, OpId after);
  OpId launch_for(int layer, Family launch);
  static LaneId lane_of(Family family);

  const MethodPoint& point_;
  LaunchMode mode_;
  double tokens_ = 0.0;
  std::map<double, std::vector<LayerProducts>> products_;  // of all layers, by rows
  const std::vector<LayerProducts>* current_ = nullptr;
  std::vector<int> offloaded_;
  std::vector<bool> is_offloaded_;
  GraphBuilder builder_;
  OpId segment_;  // launch of the current graph segment
};

}  // namespace outrider
