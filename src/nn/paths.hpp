#pragma once

#include <torch/nn/module.h>

#include <string>

/// Modules by the dotted paths of published state dicts, where these nest deeper than the computation does.
namespace ganvas {

/// The module at `path` below `owner`; plain modules are added where the path has none. "": the owner itself.
torch::nn::Module& module_at(torch::nn::Module& owner, const std::string& path);

/// Registers `layer` as `path`, and returns it.
template <typename Layer>
Layer register_at(torch::nn::Module& owner, const std::string& path, Layer layer) {
  const std::size_t dot = path.rfind('.');
  const std::string parent = dot == std::string::npos ? "" : path.substr(0, dot);
  module_at(owner, parent).register_module(path.substr(dot == std::string::npos ? 0 : dot + 1), layer);
  return layer;
}

}  // namespace ganvas
