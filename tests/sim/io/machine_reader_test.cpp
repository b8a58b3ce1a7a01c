// A machine file becomes the figures it states, each with its source.
#include "sim/io/machine_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/io/documents.h"
#include "tests/sim/io/machine_texts.h"

namespace outrider {
namespace {

MachineSpec machine_of(const std::string& text) {
  ConfigErrors errors;
  const std::optional<YamlNode> tree = parse_yaml(text, "m.yaml", errors);
  std::optional<MachineSpec> machine = tree ? read_machine(*tree, "m.yaml", errors) : std::nullopt;
  for (const ConfigError& error : errors.all()) ADD_FAILURE() << to_string(error);
  return machine.value_or(MachineSpec{});
}

TEST(MachineReader, EveryFigureArrivesInBaseUnits) {
  const MachineSpec machine = machine_of(kMachineText);
  EXPECT_EQ(machine.name, "bench");
  EXPECT_EQ(machine.source_file, "m.yaml");
  EXPECT_EQ(machine.gpu.sms, 132);
  EXPECT_EQ(machine.gpu.hbm_capacity.value(), 80e9);
  EXPECT_EQ(machine.gpu.hbm_latency.value(), 600e-9);
  EXPECT_EQ(machine.gpu.peak[static_cast<std::size_t>(DataType::bf16)].value(), 989e12);
  EXPECT_EQ(machine.link.bidirectional.value(), 83.4e9);
  EXPECT_EQ(machine.cpu.cores, 64);
  EXPECT_EQ(machine.cpu.flops_per_cycle_bf16, 128.0);
  EXPECT_EQ(machine.host.step_overhead.value(), 50e-6);
}

TEST(MachineReader, WhatIsLeftOutHasItsDocumentedDefault) {
  const MachineSpec machine = machine_of(replaced(kMachineText, "gpu_count: 1\n", ""));
  EXPECT_EQ(machine.gpu_count, 1);
  EXPECT_EQ(machine.gpu.peak[static_cast<std::size_t>(DataType::fp8)].value(), 0.0);
  EXPECT_TRUE(machine.link.batched_h2d.empty());
  EXPECT_EQ(machine.cpu.dram_measured.value(), 0.0);
}

TEST(MachineReader, SurfacesKeepTheirPointsInOrder) {
  const LinkSpec link = machine_of(kMachineText).link;
  ASSERT_EQ(link.copy_engine_h2d.size(), 2u);
  EXPECT_EQ(link.copy_engine_h2d[0].fragment.value(), 4096.0);
  EXPECT_EQ(link.copy_engine_h2d[0].rate.value(), 1.5e9);
  EXPECT_EQ(link.copy_engine_h2d[1].fragment.value(), 4194304.0);
}

TEST(MachineReader, AFigureHasItsOwnSourceOrItsSectionsOrNone) {
  const std::map<std::string, std::string> sources = machine_of(kMachineText).sources;
  EXPECT_EQ(sources.at("gpu.hbm_latency"), "microbenchmark");
  EXPECT_EQ(sources.at("gpu.sms"), "datasheet");
  EXPECT_EQ(sources.at("gpu.peak.bf16"), "datasheet");
  EXPECT_EQ(sources.at("link.h2d"), "unstated");
  EXPECT_EQ(sources.at("link.copy_engine_h2d"), "unstated");
  EXPECT_EQ(sources.at("cpu.cores"), "lscpu");
}

TEST(MachineReader, AFigureThatTheFileLeavesOutHasNoSource) {
  EXPECT_FALSE(machine_of(kMachineText).sources.contains("cpu.dram_measured"));
}

// Else a table would print a datasheet's name beside a number that a user invented.
TEST(MachineReader, AnOverriddenFigureIsNoLongerTheDatasheets) {
  ConfigErrors errors;
  YamlNode tree = *parse_yaml(kMachineText, "m.yaml", errors);
  assign(tree, "cpu.cores", "72", errors);
  assign(tree, "gpu.hbm_latency.value", "700 ns", errors);
  const std::optional<MachineSpec> machine = read_machine(tree, "m.yaml", errors);
  ASSERT_TRUE(machine.has_value());
  EXPECT_EQ(machine->cpu.cores, 72);
  EXPECT_EQ(machine->sources.at("cpu.cores"), "set by the user");
  EXPECT_EQ(machine->gpu.hbm_latency.value(), 700e-9);
  EXPECT_EQ(machine->sources.at("gpu.hbm_latency"), "set by the user");
  EXPECT_EQ(machine->sources.at("cpu.clock"), "lscpu");
}

TEST(MachineReader, TopologyKeepsItsNodesAndLinks) {
  const Topology topology = machine_of(kMachineText).topology;
  ASSERT_EQ(topology.nodes.size(), 3u);
  EXPECT_EQ(topology.nodes[1].kind, "root_port");
  ASSERT_EQ(topology.links.size(), 2u);
  EXPECT_EQ(topology.links[0].backward.value(), 48e9);
  EXPECT_EQ(topology.links[0].both.value(), 83.4e9);
  EXPECT_EQ(topology.links[1].both.value(), 0.0);
}

TEST(MachineReader, WindowsLineEndsAreRead) {
  std::string text;
  for (const char* at = kMachineText; *at != '\0'; ++at) {
    if (*at == '\n') text += '\r';
    text += *at;
  }
  EXPECT_EQ(machine_of(text).cpu.cores, 64);
}

}  // namespace
}  // namespace outrider
