// Mistakes in machine files, each with its place and what was expected instead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/check.h"
#include "sim/io/machine_reader.h"
#include "tests/sim/io/config_messages.h"

namespace outrider {
namespace {

const char* const kMachineText =
    "name: m\n"  // 1
    "gpu_count: 1\n"
    "gpu:\n"
    "  source: datasheet\n"
    "  name: G\n"  // 5
    "  sms: 132\n"
    "  shared_memory_per_sm: 228 KiB\n"
    "  hbm_capacity: 141 GB\n"
    "  hbm_bandwidth: {value: 4800 GB/s, source: measured}\n"
    "  hbm_latency: 600 ns\n"  // 10
    "  registers_per_sm: 65536\n"
    "  l2: 60 MiB\n"
    "  threads_per_sm: 2048\n"
    "  ctas_per_sm: 32\n"
    "  peak: {fp32: 67 TFLOP/s, bf16: 989 TFLOP/s}\n"  // 15
    "link:\n"
    "  name: PCIe\n"
    "  h2d: 50 GB/s\n"
    "  d2h: 55 GB/s\n"
    "  bidirectional: 90 GB/s\n"  // 20
    "  zero_copy: 51 GB/s\n"
    "  pageable: 6.2 GB/s\n"
    "  copy_engine_h2d:\n"
    "    - {fragment: 4 KiB, rate: 1.5 GB/s}\n"
    "    - {fragment: 1 MiB, rate: 48 GB/s}\n"  // 25
    "  zero_copy_per_cta: [{fragment: 2 KiB, rate: 1.1 GB/s}]\n"
    "cpu:\n"
    "  name: C\n"
    "  cores: 16\n"
    "  clock: 2.6 GHz\n"  // 30
    "  flops_per_cycle_bf16: 128\n"
    "  dram_bandwidth: 307.2 GB/s\n"
    "  dram_capacity: 128 GiB\n"
    "  core_bandwidth: 11.2 GB/s\n"
    "host:\n"  // 35
    "  kernel_launch: 4.16 us\n"
    "  copy_launch: 2.5 us\n"
    "  graph_launch: 8 us\n"
    "  synchronize: 5.4 us\n"
    "  pool_dispatch: 3 us\n"  // 40
    "  step_overhead: 50 us\n";

// A mistake made by putting `to` where `from` is, or behind the text where `from` is empty.
struct BadCase {
  const char* name;
  std::string from, to;
  std::vector<std::string> messages;  // parts of what is reported, in order; nothing else may be
};

void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

std::string edited(const std::string& text, const BadCase& bad) {
  if (bad.from.empty()) return text + bad.to;
  const std::size_t at = text.find(bad.from);
  CHECK(at != std::string::npos, "case {}: '{}' is not in the text", bad.name, bad.from);
  return text.substr(0, at) + bad.to + text.substr(at + bad.from.size());
}

class MachineMistakes : public testing::TestWithParam<BadCase> {};

TEST_P(MachineMistakes, IsRefusedWithThesePlacesAndWords) {
  ConfigErrors errors;
  const auto tree = parse_yaml(edited(kMachineText, GetParam()), "m.yaml", errors);
  if (tree) { EXPECT_FALSE(read_machine(*tree, "m.yaml", errors).has_value()); }
  std::vector<testing::Matcher<std::string>> parts;
  for (const std::string& part : GetParam().messages) parts.emplace_back(testing::HasSubstr(part));
  EXPECT_THAT(messages(errors), testing::ElementsAreArray(parts));
}

std::string name_of(const testing::TestParamInfo<BadCase>& info) { return info.param.name; }

const BadCase kValues[] = {
    {"MissingUnit",
     "hbm_capacity: 141 GB",
     "hbm_capacity: 141",
     {"m.yaml:8:17: gpu.hbm_capacity: expected a quantity like '32 GiB' above 0, got '141'"}},
    {"MissingBlank",
     "shared_memory_per_sm: 228 KiB",
     "shared_memory_per_sm: 228KiB",
     {"m.yaml:7:25: gpu.shared_memory_per_sm: expected a quantity like '32 GiB' above 0"}},
    {"WrongUnit", "h2d: 50 GB/s", "h2d: 50 GB", {"m.yaml:18:8: link.h2d: expected a quantity like '25 GB/s' above 0"}},
    {"BitsAreNoUnit", "h2d: 50 GB/s", "h2d: 400 Gb/s", {"link.h2d: expected a quantity like '25 GB/s'"}},
    {"NegativeSize",
     "shared_memory_per_sm: 228 KiB",
     "shared_memory_per_sm: -228 KiB",
     {"m.yaml:7:25: gpu.shared_memory_per_sm: expected a quantity like '32 GiB' above 0"}},
    {"ZeroCapacity", "141 GB", "0 GB", {"gpu.hbm_capacity: expected a quantity like '32 GiB' above 0, got '0 GB'"}},
    {"ZeroCores", "cores: 16", "cores: 0", {"m.yaml:29:10: cpu.cores: expected an integer from 1 to"}},
    {"HalfACore", "cores: 16", "cores: 1.5", {"m.yaml:29:10: cpu.cores: expected an integer"}},
    {"FewerCoresThanSockets",
     "cores: 16",
     "cores: 1\n  sockets: 2",
     {"m.yaml:29:10: cpu.cores: expected at least one for each of 2 sockets, got 1"}},
    {"Octal",
     "cores: 16",
     "cores: 010",
     {
         "m.yaml:29:10: cpu.cores: expected an integer from 1 to",
     }},
    {"Hexadecimal", "cores: 16", "cores: 0x10", {"cpu.cores: expected an integer"}},
    {"QuotedNumber",
     "cores: 16",
     "cores: \"16\"",
     {"cpu.cores: expected an integer from 1 to 1000000000000, got the quoted text \"16\""}},
    {"NotANumber",
     "flops_per_cycle_bf16: 128",
     "flops_per_cycle_bf16: .nan",
     {"cpu.flops_per_cycle_bf16: expected a number above 0, got '.nan'"}},
    {"Infinity",
     "flops_per_cycle_bf16: 128",
     "flops_per_cycle_bf16: .inf",
     {"cpu.flops_per_cycle_bf16: expected a number above 0, got '.inf'"}},
    {"InfiniteQuantity", "h2d: 50 GB/s", "h2d: inf GB/s", {"link.h2d: expected a quantity"}},
    {"OverflowingQuantity", "h2d: 50 GB/s", "h2d: 1e308 GB/s", {"link.h2d: expected a quantity"}},
    {"ListForAFigure",
     "shared_memory_per_sm: 228 KiB",
     "shared_memory_per_sm: [228 KiB]",
     {"m.yaml:7:25: gpu.shared_memory_per_sm: expected a quantity like '32 GiB' above 0, got a list"}},
    {"NothingForAFigure",
     "shared_memory_per_sm: 228 KiB",
     "shared_memory_per_sm:",
     {"gpu.shared_memory_per_sm: expected a quantity like '32 GiB' above 0, got nothing"}},
    {"FigureWithoutSource",
     ", source: measured",
     "",
     {"m.yaml:9:3: gpu.hbm_bandwidth.source: expected a text, got nothing: the key is missing"}},
    {"FigureWithUnknownKey",
     "source: measured",
     "sourc: measured",
     {"m.yaml:9:3: gpu.hbm_bandwidth.source: expected a text",
      "m.yaml:9:37: gpu.hbm_bandwidth.sourc: expected a known key, got 'sourc', did you mean source?"}},
    {"TooManyGpus",
     "gpu_count: 1",
     "gpu_count: 17",
     {"m.yaml:2:12: gpu_count: expected an integer from 1 to 16, got '17'"}},
};
INSTANTIATE_TEST_SUITE_P(Values, MachineMistakes, testing::ValuesIn(kValues), name_of);

const BadCase kStructures[] = {
    {"UnknownKey",
     "  sms: 132\n",
     "  sms: 132\n  smss: 1\n",
     {"m.yaml:7:3: gpu.smss: expected a known key, got 'smss', did you mean sms?"}},
    {"MissingKey",
     "  sms: 132\n",
     "",
     {"m.yaml:3:1: gpu.sms: expected an integer from 1 to 1000000000000, got nothing: the key is missing"}},
    {"MissingSection",
     "host:\n",
     "hsot:\n",
     {"m.yaml:1:1: host: expected a mapping, got nothing: the key is missing",
      "m.yaml:35:1: hsot: expected a known key, got 'hsot', did you mean host?"}},
    {"DuplicateKey",
     "  sms: 132\n",
     "  sms: 132\n  sms: 144\n",
     {"m.yaml:7:3: gpu.sms: expected each key once, got it again, after line 6"}},
    {"SectionThatIsAText",
     "link:\n  name: PCIe\n",
     "link: PCIe\nlimk:\n  name: PCIe\n",
     {"m.yaml:16:7: link: expected a mapping, got 'PCIe'", "m.yaml:17:1: limk: expected a known key"}},
    {"MissingPeak",
     ", bf16: 989 TFLOP/s",
     "",
     {"m.yaml:15:3: gpu.peak.bf16: expected a quantity like '989 TFLOP/s' above 0, got nothing"}},
    {"UnknownPeak",
     "bf16: 989 TFLOP/s",
     "bf16: 989 TFLOP/s, bf17: 1 TFLOP/s",
     {"m.yaml:15:47: gpu.peak.bf17: expected a known key, got 'bf17', did you mean bf16?"}},
    {"EmptySurface",
     "zero_copy_per_cta: [{fragment: 2 KiB, rate: 1.1 GB/s}]",
     "zero_copy_per_cta: []",
     {"m.yaml:26:22: link.zero_copy_per_cta: expected a list of mappings, got an empty list"}},
    {"SurfaceOfNumbers",
     "[{fragment: 2 KiB, rate: 1.1 GB/s}]",
     "[1, 2]",
     {"m.yaml:26:23: link.zero_copy_per_cta[0]: expected a mapping, got '1'",
      "m.yaml:26:26: link.zero_copy_per_cta[1]: expected a mapping, got '2'"}},
    {"FragmentsFall",
     "fragment: 1 MiB",
     "fragment: 2 KiB",
     {"m.yaml:25:18: link.copy_engine_h2d[1].fragment: expected more than the 4 KiB of the point before, got 2 KiB"}},
    {"ASurfaceOfAnotherLink",
     "1 MiB, rate: 48 GB/s",
     "1 MiB, rate: 30 GB/s",
     {"link.copy_engine_h2d: expected the rate at its largest fragment within 20 % of 50 GB/s, got 30 GB/s"}},
    {"TimesFall",
     "1 MiB, rate: 48 GB/s",
     "1 MiB, rate: 4800 GB/s",
     {"m.yaml:25:31: link.copy_engine_h2d[1].rate: expected a larger fragment to take no less time"}},
    {"BothDirectionsFasterThanTheirSum",
     "bidirectional: 90",
     "bidirectional: 106",
     {"m.yaml:20:18: link.bidirectional: expected from 55 GB/s (one direction) to 105 GB/s (both apart), got 106 "
      "GB/s"}},
    {"BothDirectionsSlowerThanOne",
     "bidirectional: 90",
     "bidirectional: 54",
     {"link.bidirectional: expected from 55 GB/s"}},
};
INSTANTIATE_TEST_SUITE_P(Structures, MachineMistakes, testing::ValuesIn(kStructures), name_of);

// Of a topology put behind the machine, at line 45: nodes on line 47, links from line 49.
std::string topology(const std::string& nodes, const std::string& links) {
  return "topology:\n  nodes:\n    [" + nodes + "]\n  links:\n    [" + links + "]\n";
}
std::string link(const std::string& from, const std::string& to) {
  return "{from: " + from + ", to: " + to + ", forward: 50 GB/s, backward: 50 GB/s}";
}
const std::string kNodes = "{name: g, kind: gpu}, {name: p, kind: root_port}, {name: d, kind: dram}";

const BadCase kTopologies[] = {
    {"UnknownNode",
     "",
     topology(kNodes, link("g", "p") + ", " + link("p", "dd")),
     {"m.yaml:46:75: topology.links[1].to: expected the name of a node, got 'dd'"}},
    {"Cycle",
     "",
     topology(kNodes, link("g", "p") + ", " + link("p", "d") + ", " + link("d", "g")),
     {"topology.links[2].to: expected one route between any two nodes, got a link that closes a cycle"}},
    {"TwoLinksBetweenTheSameNodes",
     "",
     topology(kNodes, link("g", "p") + ", " + link("p", "d") + ", " + link("p", "g")),
     {"topology.links[2].to: expected one route"}},
    {"LinkToItself",
     "",
     topology(kNodes, link("g", "p") + ", " + link("p", "d") + ", " + link("p", "p")),
     {"topology.links[2].to: expected one route"}},
    {"NoRouteToMemory",
     "",
     topology(kNodes, link("g", "p")),
     {"topology.links: expected a route from 'g' to 'd', got none"}},
    {"NoMemory",
     "",
     topology("{name: g, kind: gpu}, {name: p, kind: switch}", link("g", "p")),
     {"topology.nodes: expected a dram node, got none"}},
    {"FewerGpusThanCounted",
     "gpu_count: 1\n",
     "gpu_count: 2\n" + topology(kNodes, link("g", "p") + ", " + link("p", "d")),
     {"topology.nodes: expected as many gpu nodes as gpu_count, 2, got 1"}},
    {"UnknownKind",
     "",
     topology("{name: g, kind: gpu}, {name: p, kind: swich}, {name: d, kind: dram}",
              link("g", "p") + ", " + link("p", "d")),
     {"topology.nodes[1].kind: expected one of gpu, switch, root_port, socket, dram, got 'swich', did you mean "
      "switch?"}},
    {"TwoNodesOfOneName",
     "",
     topology("{name: g, kind: gpu}, {name: d, kind: dram}, {name: d, kind: socket}", link("g", "d")),
     {"topology.nodes[2].name: expected a name of its own, got 'd' again"}},
};
INSTANTIATE_TEST_SUITE_P(Topologies, MachineMistakes, testing::ValuesIn(kTopologies), name_of);

}  // namespace
}  // namespace outrider
