#include "engine/plan.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "engine/geometry.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::engine {

using dnnl::memory;
using torch::Tensor;

namespace {

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& stream() {
  static dnnl::stream stream(cpu());
  return stream;
}

/// How many channels lie together: what the widest instructions of this machine take.
int channel_block() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wide = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (isa & wide) == wide ? 16 : 8;
}

std::size_t bytes_of(const View& view) { return static_cast<std::size_t>(view.size()) * (view.half ? 2 : 4); }

std::vector<float> floats(const Tensor& values) {
  if (!values.defined()) return {};
  const Tensor flat = values.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

}  // namespace

memory PackedWeights::get(int node, const Tensor& weight, const memory::dims& dims, memory::format_tag given,
                          const memory::desc& wanted, const dnnl::engine& engine) {
  for (const auto& entry : entries_)
    if (entry.node == node && entry.memory.get_desc() == wanted) return entry.memory;
  const Tensor flat = weight.contiguous();
  memory plain({dims, memory::data_type::f32, given}, engine, flat.data_ptr<float>());
  memory packed(wanted, engine);
  dnnl::reorder(plain, packed).execute(stream(), plain, packed);
  stream().wait();
  entries_.push_back({node, packed});
  return packed;
}

class PlanBuilder {
 public:
  PlanBuilder(Plan& plan, const Graph& graph, bool half, PackedWeights& weights)
      : plan_(plan), graph_(graph), half_(half), weights_(weights), block_(channel_block()) {}

  void build(int height, int width) {
    find_sizes(height, width);
    find_precisions();
    find_last_uses();
    place_concats();
    for (int i = 0; i < count(); ++i) emit(i);
    const View& result = view(graph_.output());
    plan_.out_channels_ = result.channels;
    plan_.out_height_ = result.height;
    plan_.out_width_ = result.width;
  }

 private:
  using Place = Plan::Place;

  int count() const { return static_cast<int>(graph_.nodes.size()); }
  const Node& node(int i) const { return graph_.nodes[static_cast<std::size_t>(i)]; }
  View& view(int i) { return views_[static_cast<std::size_t>(i)]; }
  Place& place(int i) { return places_[static_cast<std::size_t>(i)]; }
  bool is_output(int i) const { return i == graph_.output(); }

  void find_sizes(int height, int width) {
    const std::vector<Size> sizes = result_sizes(graph_, {height, width});
    for (int i = 0; i < count(); ++i) {
      const Size& size = sizes[static_cast<std::size_t>(i)];
      views_.push_back({nullptr, node(i).channels, size.height, size.width, block_, false});
    }
  }

  /// bf16 for what convolutions read. Values of few channels stay fp32 and are split for them; what only leads to the
  /// picture stays fp32 too.
  void find_precisions() {
    if (!half_) return;
    for (int i = count() - 1; i > 0; --i) {
      const Node& n = node(i);
      for (std::size_t k = 0; k < n.inputs.size(); ++k) {
        const int from = n.inputs[k];
        if (from == 0) continue;
        const bool read = is_convolution(n) && k == 0;
        if (read ? !splits(n, view(from)) : view(i).half) view(from).half = true;
      }
    }
  }
  bool splits(const Node& n, const View& from) const {
    return n.op == Op::convolution && n.groups == 1 && 2 * from.channels <= block_;
  }

  void find_last_uses() {
    last_use_.assign(graph_.nodes.size(), -1);
    for (int i = 0; i < count(); ++i)
      for (const int from : node(i).inputs) last_use_[static_cast<std::size_t>(from)] = i;
  }

  /// Parts of a concatenation are computed where the whole needs them. Larger ones choose first: dense blocks
  /// concatenate ever more of the same parts.
  void place_concats() {
    places_.resize(graph_.nodes.size());
    std::vector<int> concats;
    for (int i = 0; i < count(); ++i)
      if (node(i).op == Op::concat) concats.push_back(i);
    std::stable_sort(concats.begin(), concats.end(), [&](int a, int b) { return view(a).channels > view(b).channels; });
    for (const int i : concats) {
      if (is_prefix(i)) continue;
      place(i) = new_place(view(i));
      std::size_t skip = 0;
      for (const int part : node(i).inputs) {
        const View& v = view(part);
        if (v.channels % block_ != 0) break;
        if (part != 0 && place(part).buffer == -1 && node(part).op != Op::concat && v.half == view(i).half)
          place(part) = {v, place(i).buffer, skip};
        skip += bytes_of(v);
      }
    }
  }
  /// Whether the parts lie one behind the other already.
  bool is_prefix(int i) {
    const auto& parts = node(i).inputs;
    const Place& first = place(parts[0]);
    if (first.buffer < 0 || view(parts[0]).half != view(i).half) return false;
    std::size_t skip = first.skip;
    for (const int part : parts) {
      const Place& p = place(part);
      if (p.buffer != first.buffer || p.skip != skip || view(part).channels % block_ != 0) return false;
      skip += bytes_of(view(part));
    }
    place(i) = {view(i), first.buffer, first.skip};
    return true;
  }

  Place new_place(const View& v) {
    plan_.buffers_.push_back({bytes_of(v)});
    return {v, static_cast<int>(plan_.buffers_.size()) - 1, 0};
  }

  /// Adds a step that touches these places.
  void step(std::function<void()> run, std::initializer_list<const Place*> touched) {
    const int number = static_cast<int>(plan_.steps_.size());
    for (const Place* p : touched) touch(*p, number);
    plan_.steps_.push_back(std::move(run));
  }
  void touch(const Place& p, int number) {
    if (p.buffer < 0) return;
    auto& buffer = plan_.buffers_[static_cast<std::size_t>(p.buffer)];
    if (buffer.first < 0) buffer.first = number;
    buffer.last = number;
  }

  void emit(int i) {
    const Node& n = node(i);
    if (n.op == Op::input) {
      View picture = view(i);
      picture.block = picture.channels;
      place(i) = {picture, Plan::input_picture, 0};
      return;
    }
    if (is_convolution(n)) return emit_convolution(i);
    if (n.op == Op::concat) return emit_concat(i);
    // Kernels take one blocking; only shuffles read and write pictures as they are.
    const bool any_blocking = n.op == Op::pixel_shuffle;
    std::vector<Place> from;
    for (const int input : n.inputs) from.push_back(any_blocking ? place(input) : blocked(input));
    const bool direct = is_output(i) && any_blocking;
    Place to = place(i).buffer >= 0 ? place(i) : direct ? output_place(i) : new_place(view(i));
    place(i) = to;
    Plan* plan = &plan_;
    const Place a = from[0], b = from.size() > 1 ? from[1] : Place{};
    const auto scale = floats(n.scale), shift = floats(n.shift), slopes = floats(n.slopes);
    std::function<void()> run;
    switch (n.op) {
      case Op::activation:
        run = [=, kind = n.activation, slope = n.slope] {
          activate(plan->at(a), plan->at(to), kind, slope, slopes.empty() ? nullptr : slopes.data());
        };
        break;
      case Op::add:
        run = [=, alpha = n.alpha, beta = n.beta] { add(plan->at(a), alpha, plan->at(b), beta, plan->at(to)); };
        break;
      case Op::multiply:
        run = [=] { multiply(plan->at(a), plan->at(b), plan->at(to)); };
        break;
      case Op::affine:
        run = [=] { affine(plan->at(a), scale, shift, plan->at(to)); };
        break;
      case Op::pixel_shuffle:
        run = [=, factor = n.factor, grouped = n.grouped, base = from.size() > 1] {
          pixel_shuffle(plan->at(a), factor, grouped, base ? plan->at(b) : View{}, plan->at(to));
        };
        break;
      case Op::pixel_unshuffle:
        run = [=, factor = n.factor] { pixel_unshuffle(plan->at(a), factor, plan->at(to)); };
        break;
      case Op::nearest:
        run = [=, factor = n.factor] { nearest(plan->at(a), factor, plan->at(to)); };
        break;
      case Op::bilinear:
        run = [=, corners = n.align_corners] { bilinear(plan->at(a), corners, plan->at(to)); };
        break;
      case Op::pad:
        run = [=, border = n.border, kind = n.border_kind] { pad(plan->at(a), border, kind, plan->at(to)); };
        break;
      case Op::instance_norm:
        run = [=, eps = n.eps] { instance_norm(plan->at(a), eps, scale, shift, plan->at(to)); };
        break;
      case Op::mean:
        run = [=] { mean(plan->at(a), plan->at(to)); };
        break;
      default:
        fail(ErrorKind::internal, "an operator without a step");
    }
    step(std::move(run), {&a, &b, &to});
    if (is_output(i) && !direct) deliver(i);
  }

  Place output_place(int i) {
    View picture = view(i);
    picture.block = picture.channels;
    return {picture, Plan::output_picture, 0};
  }
  void deliver(int i) {
    const Place from = place(i), to = output_place(i);
    step([plan = &plan_, from, to] { convert(plan->at(from), plan->at(to)); }, {&from, &to});
  }

  /// The value in blocks, in its own precision: a copy of the input picture, which lies otherwise.
  Place blocked(int i) {
    if (place(i).buffer >= 0) return place(i);
    if (blocked_input_.buffer < 0) {
      blocked_input_ = new_place(view(i));
      const Place from = place(i), to = blocked_input_;
      step([plan = &plan_, from, to] { convert(plan->at(from), plan->at(to)); }, {&from, &to});
    }
    return blocked_input_;
  }

  void emit_concat(int i) {
    std::vector<Place> parts;
    bool complete = true;
    std::size_t skip = place(i).skip;
    for (const int part : node(i).inputs) {
      parts.push_back(blocked(part));
      complete &= parts.back().buffer == place(i).buffer && parts.back().skip == skip &&
                  parts.back().view.channels % block_ == 0;
      skip += bytes_of(view(part));
    }
    const Place to = place(i);
    if (!complete) {
      for (const auto& part : parts) touch(part, static_cast<int>(plan_.steps_.size()));
      step(
          [plan = &plan_, parts, to] {
            std::vector<View> views;
            for (const auto& part : parts) views.push_back(plan->at(part));
            concat(views, plan->at(to));
          },
          {&to});
    }
    if (is_output(i)) deliver(i);
  }

  struct Source {
    Place place;
    bool split = false;
  };
  Source source_for(const Node& n) {
    const int from = n.inputs[0];
    const View& v = view(from);
    if (!half_ || v.half) return {blocked(from), false};
    const bool split = splits(n, v);
    const Place original = split ? place(from) : blocked(from);
    View narrow = v;
    narrow.half = true;
    if (split) narrow.channels = 2 * v.channels;
    const Place to = new_place(narrow);
    step(
        [plan = &plan_, original, to, split] {
          if (split) split_halves(plan->at(original), plan->at(to));
          else convert(plan->at(original), plan->at(to));
        },
        {&original, &to});
    return {to, split};
  }

  /// Where a convolution writes. With a residual its result is added to what is there: best where the residual is,
  /// if nobody needs that any more; else a copy of it.
  Place target_for(int i, const Source& source) {
    const Node& n = node(i);
    const bool placed = place(i).buffer >= 0;
    if (n.inputs.size() < 2) return placed ? place(i) : new_place(view(i));
    const int from = n.inputs[1];
    const Place residual = blocked(from);
    const bool own = from != 0 && residual.skip == 0 &&
                     plan_.buffers_[static_cast<std::size_t>(residual.buffer)].bytes == bytes_of(view(from));
    if (!placed && own && last_use_[static_cast<std::size_t>(from)] == i && view(from).half == view(i).half &&
        residual.buffer != source.place.buffer && !is_aliased(from))
      return residual;
    const Place to = placed ? place(i) : new_place(view(i));
    step([plan = &plan_, residual, to] { convert(plan->at(residual), plan->at(to)); }, {&residual, &to});
    return to;
  }
  /// Whether another value that is still to be read lies in the same buffer.
  bool is_aliased(int i) {
    for (int k = 0; k < count(); ++k)
      if (k != i && place(k).buffer == place(i).buffer &&
          last_use_[static_cast<std::size_t>(k)] > last_use_[static_cast<std::size_t>(i)])
        return true;
    return false;
  }

  static memory::desc describe(const View& v) {
    return {{1, v.channels, v.height, v.width},
            v.half ? memory::data_type::bf16 : memory::data_type::f32,
            v.block == 16 ? memory::format_tag::nChw16c : memory::format_tag::nChw8c};
  }

  static dnnl::primitive_attr attributes(const Node& n) {
    dnnl::post_ops ops;
    if (n.inputs.size() > 1) ops.append_sum(static_cast<float>(n.beta));
    using dnnl::algorithm;
    switch (n.activation) {
      case Activation::relu:
      case Activation::leaky_relu:
        ops.append_eltwise(1, algorithm::eltwise_relu,
                           n.activation == Activation::relu ? 0 : static_cast<float>(n.slope), 0);
        break;
      case Activation::silu:
        ops.append_eltwise(1, algorithm::eltwise_swish, 1, 0);
        break;
      case Activation::sigmoid:
        ops.append_eltwise(1, algorithm::eltwise_logistic, 0, 0);
        break;
      case Activation::tanh:
        ops.append_eltwise(1, algorithm::eltwise_tanh, 0, 0);
        break;
      default:
        break;  // prelu: a step of its own, since oneDNN's is slow
    }
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    return attributes;
  }

  void emit_convolution(int i) {
    const Node& n = node(i);
    const Source source = source_for(n);
    const Place to = place(i) = target_for(i, source);
    Tensor weight = n.weight;
    if (source.split) weight = torch::cat({weight, weight}, 1);
    const bool transposed = n.op == Op::transposed_convolution;
    if (transposed) {
      // oneDNN names output channels first in both directions.
      weight = weight.unflatten(0, {n.groups, -1}).transpose(1, 2).flatten(0, 1);
    }
    Tensor bias = n.bias.defined() ? n.bias : torch::zeros({n.channels});
    View from = source.place.view, result = to.view;
    if (n.groups == 1) {
      // oneDNN's fast code wants whole blocks; what fills them up is zeros on all sides.
      from.channels = from.blocks() * block_;
      result.channels = result.blocks() * block_;
      const std::int64_t more = result.channels - n.channels;
      weight = torch::constant_pad_nd(weight, {0, 0, 0, 0, 0, from.channels - weight.size(1), 0, more});
      bias = torch::constant_pad_nd(bias, {0, more});
    }
    memory::dims dims(weight.sizes().begin(), weight.sizes().end());
    auto given = memory::format_tag::oihw;
    if (n.groups > 1) {
      dims[0] /= n.groups;
      dims.insert(dims.begin(), n.groups);
      given = memory::format_tag::goihw;
    }
    const auto feature_type = source.place.view.half ? memory::data_type::bf16 : memory::data_type::f32;
    const memory::desc weight_desc(dims, feature_type, memory::format_tag::any);
    const memory::desc bias_desc({result.channels}, memory::data_type::f32, memory::format_tag::x);
    const memory::desc from_desc = describe(from), to_desc = describe(result);
    const memory::dims strides{n.stride[0], n.stride[1]}, dilations{n.dilation[0] - 1, n.dilation[1] - 1},
        before{n.padding[0], n.padding[1]};
    memory::dims after(2);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t reach = kernel_extent(n, axis);
      const std::int64_t before_it = axis == 0 ? from.height : from.width;
      const std::int64_t after_it = axis == 0 ? result.height : result.width;
      const std::int64_t small = transposed ? before_it : after_it, large = transposed ? after_it : before_it;
      after[axis] = (small - 1) * n.stride[axis] + reach - large - n.padding[axis];
    }
    const memory bias_memory =
        weights_.get(2 * i + 1, bias, {result.channels}, memory::format_tag::x, bias_desc, cpu());
    using dnnl::prop_kind;
    dnnl::primitive primitive;
    memory packed;
    if (transposed) {
      const dnnl::deconvolution_forward::primitive_desc chosen(
          {prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, from_desc, weight_desc, bias_desc,
           to_desc, strides, dilations, before, after},
          attributes(n), cpu());
      packed = weights_.get(2 * i, weight, dims, given, chosen.weights_desc(), cpu());
      primitive = dnnl::deconvolution_forward(chosen);
    } else {
      const dnnl::convolution_forward::primitive_desc chosen(
          {prop_kind::forward_inference, dnnl::algorithm::convolution_direct, from_desc, weight_desc, bias_desc,
           to_desc, strides, dilations, before, after},
          attributes(n), cpu());
      packed = weights_.get(2 * i, weight, dims, given, chosen.weights_desc(), cpu());
      primitive = dnnl::convolution_forward(chosen);
    }
    const memory from_memory(from_desc, cpu(), nullptr), to_memory(to_desc, cpu(), nullptr);
    plan_.memories_.emplace_back(from_memory, source.place);
    plan_.memories_.emplace_back(to_memory, to);
    step(
        [=] {
          primitive.execute(stream(), {{DNNL_ARG_SRC, from_memory},
                                       {DNNL_ARG_WEIGHTS, packed},
                                       {DNNL_ARG_BIAS, bias_memory},
                                       {DNNL_ARG_DST, to_memory}});
        },
        {&source.place, &to});
    if (n.activation == Activation::prelu)
      step([plan = &plan_, to,
            slopes = floats(n.slopes)] { activate(plan->at(to), plan->at(to), Activation::prelu, 0, slopes.data()); },
           {&to});
    if (is_output(i)) deliver(i);
  }

  Plan& plan_;
  const Graph& graph_;
  bool half_;
  PackedWeights& weights_;
  int block_;
  std::vector<View> views_;
  std::vector<Place> places_;
  std::vector<int> last_use_;
  Place blocked_input_;
};

Plan::Plan(const Graph& graph, int height, int width, bool half, PackedWeights& weights) {
  PlanBuilder builder(*this, graph, half, weights);
  builder.build(height, width);
  assign_offsets();
}

View Plan::at(const Place& place) const {
  View view = place.view;
  if (place.buffer == input_picture) view.data = const_cast<float*>(input_);
  else if (place.buffer == output_picture) view.data = output_;
  else if (place.buffer >= 0) view.data = arena_ + buffers_[static_cast<std::size_t>(place.buffer)].offset + place.skip;
  return view;
}

/// Buffers whose steps overlap get different places; large ones choose first (Pisarchyk and Lee 2020, "greedy by
/// size").
void Plan::assign_offsets() {
  std::vector<std::size_t> order(buffers_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<std::size_t> placed;
  for (const std::size_t i : order) {
    Buffer& buffer = buffers_[i];
    std::size_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (const std::size_t k : placed) {
        const Buffer& other = buffers_[k];
        const bool together = buffer.first <= other.last && other.first <= buffer.last;
        if (!together || offset + buffer.bytes <= other.offset || other.offset + other.bytes <= offset) continue;
        offset = (other.offset + other.bytes + 63) / 64 * 64;
        moved = true;
      }
    }
    buffer.offset = offset;
    arena_bytes_ = std::max(arena_bytes_, offset + buffer.bytes);
    placed.push_back(i);
  }
}

void Plan::run(std::byte* arena, const float* input, float* output) {
  input_ = input;
  output_ = output;
  if (arena != arena_) {
    arena_ = arena;
    for (auto& [mem, place] : memories_) mem.set_data_handle(at(place).data, stream());
  }
  for (const auto& run_step : steps_) run_step();
  stream().wait();
}

}  // namespace ganvas::engine
