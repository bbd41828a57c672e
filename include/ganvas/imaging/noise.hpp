#pragma once

#include <opencv2/core/mat.hpp>

#include "ganvas/core/rng.hpp"

/// Noise on float pictures (CV_32F, any channel count, nominally 0..1), in place; results are clipped to 0..1. The
/// same generator state gives the same noise.
namespace ganvas {

/// Adds normal noise of standard deviation `sigma`; `gray`: the same in all channels.
void add_gaussian_noise(cv::Mat& pixels, double sigma, bool gray, Rng& rng);

/// Adds three-channel normal noise whose channels have the covariance `covariance` (positive semidefinite).
void add_correlated_noise(cv::Mat& pixels, const cv::Matx33d& covariance, Rng& rng);

/// Adds `strength` times shot noise: a sample v (rounded to 8 bit) gets Poisson(v n)/n - v, where n is the number of
/// 8-bit levels that occur in the picture, rounded up to a power of two (Real-ESRGAN's convention). `gray`: the noise
/// of the luma, the same in all channels. 1 or 3 channels.
void add_poisson_noise(cv::Mat& pixels, double strength, bool gray, Rng& rng);

}  // namespace ganvas
