#include "ganvas/infer/projection.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "ganvas/core/error.hpp"
#include "infer/alone.hpp"

namespace ganvas {

using torch::Tensor;

namespace {

constexpr std::int64_t small_picture = 128 * 128;

struct Spread {
  Tensor mean;  ///< 1 x 1 x style
  double deviation;
};

/// Of 10,000 styles, classes by turns.
Spread spread_of(NoiseGenerator& network, std::uint64_t seed, torch::Device device) {
  constexpr std::int64_t count = 10000;
  const torch::NoGradGuard no_grad;
  const NoiseGeneratorInfo info = network.info();
  auto random = torch::make_generator<at::CPUGeneratorImpl>(seed);
  const Tensor noise = torch::randn({count, info.noise}, random).to(device);
  Tensor classes;
  if (info.classes > 0)
    classes = torch::one_hot(torch::arange(count) % info.classes, info.classes).to(torch::kFloat).to(device);
  const Tensor styles = network.map(noise, classes).select(1, 0);
  const Tensor mean = styles.mean(0, true);
  return {mean.unsqueeze(1), std::sqrt((styles - mean).square().sum().item<double>() / count)};
}

/// How far planes are from being noise: correlations with neighbours at all scales (eq. 10 there).
Tensor noise_signal(const std::vector<Tensor>& planes, torch::Device device) {
  Tensor sum = torch::zeros({}, device);
  for (const Tensor& plane : planes) {
    Tensor x = plane.unsqueeze(0).unsqueeze(0);
    for (;;) {
      sum = sum + (x * x.roll(1, 3)).mean().square() + (x * x.roll(1, 2)).mean().square();
      if (x.size(2) <= 8 || x.size(3) <= 8) break;
      x = torch::avg_pool2d(x, 2);
    }
  }
  return sum;
}

/// Rises over the first 5 % of the way, falls along half a cosine over the last 25 %.
double ramp(double done) {
  const double fall = std::min(1.0, (1 - done) / 0.25);
  return (0.5 - 0.5 * std::cos(fall * std::numbers::pi)) * std::min(1.0, done / 0.05);
}

/// The network's planes of noise as variables; gives them back as they were.
class BorrowedPlanes {
 public:
  explicit BorrowedPlanes(NoiseGenerator& network) : named_(network.noise_planes()) {
    for (const auto& [key, plane] : named_) {
      kept_.push_back(plane.clone());
      variables_.push_back(plane);
      variables_.back().set_requires_grad(true);
    }
  }
  ~BorrowedPlanes() {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      variables_[i].set_requires_grad(false);
      variables_[i].mutable_grad() = Tensor();
      variables_[i].copy_(kept_[i]);
    }
  }
  BorrowedPlanes(const BorrowedPlanes&) = delete;
  BorrowedPlanes& operator=(const BorrowedPlanes&) = delete;

  const std::vector<Tensor>& variables() const { return variables_; }
  /// To a mean of 0 and a variance of 1.
  void normalise() {
    const torch::NoGradGuard no_grad;
    for (Tensor& plane : variables_) {
      plane.sub_(plane.mean());
      plane.mul_(plane.square().mean().add(1e-12).rsqrt());
    }
  }
  std::vector<std::pair<std::string, Tensor>> copies() const {
    std::vector<std::pair<std::string, Tensor>> all;
    for (const auto& [key, plane] : named_) all.emplace_back(key, plane.detach().clone());
    return all;
  }

 private:
  std::vector<std::pair<std::string, Tensor>> named_;
  std::vector<Tensor> kept_, variables_;
};

}  // namespace

Projected project(NoiseGenerator& network, const Tensor& target, const DistanceTo& distance_to,
                  const ProjectOptions& options, const std::function<void(int, double)>& step) {
  const NoiseGeneratorInfo info = network.info();
  if (info.style == 0)
    fail(ErrorKind::usage, "projection searches styles, and {} has none; networks like stylegan2 do",
         network.architecture());
  const torch::Device device = target.device();
  std::optional<AloneScope> alone;
  if (target.size(2) * target.size(3) <= small_picture) alone.emplace();
  const PictureDistance distance = distance_to(target);
  const Spread spread = spread_of(network, options.seed, device);
  auto random = torch::make_generator<at::CPUGeneratorImpl>(options.seed + 1);
  Tensor w = spread.mean.repeat({1, options.each_layer ? info.layers : 1, 1}).set_requires_grad(true);
  BorrowedPlanes planes(network);
  std::vector<Tensor> learnt = planes.variables();
  learnt.push_back(w);
  torch::optim::Adam adam(learnt, torch::optim::AdamOptions(options.rate));
  const auto picture_of = [&](const Tensor& styles) {
    return network.synthesise(styles.expand({1, info.layers, info.style}), LayerNoise::constant);
  };
  Projected result;
  constexpr int shown = 5;
  for (int i = 0; i < options.steps; ++i) {
    const double done = static_cast<double>(i) / options.steps;
    const double blur = spread.deviation * 0.05 * std::pow(std::max(0.0, 1 - done / 0.75), 2);
    static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options()).lr(options.rate * ramp(done));
    const Tensor picture = picture_of(w + blur * torch::randn(w.sizes(), random).to(device));
    if (i % std::max(1, options.steps / shown) == 0) result.progress.push_back(picture.detach().clone());
    const Tensor apart = distance(picture);
    adam.zero_grad();
    (apart + options.noise * noise_signal(planes.variables(), device)).backward();
    adam.step();
    planes.normalise();
    if (step) step(i, apart.item<double>());
  }
  const torch::NoGradGuard no_grad;
  result.styles = w.detach().expand({1, info.layers, info.style}).contiguous().clone();
  result.picture = picture_of(result.styles).clone();
  result.distance = distance(result.picture).item<double>();
  result.planes = planes.copies();
  return result;
}

}  // namespace ganvas
