#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/distribution/features.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// How well pictures without partners do, as a set: their distribution against that of real pictures, in the space of a
/// feature network. Recipe table [validate]: network (a name or file, default "features", which ships; empty for no
/// score), pictures (at most so many).
class DistributionScore {
 public:
  DistributionScore(const TaskContext& context, int default_pictures);
  int pictures() const { return pictures_; }
  /// The real pictures; fewer than two are nothing to compare with.
  void load(const std::vector<Image>& real);
  /// Whether there are a network and real pictures.
  bool on() const { return real_.has_value(); }
  /// FID, KID, precision and recall of what `add` adds, at least two pictures, by their names (figure_name()); what too
  /// few pictures can't tell is NaN. Empty unless on().
  Scalars operator()(const std::function<void(FeatureGatherer&)>& add) const;
  /// A figure's name for this network, e.g. fid_features.
  std::string name_of(const std::string& figure) const;

 private:
  FeatureSet gathered(const std::function<void(FeatureGatherer&)>& add) const;

  torch::Device device_;
  int pictures_;
  FeatureNetworkPtr network_;
  std::optional<FeatureSet> real_;
};

}  // namespace ganvas
