#include "ganvas/imaging/degrade.hpp"

#include <numbers>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/blur_kernel.hpp"
#include "ganvas/imaging/noise.hpp"
#include "imaging/degrade_steps.hpp"

namespace ganvas {

using namespace degrading;

namespace {

/// Half of the draws on either side of 1.
double draw_beta(const Interval& range, Rng& rng) {
  return happens(0.5, rng) ? rng.uniform(range.low, 1) : rng.uniform(1, range.high);
}

BlurKernel draw_shape(const DegradeStage& stage, int size, Rng& rng) {
  const std::size_t kind = pick(stage.kernel_weights, rng);
  BlurShape shape;
  shape.along = shape.across = stage.sigma.draw(rng);
  if (kind % 2 == 1) {
    shape.across = stage.sigma.draw(rng);
    shape.angle = stage.rotation.draw(rng) * std::numbers::pi / 180;
  }
  switch (kind / 2) {
    case 0:
      return kind == 0 ? gaussian_kernel(size, shape.along) : generalised_gaussian_kernel(size, shape);
    case 1:
      return generalised_gaussian_kernel(size, shape, draw_beta(stage.beta_generalised, rng));
    default:
      return plateau_kernel(size, shape, draw_beta(stage.beta_plateau, rng));
  }
}

BlurKernel draw_kernel(const DegradeStage& stage, Rng& rng) {
  const int size = stage.kernel_sizes.draw(rng);
  if (!happens(stage.sinc_probability, rng)) return draw_shape(stage, size, rng);
  const Interval& cutoff = size < 13 ? stage.sinc_cutoff_small : stage.sinc_cutoff;
  return sinc_kernel(size, cutoff.draw(rng) * std::numbers::pi);
}

double draw_factor(const DegradeStage& stage, Rng& rng) {
  switch (pick(stage.resize_weights, rng)) {
    case 0:
      return rng.uniform(1, stage.resize_range.high);
    case 1:
      return rng.uniform(stage.resize_range.low, 1);
    default:
      return 1;
  }
}

/// `base`: the size that the stage's factor refers to.
cv::Mat run_stage(cv::Mat pixels, const DegradeStage& stage, cv::Size base, Rng& rng) {
  if (happens(stage.blur_probability, rng)) pixels = draw_kernel(stage, rng).apply(pixels);
  const double factor = draw_factor(stage, rng);
  const cv::Size size(static_cast<int>(base.width * factor), static_cast<int>(base.height * factor));
  pixels = resize_to(pixels, size, stage.resize_modes, rng);
  const bool gaussian = happens(stage.gaussian_probability, rng), gray = happens(stage.gray_probability, rng);
  if (gaussian) add_gaussian_noise(pixels, stage.gaussian_sigma.draw(rng) / 255, gray, rng);
  else add_poisson_noise(pixels, stage.poisson_scale.draw(rng), gray, rng);
  return pixels;
}

}  // namespace

Image degrade(const Image& hr, const DegradeOptions& options, int scale, Rng& rng) {
  cv::Mat pixels = start(hr, scale);
  const cv::Size full = pixels.size(), small(full.width / scale, full.height / scale);
  pixels = run_stage(pixels, options.first, full, rng);
  pixels = compress(pixels, options.jpeg_quality, rng);
  pixels = run_stage(pixels, options.second, small, rng);

  const auto shrink_and_filter = [&] {
    pixels = resize_to(pixels, small, options.final_resize_modes, rng);
    if (!happens(options.final_sinc_probability, rng)) return;
    const int size = options.final_kernel_sizes.draw(rng);
    pixels = sinc_kernel(size, options.final_sinc_cutoff.draw(rng) * std::numbers::pi).apply(pixels);
  };
  const bool jpeg_last = happens(options.jpeg_last_probability, rng);
  if (jpeg_last) shrink_and_filter();
  pixels = compress(pixels, options.final_jpeg_quality, rng);
  if (!jpeg_last) shrink_and_filter();
  return finish(pixels);
}

}  // namespace ganvas
