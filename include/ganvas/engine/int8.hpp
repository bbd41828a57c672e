#pragma once

#include <torch/types.h>

#include <string>

#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// Under which key a model file's metadata hold the record, with the figures `psnr` (dB, int8 against fp32) and, of
/// networks that enlarge, `loss` (dB of PSNR-Y).
inline constexpr const char* int8_metadata = "ganvas.int8";

/// What int8 needs to know of a network, found out on pictures.
struct Int8Calibration {
  std::string record;         ///< for EngineOptions::int8_record; JSON
  int layers = 0;             ///< convolutions that run in int8
  torch::Tensor exact, int8;  ///< results for the pictures in fp32, and what int8 makes of them (simulated in fp32)
};

/// `pictures`: N x C x H x W in the network's value range, H and W multiples of what the network works on; all features
/// of a layer are held at once, three times. The first and the last convolution stay as they are. Throws Error(model)
/// for networks that the engine doesn't know and those without a convolution for int8.
Int8Calibration calibrate_int8(Generator& network, const torch::Tensor& pictures);

/// What int8 costs by the model's own record, dB of PSNR-Y; infinite where the record doesn't say, as of networks that
/// don't enlarge, and for no record.
double int8_loss(const std::string& record);

}  // namespace ganvas
