#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace ganvas {

/// Names that initialise() knows.
const std::vector<std::string>& initialisations();

/// Fills the convolutions and linear layers of a network with new weights, drawn from LibTorch's default generator.
///   default     LibTorch's own (uniform Kaiming)
///   normal      std = 0.02 * gain; weights of norms around 1 (DCGAN, Radford et al. 2016; pix2pix)
///   xavier      normal, std = gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16)
///   he          normal, std = gain * sqrt(2 / fan_in) (He et al. 2015, eq. 10)
///   orthogonal  orthogonal rows or columns times gain (Saxe et al. 2014)
///   identity    as he, plus the identity at the kernel's centre wherever input and output channels are equal: a deep
///               plain stack then starts as one that passes its features on, as with residual connections, and costs
///               nothing at inference (the idea behind RepVGG's identity branch, Ding et al. 2021)
/// Biases are 0 in all but the first.
/// Throws Error(recipe) for another name.
void initialise(torch::nn::Module& network, const std::string& kind, double gain);

/// Lets the first channels pass through the convolutions that change the number of channels (torch.nn.init.dirac_ with
/// a tenth of what was there kept beside it): with repeat_for_pixel_shuffle() behind it, a network whose body has skips
/// begins as nearest-neighbour enlargement instead of noise, and learns what is missing from the first step on. Not for
/// networks that add the enlarged input themselves.
void add_dirac(torch::nn::Module& network);

/// ICNR (Aitken et al. 2017): makes a convolution before a pixel shuffle of `scale` start as one followed by
/// nearest-neighbour enlargement, so that no checkerboard is there to begin with. `weight` is out x in x k x k with out
/// a multiple of scale^2.
void repeat_for_pixel_shuffle(torch::Tensor weight, int scale);

}  // namespace ganvas
