#include "engine/value_forms.hpp"

#include <dnnl.hpp>

#include "engine/geometry.hpp"

namespace ganvas::engine {

namespace {

int channel_block() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wide = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (isa & wide) == wide ? 16 : 8;
}

}  // namespace

ValueForms::ValueForms(const Graph& graph, int height, int width, Numbers numbers)
    : graph_(graph), block_(channel_block()) {
  find_sizes(height, width);
  if (numbers.features == Element::bf16) find_half();
  find_strips();
  if (numbers.int8) find_int8();
}

void ValueForms::find_sizes(int height, int width) {
  const std::vector<Size> sizes = result_sizes(graph_, {height, width});
  for (int i = 0; i < count(); ++i) {
    const Size& size = sizes[static_cast<std::size_t>(i)];
    views_.push_back({nullptr, node(i).channels, size.height, size.width, block_, Element::fp32});
  }
}

/// bf16 for what convolutions read. Values of few channels stay fp32 and are split for them; what only leads to the
/// picture stays fp32 too.
void ValueForms::find_half() {
  for (int i = count() - 1; i > 0; --i) {
    const Node& n = node(i);
    for (std::size_t k = 0; k < n.inputs.size(); ++k) {
      const int from = n.inputs[k];
      if (from == 0) continue;
      const bool read = is_convolution(n) && k == 0;
      if (read ? !splits(n, view(from)) : view(i).element == Element::bf16) view(from).element = Element::bf16;
    }
  }
}

bool ValueForms::splits(const Node& node, const View& from) const {
  return node.op == Op::convolution && node.groups == 1 && 2 * from.channels <= block_;
}

void ValueForms::find_strips() {
  strips_ = choose_strips(graph_, [this](int i) { return view(i).channels <= block_; });
  for (int i = 0; i < count(); ++i)
    if (is_together(i)) view(i).block = view(i).blocks() * block_;
}

/// Integers and what comes out of them lie with all channels of a pixel together, as oneDNN wants them there; they
/// stay integers between one such convolution and the next.
void ValueForms::find_int8() {
  const std::vector<int> uses = use_counts(graph_);
  std::vector<int> integer_uses(uses.size(), 0);
  for (int i = 1; i < count(); ++i)
    if (node(i).scale_in.used()) ++integer_uses[static_cast<std::size_t>(node(i).inputs[0])];
  for (int i = 1; i < count(); ++i) {
    const Node& n = node(i);
    if (!n.scale_in.used()) continue;
    view(i).block *= view(i).blocks();
    const bool simple = n.inputs.size() == 1 && (n.activation == Activation::none || n.activation == Activation::relu ||
                                                 n.activation == Activation::leaky_relu || in_strips(i));
    const auto place = static_cast<std::size_t>(i);
    if (simple && uses[place] == integer_uses[place]) view(i).element = Element::int8;
  }
}

Int8Scale ValueForms::scale_of(int i) const {
  for (int k = i + 1; (*this)[i].element == Element::int8 && k < count(); ++k)
    if (node(k).scale_in.used() && node(k).inputs[0] == i) return node(k).scale_in;
  return {};
}

}  // namespace ganvas::engine
