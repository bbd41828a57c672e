#include <torch/torch.h>

#include <cstdio>

#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas::cli {

namespace {

/// The weights, in fp16 where that is wanted and possible.
ModelFile half_where(const ModelConvertRequest& request, const StateDict& weights) {
  ModelFile file;
  for (const auto& [key, tensor] : weights) {
    const torch::Tensor small =
        request.half && tensor.is_floating_point() ? tensor.to(torch::kHalf) : tensor.contiguous();
    if (tensor.is_floating_point() && !small.isinf().equal(tensor.isinf()))
      fail(ErrorKind::model, "{}: '{}' has weights beyond the range of fp16 (65504)", request.model, key);
    file.weights.set(key, small);
  }
  return file;
}

/// Of a network that comes with its graph, weights and description: where the graph is of a known architecture, a file
/// like all others of it.
int convert_graph(const std::filesystem::path& in, const ModelConvertRequest& request) {
  const std::filesystem::path out = request.out;
  if (out.extension() == ".onnx" || is_torchscript(in))
    fail(ErrorKind::usage, "{}: `ganvas model export` writes graphs and reads TorchScript", request.model);
  const LoadedGenerator loaded = load_generator(in);
  if (out.extension() != ".safetensors" && loaded.network->architecture() == "graph")
    fail(ErrorKind::usage, "{}: its graph is that of no known network, and only .safetensors holds graphs",
         request.model);
  if (out.extension() == ".safetensors") save_generator(out, *loaded.network, loaded.file.metadata, request.half);
  else write_model_file(out, half_where(request, state_dict_of(*loaded.network)));
  fmt::print("{}\n", request.out);
  return 0;
}

}  // namespace

int run(const ModelConvertRequest& request) {
  const std::filesystem::path in = find_model(request.model);
  require_other_file(in, request.out);
  require_free(request.out, request.force);
  if (has_graph(in)) return convert_graph(in, request);
  ModelFile file = read_model_file(in);
  file.weights = half_where(request, file.weights).weights;
  write_model_file(request.out, file);
  fmt::print("{}\n", request.out);
  return 0;
}

}  // namespace ganvas::cli
