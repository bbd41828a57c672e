#include "report/curve.hpp"

#include <algorithm>
#include <cmath>

namespace ganvas {

namespace {

void append(Curve::Point& point, const Curve::Point& next) {
  point.last = next.last;
  point.sum += next.sum;
  point.low = std::min(point.low, next.low);
  point.high = std::max(point.high, next.high);
  point.count += next.count;
}

}  // namespace

void Curve::add(std::int64_t step, double value) {
  if (!std::isfinite(value)) {
    if (not_finite_++ == 0) first_not_finite_ = step;
    return;
  }
  latest_ = {step, value};
  if (points_.empty() || value < lowest_.value) lowest_ = latest_;
  if (points_.empty() || value > highest_.value) highest_ = latest_;
  const Point point{step, step, value, value, value, 1};
  if (points_.empty() || points_.back().count >= values_per_point_) points_.push_back(point);
  else append(points_.back(), point);
  if (points_.size() > max_points) merge_pairs();
}

void Curve::merge_pairs() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points_.size(); i += 2, ++kept) {
    points_[kept] = points_[i];
    if (i + 1 < points_.size()) append(points_[kept], points_[i + 1]);
  }
  points_.resize(kept);
  values_per_point_ *= 2;
}

}  // namespace ganvas
