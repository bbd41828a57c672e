#include <ATen/Parallel.h>

#include <optional>

#include "engine/kernels/kernels.hpp"
#include "engine/layouts/strips.hpp"
#include "engine/layouts/winograd.hpp"
#include "engine/operators/tensors.hpp"
#include "engine/plan/layout_chooser.hpp"
#include "engine/plan/plan_writer.hpp"

namespace ganvas::engine {

namespace {

/// Of a strip, for each thread: a quarter of the second-level cache of today's servers, since what the strip is
/// computed from wants to stay there too.
constexpr double strip_bytes = 256 * 1024;

std::optional<PairedActivation> paired(const ActivationFunction& activation) {
  using Own = PairedActivation::Curve;
  switch (activation.curve) {
    case Curve::none:
      return PairedActivation{};
    case Curve::relu:
      return PairedActivation{Own::leaky_relu, 0};
    case Curve::leaky_relu:
      return PairedActivation{Own::leaky_relu, static_cast<float>(activation.slope)};
    case Curve::silu:
      return PairedActivation{Own::silu};
    case Curve::sigmoid:
      return PairedActivation{Own::sigmoid};
    case Curve::mish:
      return PairedActivation{Own::mish};
    case Curve::prelu:
    case Curve::tanh:
    case Curve::gelu:
    case Curve::gelu_tanh:
    case Curve::clamp:
      break;
  }
  return std::nullopt;
}

/// Whether PairedRows compute it, and faster than oneDNN.
bool suits_paired_rows(const AnyConvolution& conv, const ConvolutionUse& use) {
  static const bool pays = PairedRows::runs_here() && paired_rows_pay(cpu_facts());
  constexpr std::array<int, 2> none{0, 0}, one{1, 1};
  const bool usual =
      dynamic_cast<const Convolution*>(&conv) && is_plain_3x3(conv) && (conv.padding == one || conv.padding == none);
  const bool lies = !use.together && !use.split && !use.from_scale.used() && use.above < 0 && use.from.block == 16 &&
                    use.to.block == 16 && (use.from.element == use.to.element || use.to.element == Element::fp32);
  return pays && usual && lies && PairedRows::takes(use.from.blocks(), use.to.blocks());
}

}  // namespace

void PlanWriter::write_convolution(NodeId id, const AnyConvolution& conv) {
  const Source source = source_for(id);
  if (layouts_.in_strips(id)) return write_strips(id, *as<Convolution>(graph_[id]), source);
  const Place to = places_[id] = target_for(id, source);
  ConvolutionUse use;
  use.split = source.split;
  use.to_scale = layouts_.scale_of(id);
  use.residual = graph_[id].inputs.size() > 1;
  write_primitive(id, conv, source.place, to, use);
  if (!is_fused(conv.activation)) step({to}, to, conv.activation.kernel());
  if (is_output(id)) deliver();
}

/// One primitive as a step.
void PlanWriter::write_primitive(NodeId id, const AnyConvolution& conv, const Place& from, const Place& to,
                                 ConvolutionUse use) {
  use.from = from.view;
  use.to = to.view;
  use.from_scale = scale_in(id);
  use.together |= layouts_.is_together(id);
  const std::optional<PreparedConvolution> fastest = prepare_by_winograd(id, conv, use, weights_);
  if (!fastest && write_paired_rows(id, conv, from, to, use)) return;
  const PreparedConvolution made = fastest ? *fastest : prepare_convolution(id, conv, use, weights_);
  if (made.reference && !use.together && conv.groups == 1) return write_together(id, conv, from, to, use);
  const dnnl::memory source(made.from, cpu(), nullptr), target(made.to, cpu(), nullptr);
  plan_.memories_.emplace_back(source, from);
  plan_.memories_.emplace_back(target, to);
  step({from}, to, [made, source, target](std::span<const View>, const View&) {
    made.primitive.execute(
        stream(),
        {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, made.weights}, {DNNL_ARG_BIAS, made.bias}, {DNNL_ARG_DST, target}});
  });
  if (made.activation_left) step({to}, to, conv.activation.kernel());
}

bool PlanWriter::write_paired_rows(NodeId id, const AnyConvolution& conv, const Place& from, const Place& to,
                                   const ConvolutionUse& use) {
  const std::optional<PairedActivation> activation =
      is_fused(conv.activation) ? paired(conv.activation) : PairedActivation{};  // else it is a step behind
  if (!activation || !suits_paired_rows(conv, use)) return false;
  const auto rows = weights_.paired_rows(id, [&] {
    const std::vector<float> weight = floats(conv.weight), bias = floats(conv.bias);
    return std::make_shared<const PairedRows>(static_cast<int>(conv.weight.size(1)), conv.channels(), weight, bias,
                                              *activation, use.from.element == Element::bf16);
  });
  step({from}, to,
       [rows, factor = use.residual ? static_cast<float>(conv.residual_factor) : 0.0F](
           std::span<const View> in, const View& out) { rows->run(in[0], out, factor); });
  return true;
}

/// Of kernels as wide as RealPLKSR's oneDNN has no fast code for blocks where a row's last run of pixels is short, but
/// always for all channels of a pixel together.
void PlanWriter::write_together(NodeId id, const AnyConvolution& conv, const Place& from, const Place& to,
                                ConvolutionUse use) {
  const auto converted = [](std::span<const View> in, const View& out) { convert(in[0], out); };
  const auto together = [this](const Place& place) {
    View view = place.view;
    view.block *= view.blocks();
    return new_place(view);
  };
  const Place source = together(from), target = together(to);
  step({from}, source, converted);
  if (use.residual) step({to}, target, converted);
  use.together = true;
  write_primitive(id, conv, source, target, use);
  step({target}, to, converted);
}

/// Where it runs in integers, the scale of what it reads.
Int8Scale PlanWriter::scale_in(NodeId id) const {
  const auto* conv = as<Convolution>(graph_[id]);
  return int8_ && conv ? conv->scale_in : Int8Scale{};
}

PlanWriter::Source PlanWriter::source_for(NodeId id) {
  const Node& n = graph_[id];
  const NodeId from = n.inputs[0];
  const View& view = layouts_[from];
  if (const Int8Scale scale = scale_in(id); scale.used()) {
    if (view.element == Element::int8) return {places_[from]};
    View integers = view;
    integers.block = view.blocks() * view.block;
    integers.element = Element::int8;
    return {
        copy_of(from, integers, [scale](std::span<const View> in, const View& out) { quantise(in[0], scale, out); })};
  }
  const bool together = layouts_.is_together(id);
  if (!half_ || view.element == Element::bf16) return {laid(from, together)};
  const bool split = layouts_.splits(n, view);
  const Place original = split ? places_[from] : laid(from, together);
  View narrow = layouts_.laid(from, together);
  narrow.element = Element::bf16;
  if (split) narrow.channels = 2 * view.channels;
  const Place to = new_place(narrow);
  step({original}, to, [split](std::span<const View> in, const View& out) {
    if (split) split_halves(in[0], out);
    else convert(in[0], out);
  });
  return {to, split};
}

/// Where a convolution writes. With a residual its result is added to what is there: best where the residual is,
/// if nobody needs that any more; else a copy of it.
PlanWriter::Place PlanWriter::target_for(NodeId id, const Source& source) {
  const Node& n = graph_[id];
  const bool placed = places_[id].buffer >= 0;
  if (n.inputs.size() < 2) return placed ? places_[id] : new_place(layouts_[id]);
  const NodeId from = n.inputs[1];
  const Place residual = places_[from];  // converting takes any layout
  const bool own = from != graph_.input() && residual.skip == 0 &&
                   plan_.buffers_[static_cast<std::size_t>(residual.buffer)].bytes == bytes_of(layouts_[from]);
  if (!placed && own && last_use_[from] == id && layouts_[from].element == layouts_[id].element &&
      layouts_[from].block == layouts_[id].block && residual.buffer != source.place.buffer && !is_aliased(from))
    return residual;
  const Place to = placed ? places_[id] : new_place(layouts_[id]);
  step({residual}, to, [](std::span<const View> in, const View& out) { convert(in[0], out); });
  return to;
}

/// Whether another value that is still to be read lies in the same buffer.
bool PlanWriter::is_aliased(NodeId id) const {
  for (const NodeId other : graph_.ids())
    if (other != id && places_[other].buffer == places_[id].buffer && last_use_[other] > last_use_[id]) return true;
  return false;
}

/// A convolution with PReLU; what becomes integers is computed in one strip's memory that stays in the cache.
void PlanWriter::write_strips(NodeId id, const Convolution& conv, const Source& source) {
  // Some of a value's rows, which lie together.
  const auto rows_of = [](Place place, int first, int rows) {
    View part = place.view;
    part.height = first;
    place.skip += bytes_of(part);
    place.view.height = rows;
    return place;
  };
  const Place to = places_[id] = new_place(layouts_[id]);
  const bool integers = to.view.element == Element::int8;
  View fresh = to.view;
  if (integers) fresh.element = half_ ? Element::bf16 : Element::fp32;
  fresh.height = 1;
  const auto row = static_cast<double>(bytes_of(fresh));
  const int rows = std::max(8, static_cast<int>(strip_bytes * at::get_num_threads() / row));
  fresh.height = std::min(rows, to.view.height);
  const Place scratch = integers ? new_place(fresh) : Place{};
  for (const Strip& strip : strips_of(conv, source.place.view.height, to.view.height, rows)) {
    const Place result = rows_of(to, strip.first, strip.rows);
    const Place computed = integers ? rows_of(scratch, 0, strip.rows) : result;
    ConvolutionUse use;
    use.split = source.split;
    use.above = strip.above;
    write_primitive(id, conv, rows_of(source.place, strip.from_first, strip.from_rows), computed, use);
    step({computed}, result,
         [integers, scale = layouts_.scale_of(id), slopes = floats(conv.activation.slopes)](std::span<const View> in,
                                                                                            const View& out) {
           if (integers) leak_quantise(in[0], slopes, scale, out);
           else leak(in[0], slopes, out);
         });
  }
}

}  // namespace ganvas::engine
