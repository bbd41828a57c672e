// What to keep. Everything that convolutions and sums give is a candidate; what doesn't fit goes, the large first, and
// then what is as cheap to compute again.
#include <torch/torch.h>

#include <algorithm>

#include "engine/region_schedule.hpp"

namespace ganvas::engine {

namespace {

class Chooser {
 public:
  Chooser(const Problem& problem, bool half) : p_(problem), half_(half), keep_(problem.graph.nodes.size(), false) {}

  Schedule run() {
    for (int i = 0; i < p_.graph.output(); ++i) set(i, is_candidate(i));
    best_ = with();
    while (best_.kept_bytes > p_.keep_bytes && remove_one()) {
    }
    // Networks of hundreds of layers would be planned longer than computed.
    const auto kept = std::count(keep_.begin(), keep_.end(), true);
    if (static_cast<std::size_t>(kept) * best_.passes.size() > most_steps) return best_;
    for (const int i : by_bytes()) reconsider(i);
    return best_;
  }

 private:
  static constexpr std::size_t most_steps = 20000;
  static constexpr std::size_t most_tries = 8;

  void set(int i, bool keep) { keep_[static_cast<std::size_t>(i)] = keep; }
  bool kept(int i) const { return keep_[static_cast<std::size_t>(i)]; }
  double bytes(int i) const { return kept_bytes_of(p_, i, half_); }
  Schedule with() const { return schedule_with(p_, keep_, half_); }

  /// Norms, activations and the like are computed from what is before them as fast as they are read.
  bool is_candidate(int i) const {
    const Node& n = p_.graph.nodes[static_cast<std::size_t>(i)];
    if (!is_convolution(n) && n.op != Op::add && n.op != Op::multiply) return false;
    return p_.sizes[static_cast<std::size_t>(i)].area() > 1 && bytes(i) <= p_.keep_bytes;
  }

  /// Of the largest values in the fullest pass the one that is missed least. Whether there was one.
  bool remove_one() {
    std::vector<int> alive = best_.passes[static_cast<std::size_t>(best_.fullest)].written;
    for (int i = 0; i < p_.graph.output(); ++i)
      if (is_alive(i)) alive.push_back(i);
    double largest = 0;
    for (const int i : alive) largest = std::max(largest, bytes(i));
    std::erase_if(alive, [&](int i) { return bytes(i) < largest; });
    if (alive.size() > most_tries) alive.resize(most_tries);
    Schedule found;
    int removed = -1;
    for (const int i : alive) {
      set(i, false);
      Schedule tried = with();
      set(i, true);
      if (removed >= 0 && tried.cost >= found.cost) continue;
      removed = i;
      found = std::move(tried);
    }
    if (removed < 0) return false;
    set(removed, false);
    best_ = std::move(found);
    return true;
  }
  /// Written before the fullest pass and read in it or later.
  bool is_alive(int i) const {
    const auto full = static_cast<std::size_t>(best_.fullest);
    if (!best_.passes[full].known[static_cast<std::size_t>(i)]) return false;
    for (std::size_t k = full; k < best_.passes.size(); ++k)
      if (std::ranges::find(best_.passes[k].read, i) != best_.passes[k].read.end()) return true;
    return false;
  }

  /// Candidates, the largest first.
  std::vector<int> by_bytes() const {
    std::vector<int> order;
    for (int i = 0; i < p_.graph.output(); ++i)
      if (is_candidate(i)) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return bytes(a) > bytes(b); });
    return order;
  }

  /// Whether all is better with this one the other way round.
  void reconsider(int i) {
    set(i, !kept(i));
    Schedule tried = with();
    // Of two schedules that cost the same the one that keeps less.
    const bool better = kept(i) ? tried.cost < 0.99 * best_.cost : tried.cost <= best_.cost;
    if (better && tried.kept_bytes <= p_.keep_bytes) best_ = std::move(tried);
    else set(i, !kept(i));
  }

  const Problem& p_;
  bool half_;
  std::vector<bool> keep_;
  Schedule best_;
};

}  // namespace

Schedule choose_schedule(const Problem& problem, bool half) { return Chooser(problem, half).run(); }

}  // namespace ganvas::engine
