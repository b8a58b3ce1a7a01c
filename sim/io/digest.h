// What contents are told apart by: 128 bits of XXH3, the same on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace outrider {

// 128 bits: among 10⁹ contents, two that differ have the same one with a chance of about 10⁻²¹.
using Digest = std::array<std::uint64_t, 2>;
std::string to_string(const Digest& digest);  // 32 hex digits

// Of several parts in order; where one part ends and the next begins counts too.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester& add(std::string_view part);
  Digester& add(std::int64_t number);
  Digester& add(double number);  // by its bits
  Digester& add(const Digest& part);
  Digest digest() const;  // of what was added so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest digest_of(std::string_view text);
// Of a file's content; one that cannot be read counts as empty.
Digest digest_of_file(const std::filesystem::path& file);
// Of a record on disk, to find damage.
std::uint64_t checksum_of(std::string_view text);

}  // namespace outrider
