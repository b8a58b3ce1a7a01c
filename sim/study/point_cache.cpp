// One table, written ahead: a commit is in the log, whose frames SQLite checks, before the next point is simulated.
#include "sim/study/point_cache.h"

#include <array>

#include "sim/study/sqlite.h"

namespace outrider {
namespace {

std::string blob_of(const Digest& key) {
  std::string blob;
  for (const std::uint64_t half : key) {
    for (int shift = 56; shift >= 0; shift -= 8) blob += static_cast<char>(half >> shift & 0xff);
  }
  return blob;
}

std::int64_t check_of(const std::string& key, std::string_view figures) {
  return static_cast<std::int64_t>(checksum_of(key + std::string(figures)));
}

std::string opened(const std::optional<std::filesystem::path>& file) {
  if (!file) return {};
  std::error_code failed;
  std::filesystem::create_directories(file->parent_path(), failed);
  if (failed) throw SqliteError("cannot make the folder '" + file->parent_path().string() + "': " + failed.message());
  return file->string();
}

}  // namespace

struct PointCache::State {
  explicit State(const std::string& file) : database(file) {
    database.execute("PRAGMA journal_mode=WAL");
    database.execute("PRAGMA synchronous=NORMAL");
    database.execute(
        "CREATE TABLE IF NOT EXISTS points(key BLOB PRIMARY KEY, figures TEXT NOT NULL, checksum INTEGER NOT NULL)");
    select.emplace(database, "SELECT figures, checksum FROM points WHERE key = ?");
    insert.emplace(database, "INSERT OR REPLACE INTO points VALUES(?, ?, ?)");
  }
  SqliteDatabase database;
  std::optional<SqliteStatement> select, insert;
};

PointCache::PointCache(const std::optional<std::filesystem::path>& file)
    : state_(std::make_unique<State>(opened(file))) {}
PointCache::~PointCache() = default;

std::optional<std::string> PointCache::find(const Digest& key) {
  const std::string blob = blob_of(key);
  const std::lock_guard lock(mutex_);
  SqliteStatement& select = *state_->select;
  select.bind_blob(1, blob);
  std::optional<std::string> figures;
  if (select.step()) {
    figures = select.text(0);
    if (select.integer(1) != check_of(blob, *figures)) figures.reset();
  }
  select.reset();
  return figures;
}

void PointCache::put(const Digest& key, std::string_view figures) {
  const std::string blob = blob_of(key);
  const std::int64_t check = check_of(blob, figures);
  const std::lock_guard lock(mutex_);
  SqliteStatement& insert = *state_->insert;
  insert.bind_blob(1, blob);
  insert.bind_text(2, figures);
  insert.bind_integer(3, check);
  insert.step();
  insert.reset();
}

}  // namespace outrider
