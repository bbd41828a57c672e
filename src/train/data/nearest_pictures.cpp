#include "train/data/nearest_pictures.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

torch::Tensor NearestPictures::described(const Image& picture) {
  const torch::NoGradGuard no_grad;
  return torch::adaptive_avg_pool2d(tensor_from_image(picture.pixels), {16, 16}).contiguous().flatten();
}

NearestPictures::Found NearestPictures::operator()(const Image& picture) const {
  const torch::NoGradGuard no_grad;
  cv::Mat turned;
  cv::flip(picture.pixels, turned, 1);
  const torch::Tensor both = torch::stack({described(picture), described(Image(turned))});
  // The plain way of computing distances: products of sums would give equal pictures a distance above 0.
  const torch::Tensor distances = torch::cdist(both, features_, 2.0, /*compute_mode=*/2).amin(0);
  const auto [least, at] = distances.min(0);
  return {static_cast<std::size_t>(at.item<std::int64_t>()),
          least.item<double>() / std::sqrt(static_cast<double>(features_.size(1)))};
}

double NearestPictures::median_distance(const std::vector<Image>& pictures) const {
  std::vector<double> all;
  for (const Image& picture : pictures) all.push_back((*this)(picture).distance);
  if (all.empty()) return 0;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

}  // namespace ganvas
