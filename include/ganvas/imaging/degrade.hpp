#pragma once

#include <array>
#include <vector>

#include "ganvas/core/rng.hpp"
#include "ganvas/imaging/image.hpp"

/// How a good picture becomes a bad small one, at random: the training inputs of networks for photographs from the
/// wild. All defaults are the published ones.
namespace ganvas {

/// Drawn from evenly.
struct Interval {
  double low = 0, high = 0;
  double draw(Rng& rng) const { return rng.uniform(low, high); }
};

/// Odd numbers from low to high, drawn evenly.
struct OddSizes {
  int low = 7, high = 21;
  int draw(Rng& rng) const { return low + 2 * static_cast<int>(rng.below((high - low) / 2 + 1)); }
};

enum class ResizeMode {
  area,      ///< box average; the mean of one or two samples an axis when enlarging
  bilinear,  ///< without widening when shrinking, as such software does: it aliases
  bicubic,   ///< Keys a = -0.75, not widened either
};

/// One round of blur, resize and noise.
struct DegradeStage {
  double blur_probability = 1;
  OddSizes kernel_sizes{};                 ///< pixels
  double sinc_probability = 0.1;           ///< a blur is a low pass with ringing; else one of the six shapes
  Interval sinc_cutoff{1.0 / 5, 1};        ///< of pi radians a pixel
  Interval sinc_cutoff_small{1.0 / 3, 1};  ///< the same for kernels smaller than 13
  /// Isotropic and anisotropic Gaussian, the same generalised, the same as plateau; relative.
  std::array<double, 6> kernel_weights{0.45, 0.25, 0.12, 0.03, 0.12, 0.03};
  Interval sigma{0.2, 3};                               ///< of either axis, pixels
  Interval rotation{-180, 180};                         ///< degrees
  Interval beta_generalised{0.5, 4};                    ///< half of the draws below 1, half above
  Interval beta_plateau{1, 2};                          ///< the same
  std::array<double, 3> resize_weights{0.2, 0.7, 0.1};  ///< up, down, keep; relative
  Interval resize_range{0.15, 1.5};                     ///< factor; down takes the part below 1, up that above
  std::vector<ResizeMode> resize_modes{ResizeMode::area, ResizeMode::bilinear, ResizeMode::bicubic};
  double gaussian_probability = 0.5;  ///< else shot noise
  Interval gaussian_sigma{1, 30};     ///< of 255
  Interval poisson_scale{0.05, 3};
  double gray_probability = 0.4;  ///< of either noise to be the same in all channels
};

/// Second-order degradation (Wang, Xie, Dong and Shan: Real-ESRGAN, ICCV workshops 2021): stage, JPEG, stage, then
/// either resize + low pass + JPEG or JPEG + resize + low pass. The second stage's factors are relative to the
/// low-resolution size; the first's to the full size.
struct DegradeOptions {
  DegradeStage first;
  Interval jpeg_quality{30, 95};  ///< after the first stage
  DegradeStage second{.blur_probability = 0.8,
                      .sigma = {0.2, 1.5},
                      .resize_weights = {0.3, 0.4, 0.3},
                      .resize_range = {0.3, 1.2},
                      .gaussian_sigma = {1, 25},
                      .poisson_scale = {0.05, 2.5}};
  double jpeg_last_probability = 0.5;
  Interval final_jpeg_quality{30, 95};
  double final_sinc_probability = 0.8;
  OddSizes final_kernel_sizes{};
  Interval final_sinc_cutoff{1.0 / 3, 1};  ///< of pi radians a pixel
  std::vector<ResizeMode> final_resize_modes{ResizeMode::area, ResizeMode::bilinear, ResizeMode::bicubic};
};

/// Degradation in shuffled order (Zhang, Liang, Van Gool and Timofte: BSRGAN, ICCV 2021, section 3): two blurs, two
/// shrinkings (in this order), noise and JPEG, shuffled; JPEG at the end. The paper's camera noise, which needs a model
/// of a camera, is left out, as it is in the published code. Lengths depend on the scale s.
struct BsrganOptions {
  double halve_probability = 0.25;  ///< x4: halved first, and the rest as for x2
  OddSizes kernel_sizes{7, 25};
  double anisotropic_probability = 0.5;   ///< eigenvalues of the covariance up to 4 + s; else sigma up to 2 + 0.2 s
  double free_shrink_probability = 0.75;  ///< by 1 to 2 s in any mode; else a Gaussian of 0.1 to 0.6 s and every s-th
  Interval noise_sigma{2, 25};            ///< of 255, whole numbers
  std::array<double, 3> noise_weights{0.4, 0.4, 0.2};  ///< colour, gray, correlated between the channels; relative
  double jpeg_probability = 0.9;                       ///< within the shuffle
  Interval jpeg_quality{30, 95};
};

/// Degrades a u8 RGB picture to exactly floor(size / scale) (the right and bottom rest is cropped off first). The same
/// generator state gives the same result. Throws Error(usage) for another type and for pictures smaller than `scale`.
Image degrade(const Image& hr, const DegradeOptions& options, int scale, Rng& rng);
Image degrade(const Image& hr, const BsrganOptions& options, int scale, Rng& rng);

}  // namespace ganvas
