// Calls of xxHash.
#include "sim/io/digest.h"

#include <fmt/format.h>

#include <bit>
#include <fstream>
#include <iterator>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace outrider {
namespace {

Digest digest_from(const XXH128_hash_t& hash) { return {hash.high64, hash.low64}; }

}  // namespace

struct Digester::State {
  XXH3_state_t hash;
  void add(const void* data, std::size_t size) { XXH3_128bits_update(&hash, data, size); }
};

Digester::Digester() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->hash); }
Digester::~Digester() = default;

Digester& Digester::add(std::string_view part) {
  add(static_cast<std::int64_t>(part.size()));
  state_->add(part.data(), part.size());
  return *this;
}

// Byte by byte from the lowest, so that machines of either byte order agree.
Digester& Digester::add(std::int64_t number) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(number) >> (8 * i));
  state_->add(bytes.data(), bytes.size());
  return *this;
}

Digester& Digester::add(double number) { return add(std::bit_cast<std::int64_t>(number)); }

Digester& Digester::add(const Digest& part) {
  for (const std::uint64_t half : part) add(static_cast<std::int64_t>(half));
  return *this;
}

Digest Digester::digest() const { return digest_from(XXH3_128bits_digest(&state_->hash)); }

Digest digest_of(std::string_view text) { return digest_from(XXH3_128bits(text.data(), text.size())); }

Digest digest_of_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return digest_of(std::string(std::istreambuf_iterator<char>(stream), {}));
}

std::uint64_t checksum_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::string to_string(const Digest& digest) { return fmt::format("{:016x}{:016x}", digest[0], digest[1]); }

}  // namespace outrider
