// Figures of points that were simulated before, in an SQLite database that studies share.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "sim/io/digest.h"

namespace outrider {

// For several threads at a time.
class KnownFigures {
 public:
  virtual ~KnownFigures() = default;
  virtual std::optional<std::string> find(const Digest& key) = 0;
  virtual void put(const Digest& key, std::string_view figures) = 0;
};

// Several threads and several programs may use one file at a time. What a program put is there after it was killed.
// Every entry carries a checksum; one that does not fit counts as not there. Throws std::runtime_error where the
// database cannot be used.
class PointCache : public KnownFigures {
 public:
  // The file and its folder are made where they are not there; without a file, the cache ends with this object.
  explicit PointCache(const std::optional<std::filesystem::path>& file);
  ~PointCache() override;
  PointCache(const PointCache&) = delete;
  PointCache& operator=(const PointCache&) = delete;

  std::optional<std::string> find(const Digest& key) override;
  void put(const Digest& key, std::string_view figures) override;

 private:
  struct State;
  std::mutex mutex_;
  std::unique_ptr<State> state_;
};

}  // namespace outrider
