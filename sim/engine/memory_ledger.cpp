// Sums per tier and consumer, their peaks, and the message of a tier that is too small.
#include "sim/engine/memory_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::size_t kNamed = 4;  // consumers that a message names

Consumer& entry(std::vector<Consumer>& consumers, std::string_view what) {
  const auto found =
      std::find_if(consumers.begin(), consumers.end(), [&](const Consumer& consumer) { return consumer.what == what; });
  if (found != consumers.end()) return *found;
  consumers.push_back({std::string(what), Bytes()});
  return consumers.back();
}

// Decimal units, as memory sizes of machines and bandwidths are given here.
std::string size_text(Bytes bytes) {
  constexpr struct {
    double scale;
    const char* unit;
  } kScales[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
  for (const auto& [scale, unit] : kScales) {
    if (bytes.value() >= scale) return fmt::format("{:.1f} {}", bytes.value() / scale, unit);
  }
  return fmt::format("{:.0f} B", bytes.value());
}

std::string overcommit_message(const std::string& tier, const Overcommit& over) {
  std::string largest;
  for (std::size_t i = 0; i < std::min(kNamed, over.largest.size()); ++i) {
    const Consumer& consumer = over.largest[i];
    largest += fmt::format("{}{} {}", i == 0 ? "" : ", ", consumer.what, size_text(consumer.amount));
  }
  return fmt::format("{}: needs {}, has {}; largest: {}", tier, size_text(over.needed), size_text(over.capacity),
                     largest);
}

void check_amount(Bytes bytes, std::string_view what) {
  CHECK(bytes.value() >= 0.0 && std::isfinite(bytes.value()), "'{}' takes {} bytes", what, bytes.value());
}

}  // namespace

TierId MemoryLedger::add_tier(std::string name, Bytes capacity) {
  const TierId tier(tiers_.size());
  tiers_.push_back({std::move(name), capacity, Bytes(), Bytes(), {}, {}, Instant()});
  return tier;
}

void MemoryLedger::add(TierId tier, std::string_view what, Bytes bytes) {
  check_amount(bytes, what);
  Tier& at = tiers_[tier.index()];
  entry(at.consumers, what).amount += bytes;
  at.total += bytes;
  if (at.total > at.peak) {
    at.peak = at.total;
    at.at_peak = at.consumers;
  }
}

void MemoryLedger::remove(TierId tier, std::string_view what, Bytes bytes) {
  check_amount(bytes, what);
  Tier& at = tiers_[tier.index()];
  Consumer& consumer = entry(at.consumers, what);
  CHECK(bytes <= consumer.amount, "'{}' gives back {} of the {} bytes it holds", what, bytes.value(),
        consumer.amount.value());
  consumer.amount -= bytes;
  at.total -= bytes;
}

void MemoryLedger::add(TierId tier, std::string_view what, Bytes bytes, Instant at) {
  add(tier, what, bytes);
  sample(tier, at);
}

void MemoryLedger::remove(TierId tier, std::string_view what, Bytes bytes, Instant at) {
  remove(tier, what, bytes);
  sample(tier, at);
}

void MemoryLedger::sample(TierId tier, Instant at) {
  Tier& sampled = tiers_[tier.index()];
  CHECK(at >= sampled.sampled, "tier '{}' is sampled at {} ps after {} ps", sampled.name, at.ps(),
        sampled.sampled.ps());
  sampled.sampled = at;
  samples_.push_back({at, tier, sampled.total});
}

std::vector<Consumer> MemoryLedger::largest(TierId tier) const {
  std::vector<Consumer> sorted;
  for (const Consumer& consumer : tiers_[tier.index()].at_peak) {
    if (consumer.amount > Bytes()) sorted.push_back(consumer);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Consumer& a, const Consumer& b) { return a.amount > b.amount; });
  return sorted;
}

std::vector<Overcommit> MemoryLedger::overcommitted() const {
  std::vector<Overcommit> result;
  for (std::size_t i = 0; i < tiers_.size(); ++i) {
    const Tier& tier = tiers_[i];
    if (tier.peak <= tier.capacity) continue;
    Overcommit over{TierId(i), tier.peak, tier.capacity, largest(TierId(i)), {}};
    over.message = overcommit_message(tier.name, over);
    result.push_back(std::move(over));
  }
  return result;
}

}  // namespace outrider
