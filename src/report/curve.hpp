#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ganvas {

/// A scalar over the steps in bounded memory: when there are too many points, neighbours are merged in pairs. What a
/// curve holds follows from the values alone, so that replaying a log gives the same curve.
class Curve {
 public:
  static constexpr std::size_t max_points = 400;

  /// One or more values in a row.
  struct Point {
    std::int64_t first = 0, last = 0;  ///< steps
    double sum = 0, low = 0, high = 0;
    std::int64_t count = 0;
    double mean() const { return sum / static_cast<double>(count); }
  };
  struct Value {
    std::int64_t step = 0;
    double value = 0;
  };

  /// Values that aren't finite are counted only.
  void add(std::int64_t step, double value);

  const std::vector<Point>& points() const { return points_; }
  bool empty() const { return points_.empty(); }
  const Value& latest() const { return latest_; }
  const Value& lowest() const { return lowest_; }    ///< the earliest, where several are equal
  const Value& highest() const { return highest_; }  ///< likewise
  std::int64_t not_finite() const { return not_finite_; }
  std::int64_t first_not_finite() const { return first_not_finite_; }  ///< its step

 private:
  void merge_pairs();

  std::vector<Point> points_;
  std::int64_t values_per_point_ = 1;
  Value latest_, lowest_, highest_;
  std::int64_t not_finite_ = 0, first_not_finite_ = 0;
};

}  // namespace ganvas
