// Temporary name, then rename.
#include "sim/io/atomic_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace outrider {

void write_atomically(const std::filesystem::path& file, std::string_view content) {
  const std::filesystem::path temporary = file.string() + fmt::format(".{}.part", ::getpid());
  std::error_code ignored;
  {
    std::ofstream stream(temporary, std::ios::binary);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
    stream.close();
    if (!stream) {
      const std::string reason = std::strerror(errno);
      std::filesystem::remove(temporary, ignored);
      throw std::runtime_error(fmt::format("cannot write {}: {}", file.string(), reason));
    }
  }
  std::error_code failed;
  std::filesystem::rename(temporary, file, failed);
  if (!failed) return;
  std::filesystem::remove(temporary, ignored);
  throw std::runtime_error(fmt::format("cannot write {}: {}", file.string(), failed.message()));
}

}  // namespace outrider
