#pragma once

#include <torch/types.h>

#include <vector>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Which training picture is most like a given one: by squared differences at 16 x 16 pixels, mirrored ones too, so
/// that a copy is found whatever became of its details.
class NearestPictures {
 public:
  /// The pictures by numbers from 0, of one shape; `picture` is called once for each.
  template <typename Get>
  void load(std::size_t count, Get picture) {
    std::vector<torch::Tensor> rows;
    for (std::size_t i = 0; i < count; ++i) rows.push_back(described(picture(i)));
    features_ = count > 0 ? torch::stack(rows) : torch::Tensor();
  }
  bool on() const { return features_.defined(); }

  struct Found {
    std::size_t index = 0;
    double distance = 0;  ///< root of the mean squared difference, samples in [0, 1]
  };
  Found operator()(const Image& picture) const;
  /// The median of the distances.
  double median_distance(const std::vector<Image>& pictures) const;

 private:
  static torch::Tensor described(const Image& picture);
  torch::Tensor features_;  ///< pictures x numbers
};

}  // namespace ganvas
