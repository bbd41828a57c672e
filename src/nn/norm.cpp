#include "nn/norm.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"

namespace ganvas {

void push_norm(torch::nn::Sequential& body, const std::string& kind, int channels) {
  if (kind == "batch") body->push_back(torch::nn::BatchNorm2d(channels));
  else if (kind == "instance") body->push_back(torch::nn::InstanceNorm2d(channels));
  else if (kind == "none") body->push_back(torch::nn::Identity());  // the published layouts count it as a layer
  else fail(ErrorKind::recipe, "norm '{}': expected batch, instance or none", kind);
}

}  // namespace ganvas
