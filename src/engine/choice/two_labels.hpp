#pragma once

#include <cstdint>
#include <vector>

namespace ganvas::engine {

/// Items that are each one of two things, false or true, so that the sum of all costs is least: a minimum cut, which is
/// exact for any graph as long as what it costs to differ is no less than 0 (Kolmogorov and Zabih 2004).
class TwoLabels {
 public:
  explicit TwoLabels(std::size_t items = 0) : edges_(items + 2) {}

  std::size_t add();
  /// Seconds for an item that is false, and true; at least 0. What is no number, or beyond a thousand seconds, is that.
  void cost(std::size_t item, double as_false, double as_true);
  /// Seconds where `a` is false and `b` is true.
  void apart(std::size_t a, std::size_t b, double seconds);
  /// `b` is true only where `a` is.
  void only_with(std::size_t b, std::size_t a);

  /// One a item. Of equally cheap answers the one with the fewest true items.
  std::vector<bool> cheapest();

 private:
  using Amount = std::int64_t;  ///< picoseconds: sums stay exact
  struct Edge {
    std::size_t to = 0, back = 0;  ///< the node, and the other direction's place among its edges
    Amount left = 0;
  };
  static Amount amount(double seconds);
  void connect(std::size_t from, std::size_t to, Amount most);
  bool find_levels();
  Amount push(std::size_t node, Amount most);

  static constexpr std::size_t source = 0, sink = 1;
  static std::size_t node_of(std::size_t item) { return item + 2; }
  std::vector<std::vector<Edge>> edges_;
  std::vector<int> levels_;
  std::vector<std::size_t> next_;
};

}  // namespace ganvas::engine
