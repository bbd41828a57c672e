#pragma once

#include <opencv2/core/mat.hpp>
#include <span>

#include "ganvas/imaging/degrade.hpp"

// Steps that the degradations have in common, on three-channel float pictures in 0..1 (may overshoot).
namespace ganvas::degrading {

/// Index drawn with probability weights[i] / sum.
std::size_t pick(std::span<const double> weights, Rng& rng);
bool happens(double probability, Rng& rng);

/// Checks the picture, crops it to a multiple of the scale.
cv::Mat start(const Image& hr, int scale);
/// Rounds to 8 bit.
Image finish(const cv::Mat& pixels);

cv::Mat resize_to(const cv::Mat& pixels, cv::Size size, ResizeMode mode);
cv::Mat resize_to(const cv::Mat& pixels, cv::Size size, const std::vector<ResizeMode>& modes, Rng& rng);

/// Through a JPEG file and back, with halved chroma whatever the quality.
cv::Mat compress(const cv::Mat& pixels, const Interval& quality, Rng& rng);

}  // namespace ganvas::degrading
