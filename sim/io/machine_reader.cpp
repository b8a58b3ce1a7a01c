// Reading and checking of machine files.
#include "sim/io/machine_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

// A section of figures: unwraps {value, source} and notes where each figure comes from.
class Figures {
 public:
  Figures(Section section, MachineSpec& machine) : section_(std::move(section)), machine_(machine) {
    default_source_ = section_.text_or("source", "unstated");
  }
  Section& section() { return section_; }

  double quantity(const char* key, Dimension dimension) { return open(key).quantity(name_, dimension); }
  double quantity_or(const char* key, Dimension dimension, double fallback) {
    return section_.has(key) ? open(key).quantity(name_, dimension, kNotNegative) : fallback;
  }
  double number(const char* key) { return open(key).number(name_, kPositive); }
  std::int64_t integer(const char* key) { return open(key).integer(name_, {1.0, 1e12}); }
  std::int64_t integer_or(const char* key, std::int64_t fallback) {
    return section_.has(key) ? integer(key) : fallback;
  }

  // Points of a copy path; a driver that changes its ways with size may make times fall, where the path allows it.
  std::vector<TransferPoint> surface(const char* key, bool required, bool times_rise = true);
  void note(const std::string& key) { machine_.sources[section_.path_of(key)] = default_source_; }
  void finish() { section_.finish(); }

 private:
  // The section that holds the figure's value: this one, or the figure's own {value, source}.
  Section& open(const char* key) {
    const YamlNode* node = section_.node(key);
    note(key);
    name_ = key;
    if (node == nullptr || node->kind != YamlNode::Kind::map) {
      if (node != nullptr && !node->origin.empty()) machine_.sources[section_.path_of(key)] = "set by the user";
      return section_;
    }
    figure_.emplace(*node, section_.path_of(key), section_.context());
    machine_.sources[section_.path_of(key)] = figure_->text("source");
    figure_->has("value");
    figure_->finish();
    name_ = "value";
    return *figure_;
  }

  Section section_;
  MachineSpec& machine_;
  std::string default_source_;
  std::optional<Section> figure_;
  const char* name_ = "";
};

std::vector<TransferPoint> Figures::surface(const char* key, bool required, bool times_rise) {
  std::vector<TransferPoint> points;
  if (!required && !section_.has(key)) return points;
  note(key);
  for (Section& item : section_.sections(key, required)) {
    const TransferPoint point{.fragment = Bytes(item.quantity("fragment", Dimension::bytes)),
                              .count = item.number_or("count", 1.0, kPositive),
                              .rate = BytesPerSecond(item.quantity("rate", Dimension::bytes_per_second))};
    item.finish();
    if (!points.empty() && !(point.fragment > points.back().fragment)) {
      item.complain("fragment", "a larger fragment than the point before",
                    fmt::format("{} B after {} B", point.fragment.value(), points.back().fragment.value()));
    } else if (times_rise && !points.empty() &&
               point.fragment / point.rate < points.back().fragment / points.back().rate) {
      item.complain("rate", "a larger fragment to take no less time than the one before", "a shorter time");
    }
    points.push_back(point);
  }
  return points;
}

void read_peaks(Figures& figures, GpuSpec& gpu) {
  std::optional<Section> peaks = figures.section().section("peak", true);
  if (!peaks) return;
  for (int i = 0; i < kDataTypes; ++i) {
    const std::string name(to_string(static_cast<DataType>(i)));
    gpu.peak[static_cast<std::size_t>(i)] = FlopsPerSecond(peaks->quantity_or(name, Dimension::flops_per_second, 0.0));
    if (peaks->has(name)) figures.note("peak." + name);
  }
  for (const DataType needed : {DataType::fp32, DataType::bf16}) {
    if (!peaks->has(to_string(needed)))
      peaks->complain(to_string(needed), "a rate like '989 TFLOP/s'", "nothing: the key is missing");
  }
  peaks->finish();
}

void read_gpu(Figures figures, GpuSpec& gpu) {
  gpu.name = figures.section().text("name");
  gpu.sms = figures.integer("sms");
  gpu.boost_clock = Hertz(figures.quantity("boost_clock", Dimension::hertz));
  gpu.hbm_capacity = Bytes(figures.quantity("hbm_capacity", Dimension::bytes));
  gpu.hbm_bandwidth = BytesPerSecond(figures.quantity("hbm_bandwidth", Dimension::bytes_per_second));
  gpu.hbm_latency = Seconds(figures.quantity("hbm_latency", Dimension::seconds));
  gpu.l2 = Bytes(figures.quantity("l2", Dimension::bytes));
  gpu.shared_memory_per_sm = Bytes(figures.quantity("shared_memory_per_sm", Dimension::bytes));
  gpu.registers_per_sm = figures.integer("registers_per_sm");
  gpu.threads_per_sm = figures.integer("threads_per_sm");
  gpu.ctas_per_sm = figures.integer("ctas_per_sm");
  read_peaks(figures, gpu);
  figures.finish();
}

void read_link(Figures figures, LinkSpec& link) {
  const auto rate = [&](const char* key) { return BytesPerSecond(figures.quantity(key, Dimension::bytes_per_second)); };
  link.name = figures.section().text("name");
  link.h2d = rate("h2d");
  link.d2h = rate("d2h");
  link.bidirectional = rate("bidirectional");
  link.zero_copy = rate("zero_copy");
  link.pageable = rate("pageable");
  link.copy_engine_h2d = figures.surface("copy_engine_h2d", true);
  link.copy_engine_d2h = figures.surface("copy_engine_d2h", false);
  link.batched_h2d = figures.surface("batched_h2d", false, false);
  link.zero_copy_per_cta = figures.surface("zero_copy_per_cta", true);
  figures.finish();
}

void read_cpu(Figures figures, CpuSpec& cpu) {
  cpu.name = figures.section().text("name");
  cpu.sockets = figures.integer_or("sockets", 1);
  cpu.cores = figures.integer("cores");
  cpu.clock = Hertz(figures.quantity("clock", Dimension::hertz));
  cpu.flops_per_cycle_fp32 = figures.number("flops_per_cycle_fp32");
  cpu.flops_per_cycle_bf16 = figures.number("flops_per_cycle_bf16");
  cpu.dram_bandwidth = BytesPerSecond(figures.quantity("dram_bandwidth", Dimension::bytes_per_second));
  cpu.dram_capacity = Bytes(figures.quantity("dram_capacity", Dimension::bytes));
  cpu.llc = Bytes(figures.quantity("llc", Dimension::bytes));
  cpu.core_bandwidth = BytesPerSecond(figures.quantity("core_bandwidth", Dimension::bytes_per_second));
  cpu.numa_nodes = figures.integer_or("numa_nodes", 1);
  cpu.dram_measured = BytesPerSecond(figures.quantity_or("dram_measured", Dimension::bytes_per_second, 0.0));
  cpu.attention_measured = BytesPerSecond(figures.quantity_or("attention_measured", Dimension::bytes_per_second, 0.0));
  cpu.inter_socket = BytesPerSecond(figures.quantity_or("inter_socket", Dimension::bytes_per_second, 0.0));
  figures.finish();
}

void read_host(Figures figures, HostSpec& host) {
  const auto cost = [&](const char* key) { return Seconds(figures.quantity(key, Dimension::seconds)); };
  host.kernel_launch = cost("kernel_launch");
  host.copy_launch = cost("copy_launch");
  host.graph_launch = cost("graph_launch");
  host.synchronize = cost("synchronize");
  host.pool_dispatch = cost("pool_dispatch");
  host.step_overhead = cost("step_overhead");
  figures.finish();
}

// Groups of connected nodes, merged link by link; a link within a group closes a cycle.
class Connected {
 public:
  explicit Connected(std::size_t nodes) : group_(nodes) {
    for (std::size_t i = 0; i < nodes; ++i) group_[i] = i;
  }
  bool together(std::size_t a, std::size_t b) const { return group_[a] == group_[b]; }
  void join(std::size_t a, std::size_t b) {
    const std::size_t from = group_[a], to = group_[b];
    std::replace(group_.begin(), group_.end(), from, to);
  }

 private:
  std::vector<std::size_t> group_;
};

std::optional<std::size_t> index_of(const Topology& topology, const std::string& name) {
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    if (topology.nodes[i].name == name) return i;
  }
  return std::nullopt;
}

void read_topology(Section section, Topology& topology) {
  const std::vector<std::string> kinds = {"gpu", "switch", "root_port", "socket", "dram"};
  std::vector<std::string> names;
  for (Section& item : section.sections("nodes", true)) {
    topology.nodes.push_back({item.text("name"), item.choice_or("kind", "", kinds)});
    names.push_back(topology.nodes.back().name);
    item.finish();
  }
  Connected connected(topology.nodes.size());
  for (Section& item : section.sections("links", true)) {
    TopologyLink link{.from = item.text("from"),
                      .to = item.text("to"),
                      .forward = BytesPerSecond(item.quantity("forward", Dimension::bytes_per_second)),
                      .backward = BytesPerSecond(item.quantity("backward", Dimension::bytes_per_second)),
                      .both = BytesPerSecond(item.quantity_or("both", Dimension::bytes_per_second, 0.0))};
    item.finish();
    const auto from = index_of(topology, link.from), to = index_of(topology, link.to);
    if (!from) item.complain("from", "the name of a node", "'" + link.from + "'", nearest_of(link.from, names));
    if (!to) item.complain("to", "the name of a node", "'" + link.to + "'", nearest_of(link.to, names));
    if (from && to && connected.together(*from, *to))
      item.complain("to", "a tree: one route between any two nodes", "a link that closes a cycle");
    if (from && to) connected.join(*from, *to);
    topology.links.push_back(std::move(link));
  }
  section.finish();
  const auto first = [&](const char* kind) {
    return std::find_if(topology.nodes.begin(), topology.nodes.end(),
                        [&](const TopologyNode& node) { return node.kind == kind; }) -
           topology.nodes.begin();
  };
  const auto gpu = static_cast<std::size_t>(first("gpu")), dram = static_cast<std::size_t>(first("dram"));
  const std::size_t count = topology.nodes.size();
  if (gpu == count || dram == count || !connected.together(gpu, dram))
    section.complain("", "a route from a gpu to a dram node", "none");
}

}  // namespace

std::optional<MachineSpec> read_machine(const YamlNode& tree, const std::string& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  ReadContext context{file, errors};
  Section root(tree, "", context);
  MachineSpec machine;
  machine.source_file = file;
  machine.name = root.text("name");
  machine.description = root.text_or("description", "");
  machine.gpu_count = root.integer_or("gpu_count", 1, {1.0, 16.0});
  const auto figures = [&](const char* key) -> std::optional<Figures> {
    std::optional<Section> section = root.section(key, true);
    if (!section) return std::nullopt;
    return Figures(std::move(*section), machine);
  };
  if (auto gpu = figures("gpu")) read_gpu(std::move(*gpu), machine.gpu);
  if (auto link = figures("link")) read_link(std::move(*link), machine.link);
  if (auto cpu = figures("cpu")) read_cpu(std::move(*cpu), machine.cpu);
  if (auto host = figures("host")) read_host(std::move(*host), machine.host);
  if (auto topology = root.section("topology", false)) read_topology(std::move(*topology), machine.topology);
  root.finish();
  if (errors.size() != before) return std::nullopt;
  return machine;
}

std::optional<MachineSpec> read_machine(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  return read_machine(*tree, file.string(), errors);
}

}  // namespace outrider
