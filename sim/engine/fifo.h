// A first-in-first-out queue in one flat vector, whose memory is reused once it has emptied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace outrider {

template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  void push(const T& item) { items_.push_back(item); }
  T& front() { return items_[head_]; }
  const T& front() const { return items_[head_]; }

  // Amortised constant: the dead front is cut off when it makes up most of the vector.
  void pop() {
    ++head_;
    if (head_ < kKeptFront && head_ < items_.size()) return;
    if (head_ * 2 < items_.size()) return;
    std::copy(items_.begin() + static_cast<std::ptrdiff_t>(head_), items_.end(), items_.begin());
    items_.resize(items_.size() - head_);
    head_ = 0;
  }

 private:
  static constexpr std::size_t kKeptFront = 64;
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace outrider
