// A line is "<checksum> <point> <record>", after a first line that names the study.
#include "sim/study/sweep_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::size_t kChecksumDigits = 16;
constexpr std::string_view kTitle = "outrider sweep ";

std::size_t number_at(std::string_view text, std::size_t at) {
  std::size_t number = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), number);
  return number;
}

// Of a first line: design points of the study, and of this file.
std::pair<std::size_t, std::size_t> counts_of(std::string_view head) {
  const std::size_t due = head.rfind(' ');
  return {number_at(head, head.rfind(' ', due - 1) + 1), number_at(head, due + 1)};
}

std::string line_of(std::string_view content) { return fmt::format("{:016x} {}\n", checksum_of(content), content); }

// Without checksum and line break; nothing where they do not fit.
std::optional<std::string_view> content_of(std::string_view line) {
  if (line.size() < kChecksumDigits + 2 || line.back() != '\n') return std::nullopt;
  const std::string_view content = line.substr(kChecksumDigits + 1, line.size() - kChecksumDigits - 2);
  std::uint64_t checksum = 0;
  const auto [end, failed] = std::from_chars(line.data(), line.data() + kChecksumDigits, checksum, 16);
  const bool fits = failed == std::errc() && end == line.data() + kChecksumDigits && checksum == checksum_of(content);
  return fits ? std::optional(content) : std::nullopt;
}

}  // namespace

void SweepJournal::fail(std::string_view what) const {
  throw std::runtime_error(fmt::format("cannot {} '{}': {}", what, file_.string(), std::strerror(errno)));
}

SweepJournal::SweepJournal(const Opening& opening) : file_(opening.file), places_(opening.points) {
  descriptor_.number = ::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_.number < 0) fail("open");
  lock();
  const std::string head =
      line_of(fmt::format("{}{} {} {}", kTitle, to_string(opening.study), opening.points, opening.due));
  const Found found = read_back();
  if (!found.head.empty() && opening.resume && found.head != head) {
    throw std::runtime_error(fmt::format(
        "'{}' is of another study, or of another version of its files or of the program: remove it to begin anew",
        file_.string()));
  }
  if (!found.head.empty() && !opening.resume && !found.complete) {
    throw std::runtime_error(
        fmt::format("'{}' holds what a sweep that did not end has finished: --resume goes on with it; remove it to "
                    "begin anew",
                    file_.string()));
  }
  const bool goes_on = opening.resume && found.head == head;
  if (goes_on) {
    done_ = found.done;
    end_ = found.end;
  } else {
    places_.assign(opening.points, {});
  }
  if (::ftruncate(descriptor_.number, static_cast<off_t>(end_)) != 0) fail("cut");
  if (!goes_on) append(head);
}

SweepJournal::Descriptor::~Descriptor() {
  if (number >= 0) ::close(number);
}

void SweepJournal::lock() {
  if (::flock(descriptor_.number, LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) fail("lock");
  throw std::runtime_error(fmt::format("another sweep is writing '{}'", file_.string()));
}

// Places are of the journal's own number of points; another's are dropped with it.
SweepJournal::Found SweepJournal::read_back() {
  Found found;
  std::size_t due = 0;
  std::ifstream stream(file_, std::ios::binary);
  std::string line;
  while (std::getline(stream, line) && !stream.eof()) {
    line += '\n';
    const std::optional<std::string_view> content = content_of(line);
    if (!content) break;
    if (found.head.empty()) {
      if (!content->starts_with(kTitle)) break;
      found.head = line;
      const auto [points, its] = counts_of(*content);
      places_.assign(points, {});
      due = its;
    } else {
      const std::size_t point = number_at(*content, 0);
      if (point >= places_.size()) break;
      found.done += has(point) ? 0 : 1;
      places_[point] = {.offset = found.end, .size = static_cast<std::uint32_t>(line.size())};
    }
    found.end += line.size();
  }
  found.complete = found.done == due;
  return found;
}

void SweepJournal::append(std::string_view line) {
  for (std::size_t written = 0; written < line.size();) {
    const ssize_t now = ::write(descriptor_.number, line.data() + written, line.size() - written);
    if (now < 0 && errno != EINTR) fail("write");
    if (now > 0) written += static_cast<std::size_t>(now);
  }
  end_ += line.size();
}

void SweepJournal::add(std::size_t point, std::string_view record) {
  CHECK(record.find('\n') == std::string_view::npos, "a record of several lines");
  const std::string line = line_of(fmt::format("{} {}", point, record));
  const std::uint64_t offset = end_;
  append(line);
  done_ += has(point) ? 0 : 1;
  places_[point] = {.offset = offset, .size = static_cast<std::uint32_t>(line.size())};
}

std::string SweepJournal::record(std::size_t point) const {
  CHECK(has(point), "point {} is not there", point);
  std::string line(places_[point].size, '\0');
  for (std::size_t read = 0; read < line.size();) {
    const ssize_t now = ::pread(descriptor_.number, line.data() + read, line.size() - read,
                                static_cast<off_t>(places_[point].offset + read));
    if (now == 0 || (now < 0 && errno != EINTR)) fail("read");
    if (now > 0) read += static_cast<std::size_t>(now);
  }
  const std::optional<std::string_view> content = content_of(line);
  if (!content) throw std::runtime_error(fmt::format("'{}' was changed while it was read", file_.string()));
  return std::string(content->substr(content->find(' ') + 1));
}

}  // namespace outrider
