// What a sweep has finished: a file to which one line is added for each design point, whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sim/io/digest.h"

namespace outrider {

// Every line carries a checksum of itself. A file is read up to its first line that is not whole, and cut there. Not
// for several threads at once. Throws std::runtime_error where the file cannot be used.
class SweepJournal {
 public:
  // Of a study with that many design points, told by its digest, of which this file is to have `due`. One that is
  // complete is replaced, unless it is to go on; an unfinished one goes on or is refused, as is another study's that
  // should go on.
  struct Opening {
    std::filesystem::path file;
    Digest study{};
    std::size_t points = 0, due = points;
    bool resume = false;
  };
  explicit SweepJournal(const Opening& opening);
  SweepJournal(const SweepJournal&) = delete;
  SweepJournal& operator=(const SweepJournal&) = delete;

  std::size_t done() const { return done_; }
  bool has(std::size_t point) const { return places_[point].size > 0; }
  void add(std::size_t point, std::string_view record);  // without line breaks
  std::string record(std::size_t point) const;           // requires has(point)

 private:
  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;  // of the line; 0: not there
  };
  struct Descriptor {  // closed also where the constructor throws
    ~Descriptor();
    int number = -1;
  };
  [[noreturn]] void fail(std::string_view what) const;
  void lock();
  struct Found {
    std::string head;  // the first line
    std::size_t done = 0;
    std::uint64_t end = 0;
    bool complete = false;
  };
  Found read_back();
  void append(std::string_view line);

  std::filesystem::path file_;
  Descriptor descriptor_{};
  std::uint64_t end_ = 0;
  std::size_t done_ = 0;
  std::vector<Place> places_;
};

}  // namespace outrider
