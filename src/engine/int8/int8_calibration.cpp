#include <torch/torch.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/graph/trace.hpp"
#include "engine/int8/int8.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/engine/int8.hpp"

namespace ganvas {

Int8Calibration calibrate_int8(Generator& network, const torch::Tensor& pictures) {
  engine::Graph graph = engine::fold(engine::trace(network));
  Int8Calibration result;
  result.layers = static_cast<int>(engine::int8_candidates(graph).size());
  if (result.layers == 0)
    fail(ErrorKind::model, "this network has no convolution for int8: between the first and the last, of 16 channels");
  const engine::Int8Results results = engine::calibrate(graph, pictures);
  result.record = engine::int8_record(graph);
  result.exact = results.exact;
  result.int8 = results.int8;
  return result;
}

double int8_loss(const std::string& record) {
  const auto parsed = nlohmann::json::parse(record, nullptr, false);
  if (parsed.is_object() && parsed.contains("loss") && parsed["loss"].is_number()) return parsed["loss"].get<double>();
  return std::numeric_limits<double>::infinity();
}

}  // namespace ganvas
