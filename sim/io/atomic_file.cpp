// Temporary name, then rename.
#include "sim/io/atomic_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace outrider {

AtomicFile::AtomicFile(std::filesystem::path file)
    : file_(std::move(file)), temporary_(file_.string() + fmt::format(".{}.part", ::getpid())) {}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  std::error_code failed;
  std::filesystem::rename(temporary_, file_, failed);
  if (failed) throw std::runtime_error(fmt::format("cannot write {}: {}", file_.string(), failed.message()));
}

void write_atomically(const std::filesystem::path& file, std::string_view content) {
  AtomicFile atomic(file);
  std::ofstream stream(atomic.temporary(), std::ios::binary);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  stream.close();
  if (!stream) throw std::runtime_error(fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)));
  atomic.commit();
}

}  // namespace outrider
