// SQLite's databases and statements, closed by their owners, with errors that name the file.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace outrider {

class SqliteError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Waits some seconds for others that write. All throw SqliteError.
class SqliteDatabase {
 public:
  explicit SqliteDatabase(const std::string& file);  // empty: a temporary one
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  void execute(const std::string& sql);

 private:
  friend class SqliteStatement;
  [[noreturn]] void fail() const;
  std::string file_;
  sqlite3* database_ = nullptr;
};

// Columns count from 0 and parameters from 1, as in SQLite. Bound texts are copied.
class SqliteStatement {
 public:
  SqliteStatement(SqliteDatabase& database, const std::string& sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  void bind_text(int parameter, std::string_view value);
  void bind_blob(int parameter, std::string_view value);
  void bind_integer(int parameter, std::int64_t value);
  void bind_null(int parameter);
  bool step();  // whether there is a row
  std::string text(int column) const;
  std::int64_t integer(int column) const;
  void reset();

 private:
  void check(int result) const;
  SqliteDatabase& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace outrider
