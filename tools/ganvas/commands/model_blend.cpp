#include <torch/torch.h>

#include <cstdio>

#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/format/model_file.hpp"

namespace ganvas::cli {

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
  require_free(request.out, request.force);
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

}  // namespace ganvas::cli
