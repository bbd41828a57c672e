#include <torch/script.h>
#include <torch/torch.h>

#include <cstdio>

#include "commands/agreement.hpp"
#include "commands/onnx_runtime.hpp"
#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/engine/exporter.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

namespace {

/// Rounding errors of other orders of summation stay far below.
constexpr double tolerance = 1e-4;

/// Prints how far `foreign` is from the network on two pictures of odd sizes; whether that is near enough.
bool agrees(Generator& network, const std::string& runtime,
            const std::function<torch::Tensor(const torch::Tensor&)>& foreign) {
  const GeneratorInfo info = network.info();
  double error = 0, largest = 0;
  for (const std::int64_t batch : {1, 2}) {
    torch::manual_seed(batch);
    // Off every multiple, by less than can be mirrored.
    const std::int64_t height = 2 * info.multiple + 15, width = 3 * info.multiple + 22 * batch - 1;
    const torch::Tensor input = to_range(torch::rand({batch, info.in_channels, height, width}), info);
    const torch::Tensor expected = network.forward(input), result = foreign(input);
    if (result.sizes() != expected.sizes())
      fail(ErrorKind::model, "{} gives {} where the network gives {}", runtime, fmt::join(result.sizes().vec(), "x"),
           fmt::join(expected.sizes().vec(), "x"));
    error = std::max(error, (result - expected).abs().max().item<double>());
    largest = std::max(largest, expected.abs().max().item<double>());
  }
  return report_agreement(runtime + ": ", error, largest, tolerance);
}

}  // namespace

int run(const ModelExportRequest& request) {
  const torch::NoGradGuard no_grad;
  const std::filesystem::path in = find_model(request.model);
  require_other_file(in, request.out);
  require_free(request.out, request.force);
  LoadedGenerator model = load_generator(in, {request.trust});
  model.file.metadata.erase(int8_metadata);  // for our own engine
  Generator& network = *model.network;
  const std::filesystem::path out = request.out;
  bool good = true;
  if (out.extension() == ".onnx") {
    export_onnx(network, out, model.file.metadata);
    fmt::print("{}\n", request.out);
    if (request.check)
      good =
          agrees(network, "ONNX Runtime", [&](const torch::Tensor& input) { return run_in_onnx_runtime(out, input); });
  } else {
    export_torchscript(network, out, model.file.metadata);
    fmt::print("{}\n", request.out);
    torch::jit::Module read = torch::jit::load(request.out);
    good = agrees(network, "TorchScript", [&](const torch::Tensor& input) { return read.forward({input}).toTensor(); });
  }
  return good ? 0 : 1;
}

}  // namespace ganvas::cli
