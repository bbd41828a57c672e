#include "ganvas/loss/optimise_style.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/loss/perceptual.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

/// Shrunk by averages, enlarged smoothly; no side below `least`.
Tensor resized(const Tensor& picture, std::int64_t height, std::int64_t width) {
  const bool smaller = height < picture.size(2) || width < picture.size(3);
  if (smaller) return torch::adaptive_avg_pool2d(picture, {height, width});
  if (height == picture.size(2) && width == picture.size(3)) return picture;
  return torch::upsample_bicubic2d(picture, {height, width}, /*align_corners=*/false).clamp(0, 1);
}

Tensor at_longer_side(const Tensor& picture, std::int64_t side) {
  const std::int64_t longest = std::max(picture.size(2), picture.size(3));
  const auto length = [&](std::int64_t own) {
    return std::max<std::int64_t>(32, (own * side + longest / 2) / longest);
  };
  return resized(picture, length(picture.size(2)), length(picture.size(3)));
}

std::vector<std::string> chosen_style_layers(const FeatureNetwork& network) {
  std::vector<std::string> layers;
  const auto all = network.layer_names();
  for (int block = 1; block <= 5; ++block)
    if (const std::string name = "relu" + std::to_string(block) + "_1"; std::count(all.begin(), all.end(), name))
      layers.push_back(name);
  if (layers.empty()) layers = network.lpips_layers();
  if (layers.empty()) fail(ErrorKind::usage, "{} has no layers where styles are compared", network.architecture());
  return layers;
}

Tensor relative(const Tensor& difference, const Tensor& reference) {
  return difference.square().sum() / reference.square().sum().clamp_min(1e-12);
}

/// What the search is after at one size.
class Goal {
 public:
  Goal(FeatureNetwork& network, const Tensor& content, const std::vector<std::pair<Tensor, double>>& styles,
       const OptimisedStyleOptions& options, std::vector<std::string> style_layers,
       const std::vector<std::string>& content_layers)
      : network_(network), options_(options), layers_(std::move(style_layers)) {
    const torch::NoGradGuard no_grad;
    for (const auto& [picture, share] : styles) {
      const auto features = network.features(picture, layers_);
      for (std::size_t i = 0; i < features.size(); ++i) {
        const Tensor gram = share * gram_matrix(features[i]);
        if (i < grams_.size()) grams_[i] += gram;
        else grams_.push_back(gram);
      }
    }
    contents_ = network.features(content, content_layers);
    layers_.insert(layers_.end(), content_layers.begin(), content_layers.end());
  }

  Tensor loss(const Tensor& picture) const {
    const auto features = network_.features(picture, layers_);
    Tensor sum = options_.variation * neighbours(picture);
    for (std::size_t i = 0; i < grams_.size(); ++i)
      sum = sum + relative(gram_matrix(features[i]) - grams_[i], grams_[i]);
    for (std::size_t i = 0; i < contents_.size(); ++i) {
      const Tensor& wanted = contents_[i];
      sum = sum + options_.content * relative(features[grams_.size() + i] - wanted, wanted - wanted.mean({2, 3}, true));
    }
    return sum;
  }

 private:
  static Tensor neighbours(const Tensor& x) {
    const auto along = [&](int axis) {
      const std::int64_t last = x.size(axis) - 1;
      return (x.narrow(axis, 1, last) - x.narrow(axis, 0, last)).square().mean();
    };
    return along(2) + along(3);
  }

  FeatureNetwork& network_;
  const OptimisedStyleOptions& options_;
  std::vector<std::string> layers_;
  std::vector<Tensor> grams_, contents_;
};

std::vector<std::int64_t> sizes_up_to(std::int64_t last, std::int64_t first) {
  std::vector<std::int64_t> sizes{last};
  while (std::llround(static_cast<double>(sizes.back()) / std::sqrt(2.0)) >= first)
    sizes.push_back(std::llround(static_cast<double>(sizes.back()) / std::sqrt(2.0)));
  std::reverse(sizes.begin(), sizes.end());
  return sizes;
}

}  // namespace

Tensor optimise_style(FeatureNetwork& network, const Tensor& content,
                      const std::vector<std::pair<Tensor, double>>& styles, const OptimisedStyleOptions& options,
                      const std::function<void(double share, double loss)>& step) {
  const auto style_layers = options.style_layers.empty() ? chosen_style_layers(network) : options.style_layers;
  auto content_layers = options.content_layers;
  if (content_layers.empty()) content_layers = {style_layers[style_layers.size() > 2 ? style_layers.size() - 2 : 0]};
  const auto sizes = sizes_up_to(std::max(content.size(2), content.size(3)), options.first_size);
  Tensor picture = at_longer_side(content, sizes.front()), mean;
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    const Tensor wanted = s + 1 == sizes.size() && content.size(2) >= 32 && content.size(3) >= 32
                              ? content
                              : at_longer_side(content, sizes[s]);
    std::vector<std::pair<Tensor, double>> seen;
    for (const auto& [style, share] : styles) seen.emplace_back(at_longer_side(style, sizes[s]), share);
    const Goal goal(network, wanted, seen, options, style_layers, content_layers);
    picture = resized(mean.defined() ? mean : picture, wanted.size(2), wanted.size(3)).clone().requires_grad_();
    mean = torch::zeros_like(picture);
    torch::optim::Adam adam({picture}, torch::optim::AdamOptions(options.rate).betas({0.9, 0.99}));
    for (int i = 0; i < options.steps; ++i) {
      adam.zero_grad();
      const Tensor loss = goal.loss(picture);
      loss.backward();
      adam.step();
      const torch::NoGradGuard no_grad;
      picture.clamp_(0, 1);
      mean.mul_(options.average).add_(picture.detach(), 1 - options.average);
      if (step)
        step((static_cast<double>(s) + static_cast<double>(i + 1) / options.steps) / static_cast<double>(sizes.size()),
             loss.item<double>());
    }
    const torch::NoGradGuard no_grad;
    mean = (mean.detach() / (1 - std::pow(options.average, options.steps))).clamp(0, 1);
  }
  return resized(mean, content.size(2), content.size(3));
}

}  // namespace ganvas
