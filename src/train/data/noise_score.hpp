#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ganvas/distribution/features.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// How well pictures from noise do: their distribution against that of real pictures, in the space of a feature
/// network. Recipe table [validate]: network (a name or file, default "features", which ships; empty for no score),
/// pictures (so many of each).
class NoiseScore {
 public:
  explicit NoiseScore(const TaskContext& context);
  int pictures() const { return pictures_; }
  /// Whether there is anything to compare with.
  bool on() const { return real_.has_value(); }
  void load(const std::vector<Image>& real);
  /// FID, KID, precision and recall by their names for this network (figure_name()); empty unless on().
  Scalars operator()(const std::function<void(FeatureGatherer&)>& add_fakes) const;
  /// Larger is better: the kernel distance, negated; it has no bias of few pictures.
  double of(const Scalars& figures) const;

 private:
  FeatureOptions options_;
  int pictures_ = 0;
  FeatureNetworkPtr network_;
  std::optional<FeatureSet> real_;
};

}  // namespace ganvas
