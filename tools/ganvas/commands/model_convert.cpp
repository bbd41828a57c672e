#include <torch/torch.h>

#include <cstdio>

#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/format/model_file.hpp"

namespace ganvas::cli {

int run(const ModelConvertRequest& request) {
  const std::filesystem::path in = find_model(request.model);
  require_other_file(in, request.out);
  require_free(request.out, request.force);
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

}  // namespace ganvas::cli
