// What to keep. Everything that convolutions and sums give is a candidate; what doesn't fit goes, the large first, and
// then what is as cheap to compute again.
#include <algorithm>

#include "engine/regions/schedule.hpp"

namespace ganvas::engine {

namespace {

class Chooser {
 public:
  Chooser(const Problem& problem, bool half) : p_(problem), half_(half), keep_(problem.graph.size(), false) {}

  Schedule run() {
    for (const NodeId id : p_.graph.ids()) keep_[id] = is_candidate(id);
    best_ = with();
    while (best_.kept_bytes > p_.keep_bytes && remove_one()) {
    }
    // Networks of hundreds of layers would be planned longer than computed.
    const auto kept = std::count(keep_.begin(), keep_.end(), true);
    if (static_cast<std::size_t>(kept) * best_.passes.size() > most_steps) return best_;
    for (const NodeId id : by_bytes()) reconsider(id);
    return best_;
  }

 private:
  static constexpr std::size_t most_steps = 20000;
  static constexpr std::size_t most_tries = 8;

  double bytes(NodeId id) const { return kept_bytes_of(p_, id, half_); }
  Schedule with() const { return schedule_with(p_, keep_, half_); }
  Schedule without(NodeId id) {
    keep_[id] = false;
    Schedule tried = with();
    keep_[id] = true;
    return tried;
  }

  /// Norms, activations and the like are computed from what is before them as fast as they are read.
  bool is_candidate(NodeId id) const {
    if (id == p_.graph.output() || p_.graph[id]->effort() < Effort::sum) return false;
    return p_.sizes[id].area() > 1 && bytes(id) <= p_.keep_bytes;
  }

  /// Of the largest values in the fullest pass the one that is missed least. Whether there was one.
  bool remove_one() {
    std::vector<NodeId> alive = best_.passes[static_cast<std::size_t>(best_.fullest)].written;
    for (const NodeId id : p_.graph.ids())
      if (is_alive(id)) alive.push_back(id);
    double largest = 0;
    for (const NodeId id : alive) largest = std::max(largest, bytes(id));
    std::erase_if(alive, [&](NodeId id) { return bytes(id) < largest; });
    if (alive.empty()) return false;
    if (alive.size() > most_tries) alive.resize(most_tries);
    NodeId removed = alive[0];
    Schedule found = without(removed);
    for (std::size_t k = 1; k < alive.size(); ++k) {
      Schedule tried = without(alive[k]);
      if (tried.cost >= found.cost) continue;
      removed = alive[k];
      found = std::move(tried);
    }
    keep_[removed] = false;
    best_ = std::move(found);
    return true;
  }
  /// Written before the fullest pass and read in it or later.
  bool is_alive(NodeId id) const {
    const auto full = static_cast<std::size_t>(best_.fullest);
    if (!best_.passes[full].known[id]) return false;
    for (std::size_t k = full; k < best_.passes.size(); ++k)
      if (std::ranges::find(best_.passes[k].read, id) != best_.passes[k].read.end()) return true;
    return false;
  }

  /// Candidates, the largest first.
  std::vector<NodeId> by_bytes() const {
    std::vector<NodeId> order;
    for (const NodeId id : p_.graph.ids())
      if (is_candidate(id)) order.push_back(id);
    std::ranges::stable_sort(order, [&](NodeId a, NodeId b) { return bytes(a) > bytes(b); });
    return order;
  }

  /// Whether all is better with this one the other way round.
  void reconsider(NodeId id) {
    keep_[id] = !keep_[id];
    Schedule tried = with();
    // Of two schedules that cost the same the one that keeps less.
    const bool better = keep_[id] ? tried.cost < 0.99 * best_.cost : tried.cost <= best_.cost;
    if (better && tried.kept_bytes <= p_.keep_bytes) best_ = std::move(tried);
    else keep_[id] = !keep_[id];
  }

  const Problem& p_;
  bool half_;
  PerNode<bool> keep_;
  Schedule best_;
};

}  // namespace

Schedule choose_schedule(const Problem& problem, bool half) { return Chooser(problem, half).run(); }

}  // namespace ganvas::engine
