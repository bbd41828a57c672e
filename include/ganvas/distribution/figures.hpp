#pragma once

#include <map>
#include <string>

#include "ganvas/distribution/features.hpp"

namespace ganvas {

/// How far a set of generated pictures is from a set of real ones, as a whole.
struct DistributionFigures {
  double fid = 0;            ///< Frechet distance; the smaller, the better
  double kid = 0;            ///< kernel distance; the smaller, the better, around 0 for equal distributions
  double kid_deviation = 0;  ///< spread of kid over its subsets
  double precision = 0;      ///< share of the generated that looks real
  double recall = 0;         ///< share of the real that is generated
};

/// With the published settings: 100 subsets of (at most) 1000 for the kernel distance, 3 nearest neighbours. What needs
/// features that weren't kept, or more pictures than there are, is NaN.
DistributionFigures compare_distributions(const FeatureSet& real, const FeatureSet& generated);

/// The network as these metrics call it: "inception", "features" for the one that ships, else its architecture.
std::string feature_network_name(const FeatureNetwork& network);

/// "fid" is Inception's alone, with which papers publish; of another network it is called "fid_features" or the like,
/// since its figures compare only among themselves.
std::string figure_name(const std::string& figure, const FeatureNetwork& network);

/// The figures by name: fid, kid, kid_std, precision and recall, named by figure_name().
std::map<std::string, double> named_figures(const DistributionFigures& figures, const FeatureNetwork& network);

}  // namespace ganvas
