#include "engine/plan_builder.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <dnnl.hpp>
#include <functional>
#include <initializer_list>
#include <utility>
#include <vector>

#include "engine/convolution.hpp"
#include "engine/strips.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::engine {

using dnnl::memory;
using torch::Tensor;

namespace {

std::size_t bytes_of(const View& view) {
  const std::size_t each = view.element == Element::fp32 ? 4 : view.element == Element::bf16 ? 2 : 1;
  return static_cast<std::size_t>(view.size()) * each;
}

std::vector<float> floats(const Tensor& values) {
  if (!values.defined()) return {};
  const Tensor flat = values.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// Of a strip, for each thread: a quarter of the second-level cache of today's servers, since what the strip is
/// computed from wants to stay there too.
constexpr double strip_bytes = 256 * 1024;

}  // namespace

class PlanBuilder {
 public:
  PlanBuilder(Plan& plan, const Graph& graph, int height, int width, Numbers numbers, PackedWeights& weights)
      : plan_(plan),
        graph_(graph),
        half_(numbers.features == Element::bf16),
        int8_(numbers.int8),
        weights_(weights),
        forms_(graph, height, width, numbers),
        block_(forms_.block()) {}

  void build() {
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
  const View& view(int i) const { return forms_[i]; }
  Place& place(int i) { return places_[static_cast<std::size_t>(i)]; }
  bool is_output(int i) const { return i == graph_.output(); }

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
        if (v.channels % block_ != 0 || v.block != block_) break;
        if (part != 0 && place(part).buffer == -1 && node(part).op != Op::concat && v.element == view(i).element)
          place(part) = {v, place(i).buffer, skip};
        skip += bytes_of(v);
      }
    }
  }
  /// Whether the parts lie one behind the other already.
  bool is_prefix(int i) {
    const auto& parts = node(i).inputs;
    const Place& first = place(parts[0]);
    if (first.buffer < 0 || view(parts[0]).element != view(i).element) return false;
    std::size_t skip = first.skip;
    for (const int part : parts) {
      const Place& p = place(part);
      if (p.buffer != first.buffer || p.skip != skip || view(part).channels % block_ != 0 || view(part).block != block_)
        return false;
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

  /// The value in blocks, in its own precision: a copy where it lies otherwise, as the input picture does.
  Place blocked(int i) {
    if (place(i).buffer >= 0 && view(i).block == block_) return place(i);
    View in_blocks = view(i);
    in_blocks.block = block_;
    return copy_of(i, in_blocks, [](const View& from, const View& to) { convert(from, to); });
  }
  /// A copy in another form, made once for all who need it.
  Place copy_of(int i, const View& form, std::function<void(const View&, const View&)> make) {
    for (const auto& [value, copy] : copies_)
      if (value == i && copy.view.element == form.element && copy.view.block == form.block) return copy;
    const Place from = place(i), to = new_place(form);
    step([plan = &plan_, from, to, make] { make(plan->at(from), plan->at(to)); }, {&from, &to});
    copies_.emplace_back(i, to);
    return to;
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
  Source source_for(int i) {
    const Node& n = node(i);
    const int from = n.inputs[0];
    const View& v = view(from);
    if (int8_ && n.scale_in.used()) {
      if (v.element == Element::int8) return {place(from), false};
      View integers = v;
      integers.block = (v.channels + block_ - 1) / block_ * block_;
      integers.element = Element::int8;
      return {
          copy_of(from, integers, [scale = n.scale_in](const View& in, const View& out) { quantise(in, scale, out); }),
          false};
    }
    if (forms_.is_together(i) && forms_.is_together(from)) return {place(from), false};
    if (!half_ || v.element == Element::bf16) return {blocked(from), false};
    const bool split = forms_.splits(n, v);
    const Place original = split ? place(from) : blocked(from);
    View narrow = v;
    narrow.element = Element::bf16;
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
    const Place residual = place(from);  // converting takes any form
    const bool own = from != 0 && residual.skip == 0 &&
                     plan_.buffers_[static_cast<std::size_t>(residual.buffer)].bytes == bytes_of(view(from));
    if (!placed && own && last_use_[static_cast<std::size_t>(from)] == i && view(from).element == view(i).element &&
        view(from).block == view(i).block && residual.buffer != source.place.buffer && !is_aliased(from))
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

  /// One primitive as a step.
  void compute(int i, const Place& from, const Place& to, ConvolutionUse use) {
    use.from = from.view;
    use.to = to.view;
    use.from_scale = int8_ ? node(i).scale_in : Int8Scale{};
    use.together = forms_.is_together(i);
    const PreparedConvolution made = prepare_convolution(i, node(i), use, weights_);
    const memory from_memory(made.from, cpu(), nullptr), to_memory(made.to, cpu(), nullptr);
    plan_.memories_.emplace_back(from_memory, from);
    plan_.memories_.emplace_back(to_memory, to);
    step(
        [made, from_memory, to_memory] {
          made.primitive.execute(stream(), {{DNNL_ARG_SRC, from_memory},
                                            {DNNL_ARG_WEIGHTS, made.weights},
                                            {DNNL_ARG_BIAS, made.bias},
                                            {DNNL_ARG_DST, to_memory}});
        },
        {&from, &to});
  }

  /// Some of a value's rows, which lie together.
  static Place rows_of(Place place, int first, int rows) {
    View part = place.view;
    part.height = first;
    place.skip += bytes_of(part);
    place.view.height = rows;
    return place;
  }

  /// A convolution with PReLU; what becomes integers is computed in one strip's memory that stays in the cache.
  void emit_strips(int i, const Source& source) {
    const Node& n = node(i);
    const Place to = place(i) = new_place(view(i));
    const bool integers = to.view.element == Element::int8;
    View fresh = to.view;
    if (integers) fresh.element = half_ ? Element::bf16 : Element::fp32;
    fresh.height = 1;
    const auto row = static_cast<double>(bytes_of(fresh));
    const int rows = std::max(8, static_cast<int>(strip_bytes * at::get_num_threads() / row));
    fresh.height = std::min(rows, to.view.height);
    const Place scratch = integers ? new_place(fresh) : Place{};
    for (const Strip& strip : strips_of(n, source.place.view.height, to.view.height, rows)) {
      const Place result = rows_of(to, strip.first, strip.rows);
      const Place computed = integers ? rows_of(scratch, 0, strip.rows) : result;
      ConvolutionUse use;
      use.split = source.split;
      use.above = strip.above;
      compute(i, rows_of(source.place, strip.from_first, strip.from_rows), computed, use);
      step(
          [plan = &plan_, computed, result, integers, scale = forms_.scale_of(i), slopes = floats(n.slopes)] {
            if (integers) leak_quantise(plan->at(computed), slopes.data(), scale, plan->at(result));
            else activate(plan->at(computed), plan->at(result), Activation::prelu, 0, slopes.data());
          },
          {&computed, &result});
    }
  }

  void emit_convolution(int i) {
    const Node& n = node(i);
    const Source source = source_for(i);
    if (forms_.in_strips(i)) return emit_strips(i, source);
    const Place to = place(i) = target_for(i, source);
    ConvolutionUse use;
    use.split = source.split;
    use.to_scale = forms_.scale_of(i);
    compute(i, source.place, to, use);
    if (n.activation == Activation::prelu)
      step([plan = &plan_, to,
            slopes = floats(n.slopes)] { activate(plan->at(to), plan->at(to), Activation::prelu, 0, slopes.data()); },
           {&to});
    if (is_output(i)) deliver(i);
  }

  Plan& plan_;
  const Graph& graph_;
  bool half_, int8_;
  PackedWeights& weights_;
  ValueForms forms_;
  int block_;
  std::vector<Place> places_;
  std::vector<int> last_use_;
  std::vector<std::pair<int, Place>> copies_;  ///< of values in other forms
};

void build_plan(Plan& plan, const Graph& graph, int height, int width, Numbers numbers, PackedWeights& weights) {
  PlanBuilder(plan, graph, height, width, numbers, weights).build();
}

}  // namespace ganvas::engine
