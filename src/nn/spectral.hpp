#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

/// Layers whose weight may be divided by its largest singular value (spectral norm, Miyato et al. 2018, algorithm 1).
/// Stored as Python's torch.nn.utils.spectral_norm does: weight_orig, weight_u, weight_v; without the norm: weight.
namespace ganvas {

/// The weight of one layer.
class NormedWeight {
 public:
  /// Registers its tensors in `owner`, so that the keys are the layer's own.
  NormedWeight(torch::nn::Module& owner, torch::Tensor weight, bool spectral);
  /// The weight in force, fp32. In training mode one power iteration precedes, so that the singular value follows.
  torch::Tensor operator()(bool training);

 private:
  torch::Tensor weight_, u_, v_;
};

struct LayerOptions {
  int in = 1, out = 1;
  int kernel = 3, stride = 1, padding = 1;
  bool bias = true;
  bool spectral = false;
};

class SpectralConv2dImpl : public torch::nn::Module {
 public:
  explicit SpectralConv2dImpl(const LayerOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  LayerOptions options_;
  NormedWeight weight_;
  torch::Tensor bias_;
};
TORCH_MODULE(SpectralConv2d);

class SpectralLinearImpl : public torch::nn::Module {
 public:
  SpectralLinearImpl(int in, int out, bool spectral);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  NormedWeight weight_;
  torch::Tensor bias_;
};
TORCH_MODULE(SpectralLinear);

/// Appends one plane: the standard deviation over `group` pictures, its mean over channels and positions (Karras et
/// al. 2018, section 3). A discriminator that sees it notices when all fakes are alike. The batch is taken in groups of
/// the largest divisor of its size up to `group`; 0: returns x.
torch::Tensor append_minibatch_stddev(const torch::Tensor& x, int group);

/// What each leaky ReLU of a patch discriminator's body gives, then the logits of its last layer, which sees the
/// minibatch standard deviation too.
std::vector<torch::Tensor> patch_features(torch::nn::Sequential& body, const torch::Tensor& pictures, int stddev_group);

}  // namespace ganvas
