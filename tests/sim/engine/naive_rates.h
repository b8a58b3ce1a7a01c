// Weighted max-min fair rates of units one by one, level by level: the oracle's sharing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "sim/engine/demand.h"

namespace outrider {

struct NaiveUnit {
  std::size_t op = 0;
  double left = 1.0, rate = 0.0;  // units, units per second
};

class NaiveRates {
 public:
  NaiveRates(const Platform& platform, std::span<const Demand> demands, std::vector<NaiveUnit>& units)
      : platform_(platform), demands_(demands), units_(units), fixed_(units.size(), false) {}

  // Raises the level of all units until a cap or a resource stops some, then that of the rest.
  void fill() {
    for (NaiveUnit& unit : units_) unit.rate = 0.0;
    for (std::size_t left = units_.size(); left > 0;) {
      const double level = next_level();
      for (std::size_t i = 0; i < units_.size(); ++i) {
        if (!fixed_[i]) units_[i].rate = level * weight(units_[i]);
      }
      for (std::size_t i = 0; i < units_.size(); ++i) {
        if (fixed_[i] || !stopped(units_[i])) continue;
        fixed_[i] = true;
        --left;
      }
    }
  }

 private:
  double cap(const NaiveUnit& unit) const { return demands_[unit.op].rate_cap; }
  double weight(const NaiveUnit& unit) const {
    return demands_[unit.op].weight > 0.0 ? demands_[unit.op].weight : cap(unit);
  }
  double amount(const NaiveUnit& unit, std::size_t resource) const {
    for (const Use& use : demands_[unit.op].used()) {
      if (use.resource.index() == resource) return use.amount;
    }
    return 0.0;
  }

  double next_level() const {
    double level = 1e300;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if (!fixed_[i]) level = std::min(level, cap(units_[i]) / weight(units_[i]));
    }
    for (std::size_t r = 0; r < platform_.resources.size(); ++r) {
      double taken = 0.0, growth = 0.0;
      for (std::size_t i = 0; i < units_.size(); ++i) {
        (fixed_[i] ? taken : growth) += amount(units_[i], r) * (fixed_[i] ? units_[i].rate : weight(units_[i]));
      }
      if (growth > 0.0) level = std::min(level, std::max(0.0, platform_.resources[r].capacity - taken) / growth);
    }
    return level;
  }

  bool stopped(const NaiveUnit& unit) const {
    if (unit.rate >= cap(unit) * (1.0 - 1e-9)) return true;
    for (const Use& use : demands_[unit.op].used()) {
      double taken = 0.0;
      for (const NaiveUnit& other : units_) taken += amount(other, use.resource.index()) * other.rate;
      if (taken >= platform_.resources[use.resource.index()].capacity * (1.0 - 1e-9)) return true;
    }
    return false;
  }

  const Platform& platform_;
  std::span<const Demand> demands_;
  std::vector<NaiveUnit>& units_;
  std::vector<bool> fixed_;
};

}  // namespace outrider
