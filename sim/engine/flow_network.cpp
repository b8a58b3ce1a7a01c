// Solves rates by progressive filling over the components that changed, and keeps the next end of all flows.
#include "sim/engine/flow_network.h"

#include <algorithm>
#include <limits>
#include <map>

#include "sim/base/check.h"
#include "sim/engine/flow_class.h"

namespace outrider {

struct FlowNetwork::State {
  struct Resource {
    double capacity = 0.0;
    std::vector<std::uint32_t> active;  // classes with members
    // While solving:
    double left = 0.0;       // capacity not taken by frozen classes
    double pull = 0.0;       // Σ population · amount · weight of classes not frozen
    std::uint32_t open = 0;  // how many those are
    std::uint32_t stamp = 0;
  };

  void touch(std::uint32_t flow_class);
  void solve();
  void collect(std::uint32_t flow_class);
  void enter_lists(std::uint32_t index);
  void leave_lists(std::uint32_t index);
  void open_component();
  void sum_pulls();
  void fill();
  void fill_to_cap(double level);
  void fill_resource(std::uint32_t bottleneck, double level);
  void freeze(FlowClass& flow_class, double rate, ResourceId bottleneck);
  void find_next();

  std::vector<Resource> resources;
  std::vector<FlowClass> classes;
  std::multimap<double, std::uint32_t> by_cap;     // to find equal specs
  std::vector<std::uint32_t> active;               // classes with members
  std::vector<std::uint32_t> touched;              // populations changed since the last solve
  std::vector<std::uint32_t> component, frontier;  // classes being solved
  std::vector<std::uint32_t> open;                 // … and not frozen yet
  std::vector<ResourceId> component_resources;
  std::vector<FlowClass::Ended> ended;
  std::uint64_t sequence = 0;
  std::uint32_t stamp = 0;
  Instant now;
  Instant next = Instant::never();
  bool next_known = true;
};

void FlowNetwork::State::touch(std::uint32_t index) {
  next_known = false;
  if (classes[index].dirty) return;
  classes[index].dirty = true;
  touched.push_back(index);
}

void FlowNetwork::State::enter_lists(std::uint32_t index) {
  classes[index].listed = true;
  active.push_back(index);
  for (const Use& use : classes[index].spec.uses) resources[use.resource.index()].active.push_back(index);
}

void FlowNetwork::State::leave_lists(std::uint32_t index) {
  const auto drop = [index](std::vector<std::uint32_t>& list) {
    list.erase(std::find(list.begin(), list.end(), index));
  };
  classes[index].listed = false;
  drop(active);
  for (const Use& use : classes[index].spec.uses) drop(resources[use.resource.index()].active);
}

// Solves every component that a touched class is in, unless all populations are what they were.
void FlowNetwork::State::solve() {
  if (touched.empty()) return;
  ++stamp;
  component.clear();
  component_resources.clear();
  for (const std::uint32_t index : touched) {
    FlowClass& touched_class = classes[index];
    touched_class.dirty = false;
    if (touched_class.population == touched_class.solved_population) continue;
    if (touched_class.active() && !touched_class.listed) enter_lists(index);
    collect(index);
    if (!touched_class.active() && touched_class.listed) leave_lists(index);
  }
  touched.clear();
  if (component.empty()) return;
  open_component();
  fill();
}

// Adds the class and all that it shares resources with, directly or through others.
void FlowNetwork::State::collect(std::uint32_t start) {
  frontier.assign(1, start);
  while (!frontier.empty()) {
    const std::uint32_t index = frontier.back();
    frontier.pop_back();
    if (classes[index].stamp == stamp) continue;
    classes[index].stamp = stamp;
    component.push_back(index);
    for (const Use& use : classes[index].spec.uses) {
      Resource& resource = resources[use.resource.index()];
      if (resource.stamp == stamp) continue;
      resource.stamp = stamp;
      component_resources.push_back(use.resource);
      frontier.insert(frontier.end(), resource.active.begin(), resource.active.end());
    }
  }
}

void FlowNetwork::State::open_component() {
  for (const ResourceId id : component_resources) resources[id.index()].left = resources[id.index()].capacity;
  open.clear();
  std::sort(component.begin(), component.end());
  for (const std::uint32_t index : component) {
    FlowClass& flow_class = classes[index];
    flow_class.solved_population = flow_class.population;
    if (!flow_class.active()) {
      flow_class.set_rate(0.0, now);
      continue;
    }
    open.push_back(index);
  }
}

// How strongly the open classes pull on each resource; summed anew each round, as differences would lose small pulls.
void FlowNetwork::State::sum_pulls() {
  for (const ResourceId id : component_resources) {
    resources[id.index()].pull = 0.0;
    resources[id.index()].open = 0;
  }
  for (const std::uint32_t index : open) {
    const FlowClass& flow_class = classes[index];
    const double pull = static_cast<double>(flow_class.population) * flow_class.spec.weight;
    for (const Use& use : flow_class.spec.uses) {
      resources[use.resource.index()].pull += pull * use.amount;
      ++resources[use.resource.index()].open;
    }
  }
}

// All open classes rise together, each to level · weight; whoever meets its cap or a full resource is frozen there.
void FlowNetwork::State::fill() {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  while (!open.empty()) {
    sum_pulls();
    double cap_level = kNever;
    for (const std::uint32_t index : open) {
      const FlowClassSpec& spec = classes[index].spec;
      if (spec.rate_cap > 0.0) cap_level = std::min(cap_level, spec.rate_cap / spec.weight);
    }
    double full_level = kNever;
    ResourceId fullest;
    for (const ResourceId id : component_resources) {
      const Resource& resource = resources[id.index()];
      if (resource.open == 0) continue;
      const double level = std::max(resource.left, 0.0) / resource.pull;
      if (level < full_level || (level == full_level && id < fullest)) {
        full_level = level;
        fullest = id;
      }
    }
    CHECK(cap_level < kNever || full_level < kNever, "{} flow classes have neither cap nor resource", open.size());
    if (cap_level <= full_level) {
      fill_to_cap(cap_level);
    } else {
      fill_resource(fullest.value, full_level);
    }
  }
}

void FlowNetwork::State::fill_to_cap(double level) {
  std::size_t kept = 0;
  for (const std::uint32_t index : open) {
    FlowClass& flow_class = classes[index];
    const FlowClassSpec& spec = flow_class.spec;
    if (spec.rate_cap > 0.0 && spec.rate_cap / spec.weight <= level) {
      freeze(flow_class, spec.rate_cap, ResourceId());
    } else {
      open[kept++] = index;
    }
  }
  open.resize(kept);
}

void FlowNetwork::State::fill_resource(std::uint32_t bottleneck, double level) {
  const ResourceId id{std::size_t{bottleneck}};
  const bool alone = resources[bottleneck].open == 1;
  const double left = std::max(resources[bottleneck].left, 0.0);
  std::size_t kept = 0;
  for (const std::uint32_t index : open) {
    FlowClass& flow_class = classes[index];
    const auto use = std::find_if(flow_class.spec.uses.begin(), flow_class.spec.uses.end(),
                                  [id](const Use& each) { return each.resource == id; });
    if (use == flow_class.spec.uses.end()) {
      open[kept++] = index;
      continue;
    }
    // One class alone gets its quotient in one rounding, as isolated_duration computes it.
    const double rate =
        alone ? left / (static_cast<double>(flow_class.population) * use->amount) : level * flow_class.spec.weight;
    freeze(flow_class, rate, id);
  }
  open.resize(kept);
}

void FlowNetwork::State::freeze(FlowClass& flow_class, double rate, ResourceId bottleneck) {
  flow_class.set_rate(rate, now);
  flow_class.bottleneck = bottleneck;
  for (const Use& use : flow_class.spec.uses) {
    resources[use.resource.index()].left -= static_cast<double>(flow_class.population) * use.amount * rate;
  }
}

void FlowNetwork::State::find_next() {
  next = Instant::never();
  for (const std::uint32_t index : active) next = std::min(next, classes[index].next_end());
  next_known = true;
}

FlowNetwork::FlowNetwork(std::vector<double> capacities) : state_(std::make_unique<State>()) {
  for (const double capacity : capacities) {
    CHECK(capacity > 0.0, "a resource of capacity {}", capacity);
    state_->resources.emplace_back();
    state_->resources.back().capacity = capacity;
  }
}
FlowNetwork::~FlowNetwork() = default;
FlowNetwork::FlowNetwork(FlowNetwork&&) noexcept = default;

FlowClassId FlowNetwork::intern(const FlowClassSpec& spec) {
  CHECK(spec.weight > 0.0 && spec.rate_cap >= 0.0, "flow class of weight {} and cap {}", spec.weight, spec.rate_cap);
  CHECK(spec.rate_cap > 0.0 || !spec.uses.empty(), "a flow class needs a cap or a resource");
  for (const Use& use : spec.uses) {
    CHECK(use.resource.index() < state_->resources.size() && use.amount > 0.0, "use of {} on resource {}", use.amount,
          use.resource.value);
  }
  const auto same_use = [](const Use& a, const Use& b) { return a.resource == b.resource && a.amount == b.amount; };
  const auto [first, last] = state_->by_cap.equal_range(spec.rate_cap);
  for (auto entry = first; entry != last; ++entry) {
    const FlowClassSpec& known = state_->classes[entry->second].spec;
    if (known.weight == spec.weight &&
        std::equal(known.uses.begin(), known.uses.end(), spec.uses.begin(), spec.uses.end(), same_use)) {
      return FlowClassId(std::size_t{entry->second});
    }
  }
  state_->by_cap.emplace(spec.rate_cap, static_cast<std::uint32_t>(state_->classes.size()));
  state_->classes.emplace_back(spec);
  return FlowClassId(state_->classes.size() - 1);
}

void FlowNetwork::start(FlowClassId flow_class, double amount, std::uint32_t multiplicity, std::uint64_t tag,
                        Instant now) {
  CHECK(amount > 0.0 && multiplicity > 0, "a flow of {} × {}", multiplicity, amount);
  CHECK(now >= state_->now, "a flow starts at {} ps, before {} ps", now.ps(), state_->now.ps());
  state_->now = now;
  state_->classes[flow_class.index()].add(amount, {tag, multiplicity}, state_->sequence++, now);
  state_->touch(flow_class.value);
}

Instant FlowNetwork::next_completion() {
  state_->solve();
  if (!state_->next_known) state_->find_next();
  return state_->next;
}

void FlowNetwork::take_completed(Instant now, std::vector<CompletedFlow>& completed) {
  State& state = *state_;
  state.now = now;
  state.ended.clear();
  for (const std::uint32_t index : state.active) {
    if (state.classes[index].next_end() > now) continue;
    state.classes[index].take_ended(now, state.ended);
    state.touch(index);
  }
  const auto earlier = [](const FlowClass::Ended& a, const FlowClass::Ended& b) { return a.sequence < b.sequence; };
  if (state.ended.size() > 1) std::sort(state.ended.begin(), state.ended.end(), earlier);
  for (const FlowClass::Ended& each : state.ended) completed.push_back(each.flow);
}

double FlowNetwork::rate(FlowClassId flow_class) {
  state_->solve();
  return state_->classes[flow_class.index()].rate;
}

ResourceId FlowNetwork::bottleneck(FlowClassId flow_class) {
  state_->solve();
  return state_->classes[flow_class.index()].bottleneck;
}

double FlowNetwork::usage(ResourceId resource) {
  state_->solve();
  double sum = 0.0;
  for (const std::uint32_t index : state_->resources[resource.index()].active) {
    const FlowClass& flow_class = state_->classes[index];
    for (const Use& use : flow_class.spec.uses) {
      if (use.resource == resource) sum += static_cast<double>(flow_class.population) * use.amount * flow_class.rate;
    }
  }
  return sum;
}

double FlowNetwork::moved(ResourceId resource, Instant now) {
  double sum = 0.0;
  for (const FlowClass& flow_class : state_->classes) {
    for (const Use& use : flow_class.spec.uses) {
      if (use.resource == resource) sum += use.amount * flow_class.moved(now);
    }
  }
  return sum;
}

std::span<const ResourceId> FlowNetwork::changed() const { return state_->component_resources; }

}  // namespace outrider
