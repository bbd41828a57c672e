#include "engine/plan/candidates.hpp"

#include <fmt/format.h>

namespace ganvas::engine {

// As PlanWriter::source_for() and write_convolution() do it.
ConvolutionUse candidate(const Graph& graph, const ValueLayouts& layouts, Numbers numbers, NodeId id, bool together) {
  const Node& n = graph[id];
  const NodeId from = n.inputs[0];
  const auto* conv = as<Convolution>(n);
  ConvolutionUse use;
  use.from = layouts.laid(from, together);
  use.to = layouts.laid(id, together);
  use.together = together;
  use.residual = n.inputs.size() > 1;
  if (numbers.int8 && conv) use.from_scale = conv->scale_in;
  use.to_scale = layouts.scale_of(id);
  if (use.from_scale.used()) {
    use.from.element = Element::int8;
  } else if (numbers.features == Element::bf16) {
    use.split = layouts[from].element != Element::bf16 && layouts.splits(n, layouts[from]);
    if (use.split) use.from.channels *= 2;
    use.from.element = Element::bf16;
  }
  return use;
}

std::string signature(const AnyConvolution& conv, const ConvolutionUse& use) {
  const auto& w = conv.weight;
  return fmt::format(
      "{}x{}x{}x{} stride {}x{} padding {}x{} dilation {}x{} groups {} curve {} residual {} from {} {}x{} "
      "to {} {}x{} elements {} {} together {} split {}",
      w.size(0), w.size(1), w.size(2), w.size(3), conv.stride[0], conv.stride[1], conv.padding[0], conv.padding[1],
      conv.dilation[0], conv.dilation[1], conv.groups, static_cast<int>(conv.activation.curve), use.residual,
      use.from.channels, use.from.height, use.from.width, use.to.channels, use.to.height, use.to.width,
      static_cast<int>(use.from.element), static_cast<int>(use.to.element), use.together, use.split);
}

}  // namespace ganvas::engine
