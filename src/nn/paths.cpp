#include "nn/paths.hpp"

#include <torch/torch.h>

#include "nn/blocks.hpp"

namespace ganvas {

torch::nn::Module& module_at(torch::nn::Module& owner, const std::string& path) {
  torch::nn::Module* at = &owner;
  if (path.empty()) return owner;
  for (const std::string& name : key_parts(path)) {
    const auto children = at->named_children();
    const std::shared_ptr<torch::nn::Module>* found = children.find(name);
    at = found ? found->get() : at->register_module(name, std::make_shared<torch::nn::Module>()).get();
  }
  return *at;
}

}  // namespace ganvas
