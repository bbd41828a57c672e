#include <torch/torch.h>

#include <cmath>
#include <cstdio>

#include "commands/agreement.hpp"
#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

int run(const ModelConvertRequest& request) {
  const std::filesystem::path in = find_model(request.model);
  require_other_file(in, request.out);
  ModelFile file = read_model_file(in);
  if (request.half) {
    StateDict half;
    for (const auto& [key, tensor] : file.weights) {
      const torch::Tensor small = tensor.is_floating_point() ? tensor.to(torch::kHalf) : tensor;
      if (tensor.is_floating_point() && !small.isinf().equal(tensor.isinf()))
        fail(ErrorKind::model, "{}: '{}' has weights beyond the range of fp16 (65504)", request.model, key);
      half.set(key, small);
    }
    file.weights = half;
  }
  write_model_file(request.out, file);
  fmt::print("{}\n", request.out);
  return 0;
}

namespace {

/// (1 - weight) * a + weight * b, tensor by tensor (network interpolation, Wang et al. 2018, eq. 5).
StateDict blend(const StateDict& a, const StateDict& b, const ModelBlendRequest& request) {
  StateDict result;
  for (const auto& [key, tensor] : a) {
    const torch::Tensor* other = b.find(key);
    if (!other || other->sizes() != tensor.sizes())
      fail(ErrorKind::model, "{} and {} can't be blended: '{}' is {} in the second", request.a, request.b, key,
           other ? "of another shape" : "missing");
    if (!tensor.is_floating_point()) {
      result.set(key, tensor);
      continue;
    }
    const torch::Tensor mixed =
        tensor.to(torch::kDouble) * (1 - request.weight) + other->to(torch::kDouble) * request.weight;
    result.set(key, mixed.to(tensor.scalar_type()));
  }
  if (b.size() != a.size())
    fail(ErrorKind::model, "{} and {} can't be blended: {} and {} tensors", request.a, request.b, a.size(), b.size());
  return result;
}

}  // namespace

int run(const ModelBlendRequest& request) {
  const std::filesystem::path a = find_model(request.a), b = find_model(request.b);
  require_other_file(a, request.out);
  require_other_file(b, request.out);
  ModelFile first = read_model_file(a);
  const ModelFile second = read_model_file(b);
  first.weights = blend(first.weights, second.weights, request);
  // Figures were measured on the first model alone.
  std::erase_if(first.metadata, [](const auto& entry) {
    return entry.first.starts_with("ganvas.validation") || entry.first == "ganvas.recipe" ||
           entry.first == int8_metadata || entry.first == "ganvas.steps";
  });
  if (!first.metadata.empty())
    first.metadata["ganvas.blend"] =
        fmt::format("{} * {} + {} * {}", 1 - request.weight, request.a, request.weight, request.b);
  write_model_file(request.out, first);
  fmt::print("{}\n", request.out);
  return 0;
}

int run(const ModelCheckRequest& request) {
  const std::filesystem::path path = find_model(request.model);
  DiscriminatorPtr judge;
  GeneratorPtr network;
  if (is_torchscript(path)) {
    network = load_torchscript(path).network;
  } else {
    const ModelFile file = read_model_file(path);
    judge = discriminator_from(file.weights, path.string());
    if (!judge) network = generator_from(file, path.string()).network;
  }
  const Safetensors io = read_safetensors(request.io);
  const torch::Tensor input = io.tensors.at("input").to(torch::kFloat);
  const torch::Tensor expected = io.tensors.at("output").to(torch::kFloat);
  const int channels = judge ? judge->config().at("channels").get<int>() : network->info().in_channels;
  if (input.dim() != 4 || input.size(1) != channels)
    fail(ErrorKind::data, "{}: 'input' must be N x {} x H x W", request.io, channels);
  const torch::InferenceMode inference;
  const torch::Tensor output = judge ? judge->forward(input) : network->forward(input);
  if (output.sizes() != expected.sizes())
    fail(ErrorKind::data, "{}: the network gives {}, 'output' is {}", request.io, fmt::join(output.sizes().vec(), "x"),
         fmt::join(expected.sizes().vec(), "x"));
  const double error = (output - expected).abs().max().item<double>();
  const double largest = expected.abs().max().item<double>();
  return report_agreement("", error, largest, request.tolerance) ? 0 : 1;
}

}  // namespace ganvas::cli
