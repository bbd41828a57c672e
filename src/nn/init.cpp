#include "ganvas/nn/init.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

void he_normal(torch::Tensor weight, double gain) {
  const auto fan_in = static_cast<double>(weight.numel() / weight.size(0));
  weight.normal_(0.0, gain * std::sqrt(2.0 / fan_in));
}

void add_identity(torch::Tensor weight) {
  if (weight.dim() != 4 || weight.size(0) != weight.size(1)) return;
  weight.select(3, weight.size(3) / 2).select(2, weight.size(2) / 2).diagonal().add_(1.0);
}

}  // namespace

const std::vector<std::string>& initialisations() {
  static const std::vector<std::string> names{"default", "he", "identity"};
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
    if (value.dim() >= 2) {
      const bool square = value.dim() == 4 && value.size(0) == value.size(1);
      // Layers without an identity to start from keep the full variance, or the signal would fade.
      he_normal(value, kind == "identity" && !square ? 1.0 : gain);
      if (kind == "identity") add_identity(value);
    } else if (is_bias) {
      value.zero_();
    }
  }
}

}  // namespace ganvas
