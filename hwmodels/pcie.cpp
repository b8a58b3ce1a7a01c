// Copy paths over the host link.
#include "hwmodels/pcie.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/base/check.h"

namespace outrider {
PcieModel::PcieModel(const LinkSpec& link, std::vector<Crossing> route, const Profile& profile, Platform& platform)
    : link_(link),
      h2d_(link.copy_engine_h2d),
      d2h_(link.copy_engine_d2h.empty() ? link.copy_engine_h2d : link.copy_engine_d2h),
      batched_(link.batched_h2d),
      per_cta_(link.zero_copy_per_cta),
      latency_(ceil_to_ticks(Seconds(profile.value("link.copy_latency")))),
      h2d_loaded_(profile.value("link.h2d_loaded_fragment")),
      d2h_loaded_(profile.value("link.d2h_loaded_fragment")),
      route_(std::move(route)) {
  const auto add = [&](const char* name, BytesPerSecond capacity) {
    platform.resources.push_back({name, "B/s", capacity.value()});
    return ResourceId(platform.resources.size() - 1);
  };
  h2d_link_ = add("link h2d", link.h2d);
  d2h_link_ = add("link d2h", link.d2h);
  both_ = add("link both ways", link.bidirectional);
  const auto add_engine = [&](const char* name) {
    platform.resources.push_back({name, "s/s", 1.0});
    platform.pools.push_back({name, 1});
    return Engine{ResourceId(platform.resources.size() - 1), PoolId(platform.pools.size() - 1)};
  };
  h2d_engine_ = add_engine("copy engine h2d");
  d2h_engine_ = add_engine("copy engine d2h");
}

double PcieModel::engine_seconds(const CopyShape& shape) const {
  if (shape.memory == HostMemory::pageable) return shape.total().value() / link_.pageable.value();
  const bool to_gpu = shape.direction == Direction::h2d;
  const bool batched = shape.path == CopyPath::batched && to_gpu;
  CHECK(!batched || !batched_.empty(), "batched copies on a link without their surface");
  const TransferSurface& surface = batched ? batched_ : to_gpu ? h2d_ : d2h_;
  return shape.fragments * surface.seconds_per_fragment(shape.fragment.value());
}

// On full HBM a flow runs at its weight times a level: what copies leave of it, 1 − u · x, with u the share of HBM
// that they would take at their own pace. So the weight that gives x is that of their pace times x / (1 − u · x). (The
// same u both ways: elsewhere they share evenly.)
double PcieModel::weight(const CopyShape& shape, const CopyEnds& ends, double seconds) const {
  const bool by_fragment = shape.path == CopyPath::copy_engine && shape.memory == HostMemory::pinned;
  const double each = shape.direction == Direction::h2d ? h2d_loaded_ : d2h_loaded_;
  const double pace = seconds / (seconds + (by_fragment ? shape.fragments : 1.0) * each);
  return pace / seconds / (1.0 - std::min(0.5, ends.most_hbm_share * pace));
}

void PcieModel::use_path(Demand& demand, const CopyShape& shape, const CopyEnds& ends, double bytes) const {
  const bool to_gpu = shape.direction == Direction::h2d;
  demand.use(to_gpu ? h2d_link_ : d2h_link_, bytes);
  demand.use(both_, bytes);
  for (const Crossing& crossing : route_) {
    demand.use(to_gpu ? crossing.to_gpu : crossing.from_gpu, bytes);
    if (crossing.both.valid()) demand.use(crossing.both, bytes);
  }
  demand.use(ends.dram, bytes);
  demand.use(ends.cpu_reads, bytes * ends.cpu_read_cost);
  if (ends.inter_socket.share > 0.0) {
    demand.use(to_gpu ? ends.inter_socket.inward : ends.inter_socket.outward, ends.inter_socket.share * bytes);
  }
  demand.use(ends.hbm, bytes * ends.hbm_cost);
}

Demand PcieModel::zero_copy(const CopyShape& shape, const CopyEnds& ends) const {
  const double one_cta = shape.fragment.value() / per_cta_.seconds_per_fragment(shape.fragment.value());
  const double ctas = shape.ctas > 0 ? static_cast<double>(shape.ctas) : std::ceil(link_.zero_copy.value() / one_cta);
  const double bytes = shape.total().value() / ctas;
  Demand demand;
  demand.latency = latency_;
  demand.units = static_cast<std::int64_t>(ctas);
  demand.pool = ends.sm_slots;
  demand.slots_per_unit = ends.cta_shares;
  const double all_ctas = link_.zero_copy.value() / ctas;
  demand.rate_cap = std::min(one_cta, all_ctas) / bytes;
  if (all_ctas <= one_cta) demand.capped_by = h2d_link_;
  use_path(demand, shape, ends, bytes);
  return demand;
}

Demand PcieModel::demand(const CopyShape& shape, const CopyEnds& ends) const {
  Demand demand;
  demand.latency = latency_;
  if (shape.total() <= Bytes(0.0)) return demand;
  if (shape.path == CopyPath::sm_zero_copy) return zero_copy(shape, ends);
  const double seconds = engine_seconds(shape);
  demand.units = 1;
  demand.rate_cap = 1.0 / seconds;
  demand.weight = weight(shape, ends, seconds);
  const bool to_gpu = shape.direction == Direction::h2d;
  const Engine& engine = to_gpu ? h2d_engine_ : d2h_engine_;
  if (!shape.paced) demand.pool = engine.turn;
  demand.use(engine.time, seconds);
  constexpr double kSaturated = 0.95;  // of the link's rate: then the link is what limits, not the cost per fragment
  const double share = shape.total().value() / seconds / (to_gpu ? link_.h2d : link_.d2h).value();
  demand.capped_by = share >= kSaturated ? (to_gpu ? h2d_link_ : d2h_link_) : engine.time;
  use_path(demand, shape, ends, shape.total().value());
  return demand;
}

}  // namespace outrider
