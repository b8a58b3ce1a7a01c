// Writing of YAML, in the order in which the readers document it.
#include "calibration/fit/yaml_files.h"

#include <fmt/format.h>

#include <iterator>

#include "hwmodels/coefficients.h"
#include "sim/base/check.h"
#include "sim/io/quantities.h"

namespace outrider {
namespace {

// Double-quoted, so that any text is read back as it was.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter == '\n' ? ' ' : letter;
  }
  return result + "\"";
}

std::string schema_line(const std::string& schemas, const char* kind) {
  if (schemas.empty()) return {};
  return fmt::format("# yaml-language-server: $schema={}/{}.schema.json\n", schemas, kind);
}

std::string text_line(const char* key, const std::string& text) {
  return text.empty() ? std::string() : fmt::format("  {}: {}\n", key, quoted(text));
}

std::string fit_yaml(const FitRecord& fit) {
  std::string text = "fit:\n" + text_line("program", fit.program) + text_line("date", fit.date) +
                     text_line("cpu", fit.cpu) + text_line("cpu_flags", fit.cpu_flags) + text_line("gpu", fit.gpu) +
                     text_line("driver", fit.driver) + text_line("clocks", fit.clocks);
  text += fmt::format("  samples: {}\n  refused: {}\n{}", fit.samples, fit.refused,
                      fit.residuals.empty() ? "" : "  residuals:\n");
  for (const FamilyResiduals& each : fit.residuals) {
    text += fmt::format(
        "    - {{family: {}, samples: {}, median: {:.4g}, p90: {:.4g}, held_out_median: {:.4g}, held_out_p90: {:.4g}, "
        "worst: {:.4g}, worst_shape: {}}}\n",
        each.family, each.samples, each.median, each.p90, each.held_out_median, each.held_out_p90, each.worst,
        quoted(each.worst_shape));
  }
  if (!fit.ranges.empty()) text += "  ranges:\n";
  for (const SizeRange& each : fit.ranges) {
    text += fmt::format("    - {{family: {}, size: {}, low: {:.6g}, high: {:.6g}}}\n", each.family, each.size, each.low,
                        each.high);
  }
  return text;
}

// Figures of a section, each with its source where it has one.
class FigureLines {
 public:
  FigureLines(const MachineSpec& machine, std::string section) : machine_(machine), section_(std::move(section)) {
    text_ = section_ + ":\n";
  }

  // `path` from the section on: "sms", "peak.bf16".
  void figure(const std::string& path, const std::string& value) {
    const std::size_t dot = path.find('.');
    const std::string indent = dot == std::string::npos ? "  " : "    ";
    const std::string key = dot == std::string::npos ? path : path.substr(dot + 1);
    const auto source = machine_.sources.find(section_ + "." + path);
    const bool stated = source != machine_.sources.end();
    text_ += indent + key + ": " +
             (stated ? fmt::format("{{value: {}, source: {}}}", value, quoted(source->second)) : value);
    text_ += "\n";
  }
  void quantity(const char* key, double value, Dimension dimension) { figure(key, format_quantity(value, dimension)); }
  void number(const char* key, double value) { figure(key, fmt::format("{}", value)); }
  void name(const std::string& value) { text_ += fmt::format("  name: {}\n", quoted(value)); }
  void rate_if(const char* key, BytesPerSecond rate) {
    if (rate > BytesPerSecond(0.0)) quantity(key, rate.value(), Dimension::bytes_per_second);
  }
  void points(const char* key, const std::vector<TransferPoint>& points) {
    if (points.empty()) return;
    text_ += fmt::format("  {}:\n", key);
    for (const TransferPoint& point : points) {
      text_ +=
          fmt::format("    - {{fragment: {}, rate: {}}}\n", format_quantity(point.fragment.value(), Dimension::bytes),
                      format_quantity(point.rate.value(), Dimension::bytes_per_second));
    }
  }
  // Lists carry no source of their own: theirs is the section's.
  void sources_of(std::initializer_list<const char*> lists) {
    std::string all;
    for (const char* key : lists) {
      const auto source = machine_.sources.find(section_ + "." + key);
      if (source != machine_.sources.end() && all.find(source->second) == std::string::npos)
        all += (all.empty() ? "" : "; ") + source->second;
    }
    if (!all.empty()) line("source: " + quoted(all));
  }
  void line(const std::string& text) { text_ += "  " + text + "\n"; }
  const std::string& text() const { return text_; }

 private:
  const MachineSpec& machine_;
  std::string section_, text_;
};

std::string gpu_yaml(const MachineSpec& machine) {
  const GpuSpec& gpu = machine.gpu;
  FigureLines lines(machine, "gpu");
  lines.name(gpu.name);
  lines.number("sms", static_cast<double>(gpu.sms));
  lines.quantity("hbm_capacity", gpu.hbm_capacity.value(), Dimension::bytes);
  lines.quantity("hbm_bandwidth", gpu.hbm_bandwidth.value(), Dimension::bytes_per_second);
  lines.quantity("hbm_latency", gpu.hbm_latency.value(), Dimension::seconds);
  lines.quantity("l2", gpu.l2.value(), Dimension::bytes);
  lines.quantity("shared_memory_per_sm", gpu.shared_memory_per_sm.value(), Dimension::bytes);
  lines.number("registers_per_sm", static_cast<double>(gpu.registers_per_sm));
  lines.number("threads_per_sm", static_cast<double>(gpu.threads_per_sm));
  lines.number("ctas_per_sm", static_cast<double>(gpu.ctas_per_sm));
  lines.line("peak:");
  for (int i = 0; i < kDataTypes; ++i) {
    const auto type = static_cast<DataType>(i);
    const double peak = gpu.peak[static_cast<std::size_t>(i)].value();
    if (peak > 0.0)
      lines.figure(fmt::format("peak.{}", to_string(type)), format_quantity(peak, Dimension::flops_per_second));
  }
  return lines.text();
}

std::string link_yaml(const MachineSpec& machine) {
  const LinkSpec& link = machine.link;
  FigureLines lines(machine, "link");
  lines.sources_of({"copy_engine_h2d", "copy_engine_d2h", "batched_h2d", "zero_copy_per_cta"});
  lines.name(link.name);
  lines.rate_if("h2d", link.h2d);
  lines.rate_if("d2h", link.d2h);
  lines.rate_if("bidirectional", link.bidirectional);
  lines.rate_if("zero_copy", link.zero_copy);
  lines.rate_if("pageable", link.pageable);
  lines.points("copy_engine_h2d", link.copy_engine_h2d);
  lines.points("copy_engine_d2h", link.copy_engine_d2h);
  lines.points("batched_h2d", link.batched_h2d);
  lines.points("zero_copy_per_cta", link.zero_copy_per_cta);
  return lines.text();
}

std::string cpu_yaml(const MachineSpec& machine) {
  const CpuSpec& cpu = machine.cpu;
  FigureLines lines(machine, "cpu");
  lines.name(cpu.name);
  if (cpu.sockets > 1) lines.number("sockets", static_cast<double>(cpu.sockets));
  lines.number("cores", static_cast<double>(cpu.cores));
  lines.quantity("clock", cpu.clock.value(), Dimension::hertz);
  lines.number("flops_per_cycle_bf16", cpu.flops_per_cycle_bf16);
  lines.rate_if("dram_bandwidth", cpu.dram_bandwidth);
  lines.quantity("dram_capacity", cpu.dram_capacity.value(), Dimension::bytes);
  lines.rate_if("core_bandwidth", cpu.core_bandwidth);
  lines.rate_if("inter_socket", cpu.inter_socket);
  if (cpu.measured_cores > 0) lines.number("measured_cores", static_cast<double>(cpu.measured_cores));
  lines.rate_if("dram_measured", cpu.dram_measured);
  lines.rate_if("attention_measured", cpu.attention_measured);
  return lines.text();
}

std::string host_yaml(const MachineSpec& machine) {
  const HostSpec& host = machine.host;
  FigureLines lines(machine, "host");
  lines.quantity("kernel_launch", host.kernel_launch.value(), Dimension::seconds);
  lines.quantity("copy_launch", host.copy_launch.value(), Dimension::seconds);
  lines.quantity("graph_launch", host.graph_launch.value(), Dimension::seconds);
  lines.quantity("synchronize", host.synchronize.value(), Dimension::seconds);
  lines.quantity("pool_dispatch", host.pool_dispatch.value(), Dimension::seconds);
  lines.quantity("step_overhead", host.step_overhead.value(), Dimension::seconds);
  return lines.text();
}

}  // namespace

std::string profile_yaml(const Profile& profile, const std::string& schemas) {
  std::string text = schema_line(schemas, "profile");
  text += fmt::format("name: {}\nkind: {}\n", quoted(profile.name), to_string(profile.kind));
  if (!profile.machine.empty()) text += fmt::format("machine: {}\n", quoted(profile.machine));
  if (!profile.note.empty()) text += fmt::format("note: {}\n", quoted(profile.note));
  if (profile.fit) text += "\n" + fit_yaml(*profile.fit);
  text += "\ncoefficients:\n";
  for (const CoefficientInfo& info : coefficient_table()) {
    const Coefficient& each = profile.coefficients.at(std::string(info.name));
    text += fmt::format("  {}: {{value: {:.6g}, low: {:.6g}, high: {:.6g}, source: {}}}\n", info.name, each.value,
                        each.low, each.high, quoted(each.source));
  }
  return text;
}

std::string machine_yaml(const MachineSpec& machine, const std::string& schemas) {
  CHECK(machine.topology.nodes.empty(), "machine {} has a topology, which is not written", machine.name);
  return schema_line(schemas, "machine") + fmt::format("name: {}\n", machine.name) +
         (machine.description.empty() ? "" : fmt::format("description: {}\n", quoted(machine.description))) +
         (machine.gpu_count > 1 ? fmt::format("gpu_count: {}\n", machine.gpu_count) : "") + "\n" + gpu_yaml(machine) +
         "\n" + link_yaml(machine) + "\n" + cpu_yaml(machine) + "\n" + host_yaml(machine);
}

}  // namespace outrider
