#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <opencv2/core/types.hpp>
#include <string>
#include <vector>

#include "ganvas/infer/noise_pictures.hpp"

namespace ganvas {

using Facts = std::map<std::string, std::string>;

/// One file to make, or one frame of a stream.
struct GenerateJob {
  std::string label{};  ///< stands for the input in reports
  std::filesystem::path output{};
  Facts facts{};
  cv::Size size{};
  std::function<Image()> make{};
  std::vector<std::function<torch::Tensor()>> styles{};  ///< of its pictures, row by row
};

/// Which pictures are asked for, and the files that they make. The jobs refer to both arguments. Throws Error(usage)
/// for wishes that contradict the network or each other.
std::vector<GenerateJob> plan_generate(const GenerateOptions& options, NoisePictures& pictures);

}  // namespace ganvas
