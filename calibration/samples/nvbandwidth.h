// What NVIDIA's nvbandwidth measured, from its JSON output, as samples of the copy families.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/host_facts.h"
#include "calibration/samples/sample.h"
#include "sim/io/errors.h"

namespace outrider {

// The file says neither how large the buffers were nor how often they were copied; these are nvbandwidth's defaults.
inline constexpr double kNvbandwidthBufferMib = 512.0;
inline constexpr double kNvbandwidthCopies = 16.0;
// Under this its kernels have another shape, and what a queue hides of a copy's latency counts.
inline constexpr int kLeastNvbandwidthMib = 64, kMostNvbandwidthMib = 1 << 20;

// Bytes per second of the first GPU's link, for a family.
struct NvbandwidthRate {
  std::string family;
  std::vector<std::string> tests;  // that it is from
  double bytes_per_second = 0.0;
};

struct NvbandwidthUnused {
  std::string what, reason;
};

struct NvbandwidthFile {
  std::string version;      // of nvbandwidth
  std::string gpu, driver;  // empty where the file has none
  double buffer_mib = kNvbandwidthBufferMib;
  std::vector<NvbandwidthRate> rates;
  std::vector<NvbandwidthUnused> unused;  // everything else in the file, each with the reason
};

// Strict: what differs from the layout of nvbandwidth 0.5 to 0.8 is an error with its place. `buffer_mib`: the size of
// buffers, where known; needed where the file warns that they were smaller than by default.
std::optional<NvbandwidthFile> read_nvbandwidth(const std::filesystem::path& file, std::optional<double> buffer_mib,
                                                ConfigErrors& errors);

// One sample for each rate: as many copies, one behind the other, as nvbandwidth times. Each is one figure without a
// spread: one trial, not settled. `sms`: of the GPU; the kernel that reads host memory has a CTA on each.
std::vector<Sample> samples_of(const NvbandwidthFile& file, int run, double sms);

// What runs.csv says of the run: nothing of the host, which the file does not describe.
HostFacts facts_of(const NvbandwidthFile& file);

// Those of `samples` that `present` has not. An error for each that it has with another time.
std::vector<Sample> new_samples(const std::vector<Sample>& samples, const std::vector<Sample>& present,
                                const std::filesystem::path& file, ConfigErrors& errors);

// Appends to samples.csv and runs.csv of the folder, each whole or not at all. Throws std::runtime_error where that
// fails.
void add_import(const std::filesystem::path& folder, const std::vector<Sample>& samples, const NvbandwidthFile& file,
                const std::string& date);

}  // namespace outrider
