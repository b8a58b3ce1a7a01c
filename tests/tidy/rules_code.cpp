// Rules about what the code says: names, ownership, order, randomness.
#include <algorithm>
#include <array>

#include "tests/tidy/rules.h"

namespace outrider {
namespace {

// One finding for each word of the code that `broken` answers with a description; it sees the words of the line.
template <typename Broken>
Findings each_word(const SourceFile& file, Broken broken) {
  Findings findings;
  for (std::size_t i = 0; i < file.code.size(); ++i) {
    const std::vector<Word> line = words(file.code[i]);
    for (std::size_t k = 0; k < line.size(); ++k) {
      const std::string what = broken(line, k, file.code[i]);
      if (!what.empty()) findings.push_back({file.path, i + 1, what});
    }
  }
  return findings;
}

bool is_std(std::string_view code, const Word& word) {
  return word.column >= 5 && code.substr(word.column - 5, 5) == "std::";
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

bool is_vague(std::string_view name) {
  constexpr std::array kEndings = {"Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Impl"};
  constexpr std::array kWholes = {"manager", "helper", "helpers", "util", "utils", "impl"};
  for (const char* ending : kEndings) {
    if (ends_with(name, ending)) return true;
  }
  for (const char* whole : kWholes) {
    if (name == whole || ends_with(name, "_" + std::string(whole)) || ends_with(name, "_" + std::string(whole) + "_")) {
      return true;
    }
  }
  return false;
}

bool in_model(const SourceFile& file) { return starts_with(file.path, "sim/") || starts_with(file.path, "hwmodels/"); }

}  // namespace

Findings vague_names(const SourceFile& file) {
  Findings findings;
  const std::string name = file.path.substr(file.path.rfind('/') + 1);
  if (is_vague(name.substr(0, name.find('.')))) findings.push_back({file.path, 1, "file name " + name});
  const Findings in_code = each_word(file, [](const std::vector<Word>& line, std::size_t k, std::string_view code) {
    const bool foreign = line[k].column >= 2 && code.substr(line[k].column - 2, 2) == "::";
    return is_vague(line[k].text) && !foreign ? "name " + std::string(line[k].text) : std::string();
  });
  findings.insert(findings.end(), in_code.begin(), in_code.end());
  return findings;
}

Findings shared_ownership(const SourceFile& file) {
  return each_word(file, [](const std::vector<Word>& line, std::size_t k, std::string_view) {
    const std::string_view text = line[k].text;
    const bool shared =
        text == "shared_ptr" || text == "make_shared" || text == "weak_ptr" || text == "enable_shared_from_this";
    return shared ? std::string(text) : std::string();
  });
}

Findings unordered_containers(const SourceFile& file) {
  if (!in_model(file)) return {};
  Findings findings = each_word(file, [](const std::vector<Word>& line, std::size_t k, std::string_view code) {
    const bool unordered = starts_with(line[k].text, "unordered_");
    return unordered && included(code).empty() ? std::string(line[k].text) : std::string();
  });
  const auto excused = [&](const Finding& finding) {
    return file.comments[finding.line - 1].find("order never observed") != std::string::npos;
  };
  findings.erase(std::remove_if(findings.begin(), findings.end(), excused), findings.end());
  return findings;
}

Findings foreign_randomness(const SourceFile& file) {
  constexpr std::array kEngines = {"mt19937",     "mt19937_64",    "default_random_engine",
                                   "minstd_rand", "random_device", "random_shuffle"};
  return each_word(file, [&](const std::vector<Word>& line, std::size_t k, std::string_view code) {
    const Word& word = line[k];
    const bool engine = std::find(kEngines.begin(), kEngines.end(), word.text) != kEngines.end();
    const bool distribution = ends_with(word.text, "_distribution") && is_std(code, word);
    const bool called = code.substr(word.column + word.text.size(), 1) == "(";
    const bool old = (word.text == "rand" || word.text == "srand" || word.text == "drand48") && called;
    const bool shuffle = word.text == "shuffle" && is_std(code, word);
    return engine || distribution || old || shuffle ? std::string(word.text) : std::string();
  });
}

Findings using_namespaces(const SourceFile& file) {
  return each_word(file, [](const std::vector<Word>& line, std::size_t k, std::string_view) {
    if (k + 2 > line.size() - 1 || line[k].text != "using" || line[k + 1].text != "namespace") return std::string();
    const bool units = line.back().text == "units" && line[k].column > 0;
    return units ? std::string() : "using namespace " + std::string(line[k + 2].text);
  });
}

Findings nested_namespaces(const SourceFile& file) {
  return each_word(file, [](const std::vector<Word>& line, std::size_t k, std::string_view code) {
    if (line[k].text != "namespace" || k + 1 >= line.size()) return std::string();
    if (k > 0 && line[k - 1].text == "using") return std::string();
    const bool alias = code.find('=') != std::string_view::npos;
    const std::string_view name = line.back().text;
    const bool foreign = line[k + 1].text == "std" || line[k + 1].text == "testing";
    return alias || foreign || name == "outrider" || name == "units" ? std::string() : "namespace " + std::string(name);
  });
}

Findings hardware_words(const SourceFile& file) {
  constexpr std::array kWords = {"pcie", "cuda", "yaml", "gpu", "nvlink", "hbm", "dram"};
  if (!starts_with(file.path, "sim/engine/")) return {};
  Findings findings = each_word(file, [&](const std::vector<Word>& line, std::size_t k, std::string_view) {
    const std::string text = lower(line[k].text);
    for (const char* word : kWords) {
      if (text.find(word) != std::string::npos) return std::string(line[k].text);
    }
    return starts_with(text, "sm_") ? std::string(line[k].text) : std::string();
  });
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string path = lower(included(file.lines[i]));
    for (const char* word : kWords) {
      if (path.find(word) != std::string::npos) findings.push_back({file.path, i + 1, path});
    }
  }
  return findings;
}

}  // namespace outrider
