#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/choice/choose.hpp"
#include "engine/choice/robust_time.hpp"

namespace ganvas::engine {

/// What convolutions and copies take here, found out by doing them on a part of their rows. Equal convolutions are
/// timed once. All together takes a limited time; what doesn't fit in it counts the same in both layouts.
class MeasuredCosts final : public Costs {
 public:
  MeasuredCosts(const Graph& graph, const ValueLayouts& layouts, Numbers numbers, Stopwatch stopwatch,
                double most_seconds);

  double convolution(NodeId id, bool together) override;
  double copying(double bytes) override { return bytes * seconds_a_byte_; }

  /// What was found, in the order in which it was asked for.
  struct Row {
    NodeId id;  ///< the first of its kind
    bool together;
    std::string implementation;  ///< oneDNN's name; empty: it has none
    double seconds;              ///< infinite where there is none
    bool timed;                  ///< else guessed
    int count;                   ///< so many of the kind
  };
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::string kind_of(NodeId id, bool together) const;
  void measure_both(NodeId id);
  Row measured(NodeId id, bool together);
  double guessed(NodeId id) const;
  double with_activation(NodeId id, bool together) const;
  double copying_rate();

  const Graph& graph_;
  const ValueLayouts& layouts_;
  Numbers numbers_;
  Stopwatch stopwatch_;
  double left_;  ///< seconds of measuring
  double seconds_a_byte_ = 0;
  std::map<std::string, std::size_t> known_;  ///< places in rows_ by signature
  std::vector<Row> rows_;
  std::set<std::pair<NodeId, bool>> asked_;
};

}  // namespace ganvas::engine
