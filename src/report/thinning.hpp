#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ganvas {

/// Which steps of an ever longer series stay on show: the first, about evenly spaced ones, and the newest. Decided from
/// the series alone, step by step, so that steps once dropped never come back.
class Thinning {
 public:
  static constexpr std::size_t max_even = 12;

  /// Steps come in rising order.
  void add(std::int64_t step) {
    if (!kept_.empty() && kept_.back().first % stride_ != 0) kept_.pop_back();
    kept_.emplace_back(count_++, step);
    const auto uneven = [this](const auto& item) { return item.first % stride_ != 0; };
    if (kept_.size() - (uneven(kept_.back()) ? 1 : 0) <= max_even) return;
    stride_ *= 2;
    const auto newest = kept_.back();
    std::erase_if(kept_, uneven);
    if (kept_.back() != newest) kept_.push_back(newest);
  }
  /// At most max_even + 1 steps.
  std::vector<std::int64_t> kept() const {
    std::vector<std::int64_t> steps;
    for (const auto& [ordinal, step] : kept_) steps.push_back(step);
    return steps;
  }
  bool empty() const { return kept_.empty(); }
  std::int64_t newest() const { return kept_.back().second; }

 private:
  std::vector<std::pair<std::int64_t, std::int64_t>> kept_;  ///< ordinal in the series, step
  std::int64_t count_ = 0, stride_ = 1;
};

}  // namespace ganvas
