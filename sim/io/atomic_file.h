// Writing of whole files: all of it or nothing.
#pragma once

#include <filesystem>
#include <string_view>

namespace outrider {

// A file that is written under a temporary name beside it and then takes its place. Without commit(), nothing remains.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }
  // What was written and closed there becomes the file. Throws std::runtime_error.
  void commit();

 private:
  std::filesystem::path file_, temporary_;
};

// Writes to a temporary name beside `file`, then renames. Throws std::runtime_error with the reason; `file` is then as
// it was.
void write_atomically(const std::filesystem::path& file, std::string_view content);

}  // namespace outrider
