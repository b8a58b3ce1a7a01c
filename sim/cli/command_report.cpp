// `outrider report`: runs the Python package of reports/ on a folder of results.
#include <fmt/format.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/result_files.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr int kSignalled = 128;  // as shells say that a signal ended a program

std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_word(word);
  return line;
}

// Its standard output goes to the console while it runs, its standard error where ours goes. Answers its exit status.
int run_program_to_console(const std::string& line, const Console& console) {
  std::fflush(nullptr);
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) throw EnvironmentError("cannot start a shell");
  std::array<char, 4096> piece;
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) console.out({piece.data(), size});
  const int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled;
}

// OUTRIDER_PYTHON if it is set, and then only that; else the first that has Matplotlib: Debian's is the system's
// Python's, which another may stand before on the PATH.
std::string find_python(const Console& console) {
  std::vector<std::string> candidates = {"python3", "/usr/bin/python3"};
  const std::optional<std::string> named = console.variable("OUTRIDER_PYTHON");
  if (named && !named->empty()) candidates = {*named};
  for (const std::string& python : candidates) {
    const std::string question = "import importlib.util, sys; sys.exit(importlib.util.find_spec('matplotlib') is None)";
    const std::string line = command_line({python, "-c", question}) + " </dev/null >/dev/null 2>&1";
    if (std::system(line.c_str()) == 0) return python;
  }
  throw EnvironmentError(fmt::format(
      "figures are drawn by Python 3 with Matplotlib, which {} lacks. 'scripts/install-dependencies report' installs "
      "it; OUTRIDER_PYTHON names another Python",
      join(candidates, " and ")));
}

}  // namespace

int report_command(const ReportRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  const fs::path package = found.library ? found.library->root() / "reports" : fs::path("reports");
  if (!fs::is_regular_file(package / "__main__.py"))
    throw EnvironmentError(
        fmt::format("{} holds no program that draws figures; set OUTRIDER_HOME to the folder that "
                    "holds reports/",
                    package.string()));
  // -B: the folder of the package may not be ours to write in.
  std::vector<std::string> words = {find_python(console), "-B", package.string()};
  if (request.out) words.push_back("--out=" + *request.out);
  if (!request.figures.empty()) words.push_back("--only=" + join(request.figures, ","));
  if (request.columns != 0) words.push_back(fmt::format("--columns={}", request.columns));
  words.insert(words.end(), {"--", request.folder});
  const int status = run_program_to_console(command_line(words), console);
  if (status == kDone || status == kWrongInput || status == kEnvironmentFailed) return status;
  throw EnvironmentError(fmt::format("the program that draws figures ended with status {}", status));
}

}  // namespace outrider
