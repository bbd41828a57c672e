#include <torch/torch.h>

#include "engine/graph.hpp"
#include "engine/int8.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/engine/int8.hpp"

namespace ganvas {

Int8Calibration calibrate_int8(Generator& network, const torch::Tensor& pictures) {
  engine::Graph graph = engine::fold(engine::trace(network));
  Int8Calibration result;
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) result.layers += engine::is_int8_candidate(graph, i);
  if (result.layers == 0)
    fail(ErrorKind::model, "this network has no convolution for int8: between the first and the last, of 16 channels");
  engine::calibrate(graph, pictures);
  result.record = engine::int8_record(graph);
  result.exact = engine::simulated(graph, pictures, 0);
  result.int8 = engine::simulated(graph, pictures, 127);
  return result;
}

}  // namespace ganvas
