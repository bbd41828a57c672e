#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <string>
#include <vector>

#include "ganvas/nn/style_statistics.hpp"

/// What the style networks on top of a VGG share: its encoder up to the first convolution of a block, and the decoder
/// that mirrors it.
namespace ganvas {

/// Widths of the blocks that are used, e.g. 64, 128, 256, 512 up to relu4_1: two, two and four convolutions and the
/// first of the last.
using VggWidths = std::vector<int>;

/// Convolutions in order, the first of which (1x1) normalises the picture.
std::vector<torch::nn::Conv2d> vgg_encoder_convs(const VggWidths& widths);
/// RGB in 0..1 -> the last convolution's features, behind its ReLU. Reflection pads.
torch::Tensor vgg_encoded(std::vector<torch::nn::Conv2d>& convs, const VggWidths& widths,
                          const torch::Tensor& pictures);

/// Convolutions of the mirrored decoder in order; the last gives the picture.
std::vector<torch::nn::Conv2d> vgg_decoder_convs(const VggWidths& widths);
/// Nearest enlargement where the encoder has a pool, ReLU behind all but the last.
torch::Tensor vgg_decoded(std::vector<torch::nn::Conv2d>& convs, const VggWidths& widths,
                          const torch::Tensor& features);

/// How many convolutions block `i` of `count` has.
int vgg_convs_in_block(std::size_t i, std::size_t count);
/// Pixels around a cell's own that the encoder sees, and cells that the decoder does.
int vgg_encode_reach(std::size_t blocks);
int vgg_decode_reach(std::size_t blocks);

}  // namespace ganvas
