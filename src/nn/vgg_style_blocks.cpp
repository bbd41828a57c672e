#include "nn/vgg_style_blocks.hpp"

#include <torch/torch.h>

#include "nn/blocks.hpp"
#include "nn/mixed.hpp"
#include "nn/reach.hpp"
#include "nn/translator_layers.hpp"

namespace ganvas {

namespace {

namespace nn = torch::nn;

/// A convolution of 3x3 behind a reflection, which is not its own.
nn::Conv2d unpadded(int in, int out, int kernel = 3) { return make_conv(nn::Conv2dOptions(in, out, kernel)); }

}  // namespace

int vgg_convs_in_block(std::size_t i, std::size_t count) { return i + 1 == count ? 1 : i < 2 ? 2 : 4; }

std::vector<nn::Conv2d> vgg_encoder_convs(const VggWidths& widths) {
  std::vector<nn::Conv2d> convs{unpadded(3, 3, 1)};
  int in = 3;
  for (std::size_t block = 0; block < widths.size(); ++block)
    for (int i = 0; i < vgg_convs_in_block(block, widths.size()); ++i, in = widths[block])
      convs.push_back(unpadded(in, widths[block]));
  return convs;
}

torch::Tensor vgg_encoded(std::vector<nn::Conv2d>& convs, const VggWidths& widths, const torch::Tensor& pictures) {
  torch::Tensor x = input_conv(convs[0], pictures);
  std::size_t at = 1;
  for (std::size_t block = 0; block < widths.size(); ++block) {
    if (block > 0) x = torch::max_pool2d(x, {2, 2}, {2, 2});
    for (int i = 0; i < vgg_convs_in_block(block, widths.size()); ++i)
      x = relu_of(convs[at++]->forward(reflect_pad(x, 1)));
  }
  return x;
}

std::vector<nn::Conv2d> vgg_decoder_convs(const VggWidths& widths) {
  std::vector<nn::Conv2d> convs;
  for (std::size_t block = widths.size(); block-- > 0;)
    for (int i = 0; i < vgg_convs_in_block(block, widths.size()); ++i) {
      const bool last = i + 1 == vgg_convs_in_block(block, widths.size());
      convs.push_back(unpadded(widths[block], !last ? widths[block] : block > 0 ? widths[block - 1] : 3));
    }
  return convs;
}

torch::Tensor vgg_decoded(std::vector<nn::Conv2d>& convs, const VggWidths& widths, const torch::Tensor& features) {
  torch::Tensor x = features;
  std::size_t at = 0;
  for (std::size_t block = widths.size(); block-- > 0;) {
    for (int i = 0; i < vgg_convs_in_block(block, widths.size()); ++i, ++at)
      x = at + 1 == convs.size() ? output_conv(convs[at], reflect_pad(x, 1))
                                 : relu_of(convs[at]->forward(reflect_pad(x, 1)));
    if (block > 0) x = enlarge_nearest(x, 2);
  }
  return x;
}

int vgg_encode_reach(std::size_t blocks) {
  // From the one place of the features back to the picture.
  Reach at{0, 0};
  for (std::size_t block = blocks; block-- > 0;) {
    const int convs = vgg_convs_in_block(block, blocks);
    at = {at.first - convs, at.last + convs};
    if (block > 0) at = through_conv(at, 2, 2, 0);
  }
  return -at.first;
}

int vgg_decode_reach(std::size_t blocks) {
  int reach = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    if (block > 0) reach = (reach + 1) / 2;
    reach += vgg_convs_in_block(block, blocks);
  }
  return reach;
}

}  // namespace ganvas
