// Reading and checking of machine files.
#include "sim/io/machine_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/io/figures.h"
#include "sim/io/topology_reader.h"

namespace outrider {
namespace {

constexpr Dimension kBytes = Dimension::bytes;
constexpr Dimension kRate = Dimension::bytes_per_second;
constexpr Dimension kFlopRate = Dimension::flops_per_second;
constexpr Dimension kTime = Dimension::seconds;
constexpr Dimension kClock = Dimension::hertz;

void read_peaks(Figures figures, GpuSpec& gpu) {
  for (int i = 0; i < kDataTypes; ++i) {
    const auto type = static_cast<DataType>(i);
    const bool needed = type == DataType::fp32 || type == DataType::bf16;
    const double peak =
        needed ? figures.quantity(to_string(type), kFlopRate) : figures.quantity_or(to_string(type), kFlopRate, 0.0);
    gpu.peak[static_cast<std::size_t>(i)] = FlopsPerSecond(peak);
  }
  figures.finish();
}

void read_gpu(Figures figures, GpuSpec& gpu) {
  gpu.name = figures.section().text("name");
  gpu.sms = figures.integer({"sms", "streaming multiprocessors"});
  gpu.hbm_capacity = Bytes(figures.quantity("hbm_capacity", kBytes));
  gpu.hbm_bandwidth = BytesPerSecond(figures.quantity({"hbm_bandwidth", "datasheet peak"}, kRate));
  gpu.hbm_latency = Seconds(figures.quantity({"hbm_latency", "load to use, unloaded"}, kTime));
  gpu.l2 = Bytes(figures.quantity({"l2", "size of the L2 cache"}, kBytes));
  gpu.shared_memory_per_sm = Bytes(figures.quantity("shared_memory_per_sm", kBytes));
  gpu.registers_per_sm = figures.integer({"registers_per_sm", "of 32 bits"});
  gpu.threads_per_sm = figures.integer("threads_per_sm");
  gpu.ctas_per_sm = figures.integer({"ctas_per_sm", "the hardware's limit"});
  constexpr const char* kPeakMeaning = "dense arithmetic by type; left out where the GPU has no such unit";
  if (auto peaks = figures.within({"peak", kPeakMeaning}, true)) read_peaks(std::move(*peaks), gpu);
  figures.finish();
}

// Both directions at once cannot be slower than one, nor faster than both apart.
void check_directions(Figures& figures, const LinkSpec& link) {
  const BytesPerSecond least = std::max(link.h2d, link.d2h), most = link.h2d + link.d2h;
  if (link.bidirectional >= least && link.bidirectional <= most) return;
  const auto shown = [](BytesPerSecond rate) { return format_quantity(rate.value(), kRate); };
  if (figures.section().has("h2d") && figures.section().has("d2h") && figures.section().has("bidirectional")) {
    figures.section().complain("bidirectional",
                               fmt::format("from {} (one direction) to {} (both apart)", shown(least), shown(most)),
                               shown(link.bidirectional));
  }
}

// Large copies go at the sustained rate: a surface that ends elsewhere belongs to another link.
void check_surface(Figures& figures, const char* key, const std::vector<TransferPoint>& points, BytesPerSecond rate) {
  constexpr double kNear = 0.2;
  if (points.empty() || std::abs(points.back().rate / rate - 1.0) <= kNear) return;
  const auto shown = [](BytesPerSecond each) { return format_quantity(each.value(), kRate); };
  figures.section().complain(key, fmt::format("the rate at its largest fragment within 20 % of {}", shown(rate)),
                             shown(points.back().rate));
}

void read_link(Figures figures, LinkSpec& link) {
  const auto rate = [&](Key key) { return BytesPerSecond(figures.quantity(key, kRate)); };
  const std::size_t before = figures.section().context().errors.size();
  link.name = figures.section().text({"name", "such as PCIe 5 x16"});
  link.h2d = rate({"h2d", "large copies to the GPU, sustained"});
  link.d2h = rate({"d2h", "large copies from the GPU, sustained"});
  link.bidirectional = rate({"bidirectional", "both directions at once, summed"});
  link.zero_copy = rate({"zero_copy", "SM loads from pinned memory, all CTAs"});
  link.pageable = rate({"pageable", "copies from pageable memory, staged by the host thread"});
  link.copy_engine_h2d = figures.surface({"copy_engine_h2d", "one cudaMemcpyAsync per fragment"}, {});
  link.copy_engine_d2h =
      figures.surface({"copy_engine_d2h", "as copy_engine_h2d where not given"}, {.required = false});
  link.batched_h2d = figures.surface({"batched_h2d", "cuMemcpyBatchAsync"}, {.required = false, .times_rise = false});
  link.zero_copy_per_cta = figures.surface({"zero_copy_per_cta", "one CTA's loads, by fragment size"}, {});
  if (figures.section().context().errors.size() == before) {
    check_directions(figures, link);
    check_surface(figures, "copy_engine_h2d", link.copy_engine_h2d, link.h2d);
    check_surface(figures, "copy_engine_d2h", link.copy_engine_d2h, link.d2h);
  }
  figures.finish();
}

void read_cpu(Figures figures, CpuSpec& cpu) {
  const auto rate_or_none = [&](Key key) { return BytesPerSecond(figures.quantity_or(key, kRate, 0.0)); };
  cpu.name = figures.section().text("name");
  cpu.sockets = figures.integer_or("sockets", 1);
  cpu.cores = figures.integer({"cores", "of all sockets, as visible to the process"});
  cpu.clock = Hertz(figures.quantity({"clock", "all cores under vector load, sustained"}, kClock));
  cpu.flops_per_cycle_bf16 = figures.number(
      {"flops_per_cycle_bf16", "of attention in bf16 per core; fp32's where there are no bf16 instructions"});
  cpu.dram_bandwidth = BytesPerSecond(figures.quantity({"dram_bandwidth", "all sockets, datasheet peak"}, kRate));
  cpu.dram_capacity = Bytes(figures.quantity("dram_capacity", kBytes));
  cpu.core_bandwidth =
      BytesPerSecond(figures.quantity({"core_bandwidth", "one core streaming from local DRAM"}, kRate));
  cpu.inter_socket = rate_or_none({"inter_socket", "UPI or xGMI, each way"});
  cpu.dram_measured = rate_or_none({"dram_measured", "measured_cores reading, where it was measured"});
  cpu.attention_measured = rate_or_none(
      {"attention_measured", "KV bytes per second of decode attention on measured_cores, where it was measured"});
  const bool measured = figures.section().has("dram_measured") || figures.section().has("attention_measured");
  const Key cores_key = {"measured_cores", "cores that took part in dram_measured and attention_measured"};
  cpu.measured_cores = measured ? figures.integer(cores_key) : figures.integer_or(cores_key, 0);
  if (cpu.cores < cpu.sockets)
    figures.section().complain("cores", fmt::format("at least one for each of {} sockets", cpu.sockets),
                               fmt::format("{}", cpu.cores));
  figures.finish();
}

void read_host(Figures figures, HostSpec& host) {
  const auto cost = [&](Key key) { return Seconds(figures.quantity(key, kTime)); };
  host.kernel_launch = cost({"kernel_launch", "host time per eager kernel launch"});
  host.copy_launch = cost({"copy_launch", "host time per cudaMemcpyAsync call"});
  host.graph_launch = cost({"graph_launch", "host time to launch a captured CUDA graph"});
  host.synchronize = cost({"synchronize", "from the last GPU operation's end to the host thread running on"});
  host.pool_dispatch = cost({"pool_dispatch", "host time to hand a parallel-for to the CPU pool"});
  host.step_overhead = cost({"step_overhead", "scheduling and sampling per decode step"});
  figures.finish();
}

}  // namespace

std::optional<MachineSpec> read_machine(Section root) {
  const std::size_t before = root.context().errors.size();
  MachineSpec machine;
  machine.source_file = root.context().file;
  machine.name = root.text("name");
  machine.description = root.text_or("description", "");
  machine.gpu_count = root.integer_or(
      {"gpu_count", "GPUs of this kind, each with a copy of the model and a batch of its own; 1 where not given"}, 1,
      {1.0, 16.0});
  const auto figures = [&](const char* key) -> std::optional<Figures> {
    std::optional<Section> section = root.section(key, true);
    if (!section) return std::nullopt;
    return Figures(std::move(*section), key, machine.sources);
  };
  if (auto gpu = figures("gpu")) read_gpu(std::move(*gpu), machine.gpu);
  if (auto link = figures("link")) read_link(std::move(*link), machine.link);
  if (auto cpu = figures("cpu")) read_cpu(std::move(*cpu), machine.cpu);
  if (auto host = figures("host")) read_host(std::move(*host), machine.host);
  if (auto topology = root.section({"topology", "without it, each GPU has a root port of its own"}, false)) {
    machine.topology = read_topology(std::move(*topology), machine.gpu_count);
  }
  root.finish();
  if (root.context().errors.size() != before) return std::nullopt;
  return machine;
}

std::optional<MachineSpec> read_machine(const YamlNode& tree, const std::string& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  ReadContext context{file, errors};
  std::optional<MachineSpec> machine = read_machine(Section(tree, "", context));
  return errors.size() == before ? machine : std::nullopt;
}

std::optional<MachineSpec> read_machine(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  return read_machine(*tree, file.string(), errors);
}

}  // namespace outrider
