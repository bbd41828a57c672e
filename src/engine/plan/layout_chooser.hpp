#pragma once

#include <list>
#include <string>

#include "engine/choice/choice_cache.hpp"
#include "engine/choice/known_cpus.hpp"
#include "engine/choice/robust_time.hpp"
#include "engine/plan/measured_costs.hpp"
#include "ganvas/engine/engine.hpp"

namespace ganvas::engine {

/// This machine, as far as it may be used.
CpuFacts cpu_facts();

/// What a chooser stands on; tests pretend.
struct ChooserGround {
  CpuFacts cpu = cpu_facts();
  Stopwatch stopwatch = clock_stopwatch();
  ChoiceCache cache = ChoiceCache::of_user();
};

/// Chooses the layouts of one network on this machine: what was measured before, else what is known of the CPU, else
/// what is measured now and kept.
class LayoutChooser {
 public:
  /// `graph` stays. `typical`: a size of picture that the network takes, for which precisions are compared before there
  /// is a picture, and for whose layouts tiny ones don't count.
  LayoutChooser(const Graph& graph, Numbers numbers, FeatureLayout wish, Size typical, ChooserGround ground = {});

  /// For pictures of this size, or about so large.
  const Together& layouts_for(Size picture);

  /// Measures for pictures of this size, whatever is known, and keeps what was found.
  struct Measured {
    std::vector<MeasuredCosts::Row> rows;
    ChoiceCache::Entry chosen;
    std::string in_words;
  };
  Measured measure(Size picture, double most_seconds);

  /// "of 18 convolutions 17 with all channels of a pixel together, the others in blocks"
  std::string in_words(Size picture);

  /// Seconds of convolutions and copies for a typical picture: measured before, estimated where the CPU is known, or
  /// measured now.
  double typical_seconds();

 private:
  /// Pictures that take as long by the pixel; the tiny ones take what the large ones do.
  int size_class(Size picture) const;
  Together chosen(Size picture);
  std::string in_words(Size picture, const Together& together) const;
  Choice by_rates(Size picture) const;
  std::string key(Size picture) const;
  ValueLayouts plain(Size picture) const { return with(picture, Together(graph_.size(), false)); }
  ValueLayouts with(Size picture, const Together& together) const;

  const Graph& graph_;
  Numbers numbers_;
  FeatureLayout wish_;
  Size typical_;
  ChooserGround ground_;
  struct Known {
    int size_class;
    Together together;
  };
  std::list<Known> known_;
};

}  // namespace ganvas::engine
