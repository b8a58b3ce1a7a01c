// Reading of nvbandwidth's JSON: its header, its test cases, and which of them the families have a place for.
#include "calibration/samples/nvbandwidth.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string_view>

#include "calibration/samples/run_log.h"
#include "sim/io/atomic_file.h"
#include "sim/io/json_text.h"

namespace outrider {
namespace {

using nlohmann::json;

constexpr double kMib = 1048576.0;

// Tests with a family. nvbandwidth times the named direction alone while the other one is busy all along, so that both
// tests of both directions make one figure.
constexpr std::string_view kBothFromHost = "host_to_device_bidirectional_memcpy_ce";
constexpr std::string_view kBothToHost = "device_to_host_bidirectional_memcpy_ce";
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTests = {{
    {"host_to_device_memcpy_ce", "copy_h2d"},
    {"device_to_host_memcpy_ce", "copy_d2h"},
    {kBothFromHost, "copy_both"},
    {kBothToHost, "copy_both"},
    {"host_to_device_memcpy_sm", "gather_h2d"},
}};

// Tests without one, by the beginnings of their names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kWithoutFamily = {{
    {"device_to_host_memcpy_sm", "no family measures what kernels write to host memory"},
    {"host_to_device_bidirectional_memcpy_sm", "no family measures kernels that copy both ways"},
    {"device_to_host_bidirectional_memcpy_sm", "no family measures kernels that copy both ways"},
    {"device_to_device_", "it copies between GPUs, and one is simulated"},
    {"all_to_one_", "it copies between GPUs, and one is simulated"},
    {"one_to_all_", "it copies between GPUs, and one is simulated"},
    {"all_to_host_", "it copies for all GPUs at once, and one is simulated"},
    {"host_to_all_", "it copies for all GPUs at once, and one is simulated"},
    {"multinode_", "it copies between hosts, and one is simulated"},
    {"host_device_latency_sm", "no family measures the latency of single loads"},
    {"device_local_copy", "no family measures copies within device memory"},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNotPassed = {{
    {"Waived", "nvbandwidth waived it"},
    {"Error", "it failed"},
    {"ERROR", "it failed"},  // for names that nvbandwidth does not know
    {"Not Found", "nvbandwidth did not find it"},
    {"Running", "it did not end"},
}};

constexpr std::string_view kSmallBuffers = "smaller than the default buffer size";

std::string shown(const json& value) { return shortened(value.dump(-1, ' ', false, json::error_handler_t::replace)); }

class Reader {
 public:
  Reader(const JsonText& text, std::optional<double> buffer_mib, ConfigErrors& errors)
      : text_(text), buffer_known_(buffer_mib.has_value()), errors_(errors) {
    result_.buffer_mib = buffer_mib.value_or(kNvbandwidthBufferMib);
  }

  std::optional<NvbandwidthFile> read() {
    const std::size_t before = errors_.size();
    const json* root = member(text_.root, "", "nvbandwidth", json::value_t::object, true);
    // An early end of nvbandwidth leaves an empty list beside its object.
    if (root != nullptr) list_unknown(text_.root, "", {"nvbandwidth", "testcases"});
    if (root != nullptr) read_header(*root);
    const json* tests =
        root == nullptr ? nullptr : member(*root, "nvbandwidth", "testcases", json::value_t::array, true);
    for (std::size_t i = 0; tests != nullptr && i < tests->size(); ++i)
      read_test((*tests)[i], fmt::format("nvbandwidth.testcases[{}]", i));
    if (errors_.size() != before) return std::nullopt;
    pair_directions();
    return std::move(result_);
  }

 private:
  void error(const std::string& path, std::string expected, std::string got) {
    const TextPosition at = text_.position_of(path);
    errors_.add({text_.file, at.line, at.column, path, std::move(expected), std::move(got)});
  }

  static std::string_view name_of(json::value_t type) {
    switch (type) {
      case json::value_t::object:
        return "an object";
      case json::value_t::array:
        return "an array";
      case json::value_t::string:
        return "text";
      default:
        return "a whole number";
    }
  }

  // Null where it is missing or of another type.
  const json* member(const json& object, const std::string& path, const std::string& key, json::value_t type,
                     bool required) {
    const auto found = object.find(key);
    const std::string whole = path.empty() ? key : path + "." + key;
    if (found == object.end()) {
      if (required) error(whole, std::string(name_of(type)), "nothing");
      return nullptr;
    }
    const bool right = type == json::value_t::number_unsigned ? found->is_number_unsigned() : found->type() == type;
    if (!right) error(whole, std::string(name_of(type)), shown(*found));
    return right ? &*found : nullptr;
  }

  std::string text(const json& object, const std::string& path, const char* key, bool required = false) {
    const json* found = member(object, path, key, json::value_t::string, required);
    return found == nullptr ? std::string() : found->get<std::string>();
  }

  void unused(std::string what, std::string reason) { result_.unused.push_back({std::move(what), std::move(reason)}); }

  void list_unknown(const json& object, const std::string& path, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : object.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end())
        unused(path.empty() ? key : path + "." + key, "nvbandwidth 0.8 has no such field");
    }
  }

  void read_header(const json& root) {
    const std::string path = "nvbandwidth";
    list_unknown(root, path,
                 {"version", "git_version", "CUDA Runtime Version", "Driver Version", "Hostname", "GPU Device info",
                  "GPU Device list", "error", "warning", "testcases"});
    result_.version = text(root, path, "version", true);
    const std::string driver = text(root, path, "Driver Version");
    const json* cuda = member(root, path, "CUDA Runtime Version", json::value_t::number_unsigned, false);
    if (!driver.empty()) result_.driver = "driver " + driver;
    if (cuda != nullptr) {
      const auto version = cuda->get<std::uint64_t>();  // 12070 for 12.7
      result_.driver += fmt::format("{}for CUDA {}.{}", driver.empty() ? "" : " ", version / 1000, version % 1000 / 10);
    }
    read_devices(root);
    const std::string failure = text(root, path, "error"), warning = text(root, path, "warning");
    if (!failure.empty()) unused("nvbandwidth.error", "it says: " + shortened(failure));
    if (!warning.empty()) unused("nvbandwidth.warning", "it says: " + shortened(warning));
    if (warning.find(kSmallBuffers) != std::string::npos && !buffer_known_) {
      error("nvbandwidth.warning", "--import-buffer beside it, since the file does not say how large buffers were",
            shortened(warning));
    }
  }

  // "0: NVIDIA H200 (00000000:1b:00): (host)" of the first GPU.
  void read_devices(const json& root) {
    const json* devices = member(root, "nvbandwidth", "GPU Device list", json::value_t::array, false);
    if (devices == nullptr || devices->empty()) return;
    const json& first = devices->front();
    if (!first.is_string()) {
      error("nvbandwidth.GPU Device list[0]", "text", shown(first));
      return;
    }
    const std::string device = first.get<std::string>();
    const std::size_t begin = device.find(": "), host = device.rfind("): (");
    const std::size_t end = host == std::string::npos ? host : device.rfind(" (", host);
    if (begin == std::string::npos || end == std::string::npos || end < begin + 2) {
      error("nvbandwidth.GPU Device list[0]", "'0: NAME (PCI ADDRESS): (HOST)'", shortened(device));
      return;
    }
    result_.gpu = device.substr(begin + 2, end - begin - 2);
  }

  void read_test(const json& test, const std::string& path) {
    if (!test.is_object()) return error(path, "an object", shown(test));
    list_unknown(
        test, path,
        {"name", "status", "error", "bandwidth_description", "bandwidth_matrix", "sum", "min", "max", "average"});
    const std::string name = text(test, path, "name", true), status = text(test, path, "status", true);
    const std::string failure = text(test, path, "error");
    if (name.empty() || status.empty()) return;
    const auto ended =
        std::find_if(kNotPassed.begin(), kNotPassed.end(), [&](const auto& each) { return each.first == status; });
    if (ended != kNotPassed.end()) {
      return unused(name, std::string(ended->second) + (failure.empty() ? "" : ": " + shortened(failure)));
    }
    if (status != "Passed") return error(path + ".status", "Passed, Waived, Error, Not Found or Running", status);
    const std::string description = text(test, path, "bandwidth_description", true);
    const json* matrix = member(test, path, "bandwidth_matrix", json::value_t::array, true);
    if (matrix == nullptr || !is_matrix(*matrix, path + ".bandwidth_matrix")) return;
    const auto known = std::find_if(kTests.begin(), kTests.end(), [&](const auto& each) { return each.first == name; });
    if (known == kTests.end()) return unused(name, reason_against(name));
    if (description.find("(GB/s)") == std::string::npos)
      return error(path + ".bandwidth_description", "a bandwidth in (GB/s)", shortened(description));
    if (matrix->size() != 1)
      return error(path + ".bandwidth_matrix", "one row, the CPU's", fmt::format("{} rows", matrix->size()));
    take(name, std::string(known->second), matrix->front(), path + ".bandwidth_matrix[0]");
  }

  static std::string reason_against(const std::string& name) {
    for (const auto& [beginning, reason] : kWithoutFamily) {
      if (name.starts_with(beginning)) return std::string(reason);
    }
    return "no family is known for this test";
  }

  static std::optional<double> number(const json& cell) {
    double value = 0.0;
    const std::string& digits = cell.get_ref<const std::string&>();
    const auto end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end || !(value >= 0.0 && value < 1e9)) return std::nullopt;
    return value;
  }

  // Rows of numbers as text, or "N/A" where there is nothing to measure.
  bool is_matrix(const json& matrix, const std::string& path) {
    const std::size_t before = errors_.size();
    if (matrix.empty()) error(path, "rows", "an empty array");
    for (std::size_t row = 0; row < matrix.size(); ++row) {
      const std::string row_path = fmt::format("{}[{}]", path, row);
      if (!matrix[row].is_array() || matrix[row].empty() || matrix[row].size() != matrix[0].size()) {
        error(row_path, row == 0 ? "a row of rates" : "a row as long as the first", shown(matrix[row]));
        continue;
      }
      for (std::size_t column = 0; column < matrix[row].size(); ++column) {
        const json& cell = matrix[row][column];
        if (!cell.is_string() || (cell != "N/A" && !number(cell)))
          error(fmt::format("{}[{}]", row_path, column), R"(a rate as text, or "N/A")", shown(cell));
      }
    }
    return errors_.size() == before;
  }

  void take(const std::string& name, std::string family, const json& row, const std::string& path) {
    const auto same = [&](const NvbandwidthRate& each) { return each.tests.front() == name; };
    if (std::any_of(result_.rates.begin(), result_.rates.end(), same))
      return unused(name, "the file has it twice, and the first counts");
    const std::string others = row.size() == 2 ? "GPU 1" : fmt::format("GPUs 1 to {}", row.size() - 1);
    if (row.size() > 1) unused(name + ", " + others, "every GPU is taken to be as the first");
    if (row[0] == "N/A") return unused(name, "it is N/A for the first GPU");
    const double gigabytes = *number(row[0]);
    if (gigabytes <= 0.0) return error(path + "[0]", "a rate above 0", shown(row[0]));
    result_.rates.push_back({std::move(family), {name}, gigabytes * 1e9});
  }

  // Both directions while the other is busy add up to what the link carries both ways.
  void pair_directions() {
    auto& rates = result_.rates;
    const auto first =
        std::find_if(rates.begin(), rates.end(), [](const auto& each) { return each.family == "copy_both"; });
    if (first == rates.end()) return;
    const auto second =
        std::find_if(first + 1, rates.end(), [](const auto& each) { return each.family == "copy_both"; });
    if (second == rates.end()) {
      const std::string& alone = first->tests.front();
      unused(alone, fmt::format("it is one direction's share, and {} is not there for the other",
                                alone == kBothFromHost ? kBothToHost : kBothFromHost));
      rates.erase(first);
      return;
    }
    first->bytes_per_second += second->bytes_per_second;
    first->tests.push_back(second->tests.front());
    rates.erase(second);
  }

  const JsonText& text_;
  const bool buffer_known_;
  ConfigErrors& errors_;
  NvbandwidthFile result_;
};

SampleShape shape_of(const std::string& family, double buffer, double sms) {
  // A CTA of 512 threads reads 16 bytes each at a time, all CTAs side by side.
  constexpr double kCtaBytes = 512.0 * 16.0;
  if (family == "gather_h2d")
    return {{"fragment", kCtaBytes}, {"count", buffer / kCtaBytes}, {"ctas", sms}, {"bytes", buffer}};
  const double ways = family == "copy_both" ? 2.0 : 1.0;
  return {{"fragment", buffer}, {"count", kNvbandwidthCopies}, {"bytes", ways * kNvbandwidthCopies * buffer}};
}

// What the file holds up to its last whole line, or the header where there is none.
std::string whole_lines(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t end = text.rfind('\n');
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text.empty() ? fmt::format("{}\n", kSamplesHeader) : text;
}

}  // namespace

std::optional<NvbandwidthFile> read_nvbandwidth(const std::filesystem::path& file, std::optional<double> buffer_mib,
                                                ConfigErrors& errors) {
  const std::optional<JsonText> text = read_json(file, errors);
  if (!text) return std::nullopt;
  return Reader(*text, buffer_mib, errors).read();
}

std::vector<Sample> samples_of(const NvbandwidthFile& file, int run, double sms) {
  std::vector<Sample> samples;
  for (const NvbandwidthRate& rate : file.rates) {
    const SampleShape shape = shape_of(rate.family, file.buffer_mib * kMib, sms);
    samples.push_back({run, rate.family, shape, summary_of({shape.at("bytes") / rate.bytes_per_second})});
  }
  return samples;
}

HostFacts facts_of(const NvbandwidthFile& file) {
  std::string tests;
  for (const NvbandwidthRate& rate : file.rates) {
    for (const std::string& test : rate.tests) tests += " " + test;
  }
  HostFacts facts;
  facts.processors = 0;
  facts.gpu = file.gpu;
  facts.driver = file.driver;
  facts.clocks = fmt::format("not recorded (imported that day from nvbandwidth {}: {} MiB buffers:{})", file.version,
                             file.buffer_mib, tests);
  return facts;
}

std::vector<Sample> new_samples(const std::vector<Sample>& samples, const std::vector<Sample>& present,
                                const std::filesystem::path& file, ConfigErrors& errors) {
  std::vector<Sample> added;
  for (const Sample& sample : samples) {
    const auto same = std::find_if(present.begin(), present.end(), [&](const Sample& each) {
      return each.run == sample.run && each.family == sample.family && each.shape == sample.shape;
    });
    if (same == present.end()) {
      added.push_back(sample);
    } else if (csv_line(*same) != csv_line(sample)) {
      errors.add({.file = file.string(),
                  .path = fmt::format("run {}, {}, {}", sample.run, sample.family, sample.shape.text()),
                  .expected = "no other sample of the run, or another --run",
                  .got = fmt::format("{:.9g} s there and {:.9g} s to import", same->time.median, sample.time.median)});
    }
  }
  return added;
}

void add_import(const std::filesystem::path& folder, const std::vector<Sample>& samples, const NvbandwidthFile& file,
                const std::string& date) {
  if (samples.empty()) return;
  std::string text = whole_lines(folder / "samples.csv");
  for (const Sample& sample : samples) text += csv_line(sample);
  log_run(folder / "runs.csv", samples.front().run, date, facts_of(file));
  write_atomically(folder / "samples.csv", text);
}

}  // namespace outrider
