#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "ganvas/format/state_dict.hpp"
#include "ganvas/nn/padding.hpp"

/// Pieces that several networks are made of, and helpers for recognising them in state dicts.
namespace ganvas {

/// Bounds how many weights make_conv() may allocate within a scope, on this thread. A network is built before its
/// weights are compared with the file's, so a damaged or hostile file could otherwise ask for any amount of memory.
class WeightBudget {
 public:
  explicit WeightBudget(std::int64_t weights);
  ~WeightBudget();
  WeightBudget(const WeightBudget&) = delete;
  WeightBudget& operator=(const WeightBudget&) = delete;
  /// Throws Error(model) when the budget is exceeded; no limit outside of any scope.
  static void spend(std::int64_t weights);

 private:
  std::int64_t left_;
  WeightBudget* outer_;
};

/// A convolution of stride 1 that keeps the size (kernel odd, zeros outside).
torch::nn::Conv2d make_conv(int in, int out, int kernel = 3, bool bias = true);
/// Any other, within the WeightBudget.
torch::nn::Conv2d make_conv(const torch::nn::Conv2dOptions& options);

/// Normal weights of He et al. 2015 times `gain`, no bias. Deep residual networks start well with a gain of 0.1: their
/// blocks are then nearly the identity (Wang et al. 2018, section 3.1).
void init_he(torch::nn::Conv2d& conv, double gain);

/// In place, of a temporary (a convolution's result, which autograd doesn't need).
torch::Tensor relu_of(torch::Tensor x);
torch::Tensor leaky_relu_of(torch::Tensor x, double slope);
/// x * tanh(softplus(x)) (Misra 2019), in any precision: LibTorch's own knows no bf16 on CPUs.
torch::Tensor mish_of(const torch::Tensor& x);

/// EDSR's residual block: x + res_scale * conv2(relu(conv1(x))) (Lim et al. 2017, figure 2c).
class ResidualBlockImpl : public torch::nn::Module {
 public:
  explicit ResidualBlockImpl(int channels, double res_scale = 1.0);
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::Conv2d conv1, conv2;

 private:
  double res_scale_;
};
TORCH_MODULE(ResidualBlock);

torch::Tensor enlarge_nearest(const torch::Tensor& x, std::int64_t factor);

/// Steps of a pixel-shuffle upsampler: 2 repeated for powers of two, one 3, none for 1. Throws Error(recipe) otherwise.
std::vector<int> upsampler_steps(int scale);
/// The usual chain of a convolution and a pixel shuffle a step; convolutions at 0, 2, 4 (Shi et al. 2016).
torch::nn::Sequential make_upsampler(int channels, int scale);
/// Reach in input pixels of `radius` pixels after an upsampler of these steps, with its convolutions.
int upsampler_halo(const std::vector<int>& steps, int radius);
/// Scale of the upsampler `prefix`0, `prefix`2, ... in a state dict. Throws Error(model) on impossible shapes.
int upsampler_scale(const StateDict& weights, const std::string& prefix, std::int64_t channels);

/// The weight `stem`.weight of a convolution. Throws Error(model) when missing or not of four dimensions.
const torch::Tensor& conv_weight(const StateDict& weights, const std::string& stem);
/// How many of `prefix`0`suffix`, `prefix`1`suffix`, ... there are without a gap, counted from `first`.
int count_layers(const StateDict& weights, const std::string& prefix, const std::string& suffix, int first = 0);
/// Whether each key starts with one of these: further parts mean a related but different network.
bool only_prefixes(const StateDict& weights, std::initializer_list<const char*> prefixes);
/// The same tensors under other names. Throws Error(model) when two get the same.
StateDict renamed(const StateDict& weights, const std::function<std::string(const std::string&)>& name);
/// "body.0.weight" -> "body", "0", "weight".
std::vector<std::string> key_parts(const std::string& key);

}  // namespace ganvas
