#include "ganvas/nn/init.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

double fan_in(const torch::Tensor& weight) { return static_cast<double>(weight.numel() / weight.size(0)); }
double fan_out(const torch::Tensor& weight) { return static_cast<double>(weight.numel() / weight.size(1)); }

void he_normal(torch::Tensor weight, double gain) { weight.normal_(0.0, gain * std::sqrt(2.0 / fan_in(weight))); }

/// Out x in.
torch::Tensor centre_of(const torch::Tensor& weight) {
  return weight.select(3, weight.size(3) / 2).select(2, weight.size(2) / 2);
}

void add_identity(torch::Tensor weight) {
  if (weight.dim() == 4 && weight.size(0) == weight.size(1)) centre_of(weight).diagonal().add_(1.0);
}

void fill(torch::Tensor weight, const std::string& kind, double gain) {
  if (kind == "normal") weight.normal_(0.0, 0.02 * gain);
  if (kind == "xavier") weight.normal_(0.0, gain * std::sqrt(2.0 / (fan_in(weight) + fan_out(weight))));
  if (kind == "he") he_normal(weight, gain);
  if (kind == "orthogonal") torch::nn::init::orthogonal_(weight, gain);
  if (kind == "identity") {
    const bool square = weight.dim() == 4 && weight.size(0) == weight.size(1);
    // Layers without an identity to start from keep the full variance, or the signal would fade.
    he_normal(weight, square ? gain : 1.0);
    add_identity(weight);
  }
}

/// A norm's weight has a bias beside it, a PReLU's slopes don't.
bool is_norm_weight(const torch::nn::Module& network, const std::string& key) {
  const std::string stem = key.substr(0, key.rfind('.'));
  return network.named_parameters().contains(stem + ".bias");
}

}  // namespace

const std::vector<std::string>& initialisations() {
  static const std::vector<std::string> names{"default", "normal", "xavier", "he", "orthogonal", "identity"};
  return names;
}

void initialise(torch::nn::Module& network, const std::string& kind, double gain) {
  const auto& names = initialisations();
  if (std::find(names.begin(), names.end(), kind) == names.end())
    fail(ErrorKind::recipe, "unknown initialisation '{}'; known: {}", kind, fmt::join(names, ", "));
  if (kind == "default") return;
  const torch::NoGradGuard no_grad;
  for (const auto& item : network.named_parameters()) {
    torch::Tensor value = item.value();
    const bool is_bias = item.key().size() >= 4 && item.key().compare(item.key().size() - 4, 4, "bias") == 0;
    const bool is_vector = value.dim() == 1 && item.key().find("weight") != std::string::npos;
    if (value.dim() >= 2) {
      fill(value, kind, gain);
    } else if (kind == "normal" && is_vector && is_norm_weight(network, item.key())) {
      value.normal_(1.0, 0.02 * gain);
    } else if (is_bias) {
      value.zero_();
    }
  }
}

void add_dirac(torch::nn::Module& network) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : network.named_modules()) {
    auto* conv = item.value()->as<torch::nn::Conv2dImpl>();
    if (!conv || conv->options.groups() > 1 || conv->options.in_channels() == conv->options.out_channels()) continue;
    torch::Tensor weight = conv->weight;
    weight.mul_(0.1);
    centre_of(weight).diagonal().add_(1.0);
  }
}

void repeat_for_pixel_shuffle(torch::Tensor weight, int scale) {
  const torch::NoGradGuard no_grad;
  // Pixel shuffle takes channel c * scale^2 + position for output channel c. The first ones are those that add_dirac()
  // lets colours pass through.
  const std::int64_t copies = static_cast<std::int64_t>(scale) * scale;
  if (weight.size(0) % copies != 0)
    fail(ErrorKind::internal, "{} planes can't be shuffled by {}", weight.size(0), scale);
  const torch::Tensor first = weight.narrow(0, 0, weight.size(0) / copies).clone();
  weight.copy_(first.repeat_interleave(copies, 0));
}

}  // namespace ganvas
