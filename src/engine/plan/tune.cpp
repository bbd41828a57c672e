#include <fmt/format.h>
#include <torch/torch.h>

#include "engine/graph/sizes.hpp"
#include "engine/graph/trace.hpp"
#include "engine/int8/int8.hpp"
#include "engine/plan/layout_chooser.hpp"
#include "ganvas/engine/tuning.hpp"

namespace ganvas {

namespace {

/// On purpose: nobody waits for a picture.
constexpr double tuning_seconds = 30;

std::string shape_of(const engine::Node& node, engine::Size size) {
  const auto& conv = *engine::as_any_convolution(node);
  const auto in = engine::as<engine::Convolution>(node) ? conv.weight.size(1) * conv.groups : conv.weight.size(0);
  std::string text = fmt::format("{} -> {}, {}x{}", in, conv.channels(), conv.weight.size(2), conv.weight.size(3));
  if (conv.stride[0] > 1) text += fmt::format(" stride {}", conv.stride[0]);
  if (conv.groups > 1) text += fmt::format(" in {} groups", conv.groups);
  if (!engine::as<engine::Convolution>(node)) text += " transposed";
  return text + fmt::format(" at {}x{}", size.width, size.height);
}

}  // namespace

Tuning tune_engine(Generator& network, const std::string& int8_record, int height, int width) {
  engine::Graph graph = engine::fold(engine::trace(network));
  engine::Numbers numbers;
  numbers.int8 = !int8_record.empty();
  if (numbers.int8) engine::apply_int8_record(graph, int8_record);
  const int multiple =
      engine::fitting_multiple(graph, {height, width}, engine::outer_multiple(graph, network.info().multiple));
  const auto fitting = [&](int side) { return (side + multiple - 1) / multiple * multiple; };
  const engine::Size picture{fitting(height), fitting(width)};
  const auto sizes = engine::result_sizes(graph, picture);
  Tuning tuning;
  for (const engine::Element features : {engine::Element::fp32, engine::Element::bf16}) {
    const bool half = features == engine::Element::bf16;
    if (half && !engine_has_bf16()) continue;
    numbers.features = features;
    const char* precision = half ? "bf16" : "fp32";
    const auto measured =
        engine::LayoutChooser(graph, numbers, FeatureLayout::automatic, picture).measure(picture, tuning_seconds);
    for (const auto& row : measured.rows) {
      const auto* conv = engine::as<engine::Convolution>(graph[row.id]);
      const bool integers = numbers.int8 && conv && conv->scale_in.used();
      tuning.convolutions.push_back({shape_of(graph[row.id], sizes[row.id]), row.count, integers ? "int8" : precision,
                                     row.together, row.implementation, row.seconds, row.timed});
    }
    tuning.chosen.push_back({precision, measured.chosen.seconds, measured.in_words});
  }
  return tuning;
}

}  // namespace ganvas
