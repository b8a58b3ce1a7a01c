// A section of measured or published figures, each with where it comes from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/io/yaml_reader.h"
#include "sim/spec/machine.h"

namespace outrider {

// A figure is a bare value, which the section's `source` speaks for, or {value, source}. Where it came from is noted in
// `sources` by dotted path.
class Figures {
 public:
  Figures(Section section, std::string prefix, std::map<std::string, std::string>& sources);
  Section& section() { return section_; }

  double quantity(Key key, Dimension dimension);  // above 0
  double quantity_or(Key key, Dimension dimension, double fallback);
  double number(Key key);         // above 0
  std::int64_t integer(Key key);  // at least 1
  std::int64_t integer_or(Key key, std::int64_t fallback);

  // Points by rising fragment. A driver that changes its ways with size may make times fall; elsewhere they must not.
  struct SurfaceRules {
    bool required = true;
    bool times_rise = true;
  };
  std::vector<TransferPoint> surface(Key key, SurfaceRules rules);

  // Figures of a mapping within this one, under the same source.
  std::optional<Figures> within(Key key, bool required);
  void finish() { section_.finish(); }

 private:
  Figures(Section section, const Figures& parent, std::string_view key);
  // Calls read(section, key) on whatever holds the figure's value, and notes its source.
  template <class Read>
  auto figure(Key key, bool required, const Read& read);
  void note(std::string_view key, const std::string& source);
  std::string source_of(const YamlNode& node) const;

  Section section_;
  std::string prefix_;
  std::map<std::string, std::string>& sources_;
  std::string source_;
};

}  // namespace outrider
