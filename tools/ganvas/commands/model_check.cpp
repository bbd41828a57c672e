#include <torch/torch.h>

#include "commands/agreement.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

int run(const ModelCheckRequest& request) {
  const std::filesystem::path path = find_model(request.model);
  DiscriminatorPtr judge;
  GeneratorPtr network;
  if (has_graph(path)) {
    network = load_generator(path, {request.trust}).network;
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
