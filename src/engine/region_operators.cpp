#include "engine/region_operators.hpp"

#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"

namespace ganvas::engine {

namespace {

using torch::Tensor;
constexpr auto channels_last = at::MemoryFormat::ChannelsLast;

Tensor rows_of(const Tensor& x, int first, int count) { return x.narrow(2, first, count); }
Tensor columns_of(const Tensor& x, int first, int count) { return x.narrow(3, first, count); }

/// `wanted` of values that cover `there`.
Tensor cropped(const Tensor& x, const Region& there, const Region& wanted) {
  return columns_of(rows_of(x, wanted.rows.first - there.rows.first, wanted.rows.size()),
                    wanted.columns.first - there.columns.first, wanted.columns.size());
}

/// A tensor that may be overwritten: the given one where nobody else has it. A copy is faster than arithmetic on a part
/// of a larger tensor anyway.
Tensor own(Tensor&& x) {
  const bool alone = x.use_count() == 1 && x.storage().use_count() == 1 && x.is_contiguous(channels_last);
  return alone ? std::move(x) : x.clone(channels_last);
}

Tensor per_channel(const Tensor& values) { return values.view({1, -1, 1, 1}); }

Tensor activated(Tensor x, const Node& n) {
  switch (n.activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return torch::relu_(x);
    case Activation::leaky_relu:
      return torch::leaky_relu_(x, n.slope);
    case Activation::prelu:
      return torch::prelu(x, n.slopes);
    case Activation::silu:
      return torch::silu_(x);
    case Activation::sigmoid:
      return torch::sigmoid_(x);
    case Activation::tanh:
      return torch::tanh_(x);
  }
  fail(ErrorKind::internal, "an activation without arithmetic");
}

/// Zeros around what lies in the picture.
Tensor with_zeros(const Tensor& x, const Region& there, const Region& wanted) {
  if (there == wanted) return x;
  return torch::constant_pad_nd(x, {there.columns.first - wanted.columns.first, wanted.columns.end - there.columns.end,
                                    there.rows.first - wanted.rows.first, wanted.rows.end - there.rows.end});
}

class Operator {
 public:
  explicit Operator(Evaluation& evaluation) : e_(evaluation), n_(evaluation.node), wanted_(evaluation.wanted) {}

  Tensor run() {
    switch (n_.op) {
      case Op::convolution:
      case Op::transposed_convolution:
        return convolution();
      case Op::activation:
        return activated(own(take(0)), n_);
      case Op::add:
        return sum(take(0), n_.alpha, take(1), n_.beta);
      case Op::multiply:
        return own(take(0)).mul_(e_.inputs[1]);
      case Op::affine:
        return own(take(0)).mul_(per_channel(n_.scale)).add_(per_channel(n_.shift));
      case Op::concat:
        return torch::cat(e_.inputs, 1);
      case Op::pixel_shuffle:
        return pixel_shuffle();
      case Op::pixel_unshuffle:
        return torch::pixel_unshuffle(e_.inputs[0], n_.factor);
      case Op::nearest:
        return enlarged(e_.inputs[0]);
      case Op::bilinear:
        return bilinear();
      case Op::pad:
        return pad();
      case Op::instance_norm:
        return torch::batch_norm(e_.inputs[0].contiguous(channels_last), n_.scale, n_.shift, e_.globals->mean,
                                 e_.globals->variance, /*training=*/false, 0.0, n_.eps, /*cudnn_enabled=*/false);
      case Op::input:
      case Op::mean:
        break;
    }
    fail(ErrorKind::internal, "an operator without arithmetic");
  }

 private:
  Tensor take(std::size_t i) { return std::move(e_.inputs[i]); }

  static Tensor sum(Tensor a, double alpha, Tensor b, double beta) {
    if (alpha != 1) std::swap(a, b), std::swap(alpha, beta);
    Tensor result = own(std::move(a));
    if (alpha != 1) result.mul_(alpha);
    return result.add_(b, beta);
  }

  Tensor convolution() {
    const bool transposed = n_.op == Op::transposed_convolution;
    const Region read{convolution_source(n_, 0, wanted_.rows), convolution_source(n_, 1, wanted_.columns)};
    Tensor x = with_zeros(e_.inputs[0], e_.regions[0], read);
    e_.inputs[0].reset();
    const auto precision = e_.bf16 ? torch::kBFloat16 : torch::kFloat;
    x = x.to(precision).contiguous(channels_last);
    const Tensor weight = n_.weight.to(precision);
    const Tensor bias = n_.bias.defined() ? n_.bias.to(precision) : n_.bias;
    const std::vector<std::int64_t> stride(n_.stride.begin(), n_.stride.end()),
        dilation(n_.dilation.begin(), n_.dilation.end()), none{0, 0};
    Tensor y;
    if (transposed)
      y = without_rest(torch::conv_transpose2d(x, weight, bias, stride, none, none, n_.groups, dilation), read);
    else y = torch::conv2d(x, weight, bias, stride, none, dilation, n_.groups);
    x.reset();
    y = y.to(torch::kFloat);
    if (e_.inputs.size() > 1) y = sum(std::move(y), 1, take(1), n_.beta);
    return activated(y.contiguous(channels_last), n_);
  }

  /// The wanted part of what a transposed convolution of `read` gives; places that no input reaches hold the bias.
  Tensor without_rest(Tensor y, const Region& read) const {
    for (const std::size_t axis : {0U, 1U}) {
      const auto dimension = static_cast<std::int64_t>(axis) + 2;
      const Span from = axis == 0 ? read.rows : read.columns, to = axis == 0 ? wanted_.rows : wanted_.columns;
      const std::int64_t skipped = to.first - (from.first * n_.stride[axis] - n_.padding[axis]);
      if (const std::int64_t missing = skipped + to.size() - y.size(dimension); missing > 0) {
        std::vector<std::int64_t> shape = y.sizes().vec();
        shape[static_cast<std::size_t>(dimension)] = missing;
        const Tensor bias = n_.bias.defined() ? per_channel(n_.bias) : torch::zeros({1, n_.channels, 1, 1});
        y = torch::cat({y, bias.to(y.scalar_type()).expand(shape)}, dimension);
      }
      y = y.narrow(dimension, skipped, to.size());
    }
    return y;
  }

  /// What an enlargement of the input by `factor` covers.
  Region enlarged_region() const {
    const Region& r = e_.regions[0];
    return {{r.rows.first * n_.factor, r.rows.end * n_.factor},
            {r.columns.first * n_.factor, r.columns.end * n_.factor}};
  }
  Tensor enlarged(const Tensor& x) const {
    const Tensor large = torch::upsample_nearest2d(x, {x.size(2) * n_.factor, x.size(3) * n_.factor});
    return cropped(large, enlarged_region(), wanted_);
  }
  Tensor pixel_shuffle() {
    Tensor x = e_.inputs[0];
    const std::int64_t planes = std::int64_t{n_.factor} * n_.factor;
    if (n_.grouped) x = x.unflatten(1, {planes, n_.channels}).transpose(1, 2).flatten(1, 2);
    const Tensor result = cropped(torch::pixel_shuffle(x, n_.factor), enlarged_region(), wanted_);
    return e_.inputs.size() > 1 ? result + enlarged(e_.inputs[1]) : result;
  }

  Tensor bilinear() const {
    Tensor x = e_.inputs[0];
    for (const std::size_t axis : {0U, 1U}) {
      const auto dimension = static_cast<std::int64_t>(axis) + 2;
      const bool down = axis == 0;
      const Span to = down ? wanted_.rows : wanted_.columns;
      const Span there = down ? e_.regions[0].rows : e_.regions[0].columns;
      const int from = down ? e_.sizes[0].height : e_.sizes[0].width;
      std::vector<std::int64_t> low, high;
      std::vector<float> share;
      for (int i = to.first; i < to.end; ++i) {
        const double place = bilinear_place(i, from, from * n_.factor, n_.align_corners);
        const int below = static_cast<int>(place);
        low.push_back(below - there.first);
        high.push_back(std::min(below + 1, from - 1) - there.first);
        share.push_back(static_cast<float>(place - below));
      }
      const Tensor shares = torch::tensor(share).view(down ? std::vector<std::int64_t>{1, 1, -1, 1}
                                                           : std::vector<std::int64_t>{1, 1, 1, -1});
      x = torch::lerp(x.index_select(dimension, torch::tensor(low)), x.index_select(dimension, torch::tensor(high)),
                      shares);
    }
    return x;
  }

  Tensor pad() {
    if (n_.border_kind == Border::zero) return pad_with_zeros();
    Tensor x = e_.inputs[0];
    for (const std::size_t axis : {0U, 1U}) {
      const bool down = axis == 0;
      const Span to = down ? wanted_.rows : wanted_.columns, there = down ? e_.regions[0].rows : e_.regions[0].columns;
      const int before = n_.border[down ? 2 : 0], size = down ? e_.sizes[0].height : e_.sizes[0].width;
      const auto dimension = static_cast<std::int64_t>(axis) + 2;
      if (to.first >= before && to.end <= before + size) {
        x = x.narrow(dimension, to.first - before - there.first, to.size());
        continue;
      }
      std::vector<std::int64_t> places;
      for (int i = to.first; i < to.end; ++i)
        places.push_back(padded_source(i, before, size, n_.border_kind) - there.first);
      x = x.index_select(dimension, torch::tensor(places));
    }
    return x;
  }
  Tensor pad_with_zeros() {
    const Region& there = e_.regions[0];
    const Region shown{{wanted_.rows.first - n_.border[2], wanted_.rows.end - n_.border[2]},
                       {wanted_.columns.first - n_.border[0], wanted_.columns.end - n_.border[0]}};
    const Region inside = common(shown, there);
    if (inside == shown) return cropped(e_.inputs[0], there, shown);
    Tensor result = torch::zeros({1, n_.channels, shown.rows.size(), shown.columns.size()},
                                 torch::TensorOptions().memory_format(channels_last));
    if (!inside.empty()) cropped(result, shown, inside).copy_(cropped(e_.inputs[0], there, inside));
    return result;
  }

  Evaluation& e_;
  const Node& n_;
  const Region& wanted_;
};

}  // namespace

Tensor evaluate(Evaluation evaluation) { return Operator(evaluation).run(); }

double multiply_adds(const Node& n, double area) {
  if (!is_convolution(n)) return 0;
  const auto weights = static_cast<double>(n.weight.numel());
  // Every weight meets every pixel of the result, or for transposed ones of the input.
  return n.op == Op::convolution ? weights * area : weights * area / (n.stride[0] * n.stride[1]);
}

double scratch_bytes(const Node& n, const Region& wanted, const Region& source) {
  if (!is_convolution(n)) return 0;
  // A copy of the input with its zeros; a transposed convolution may be a matrix product whose result is then added up.
  const auto pixels = static_cast<double>(source.area());
  if (n.op == Op::convolution) return 4 * pixels * static_cast<double>(n.weight.size(1)) * n.groups;
  const auto columns = static_cast<double>(n.weight.numel() / n.weight.size(0));
  return 4 *
         (pixels * (static_cast<double>(n.weight.size(0)) + columns) + static_cast<double>(wanted.area()) * n.channels);
}

}  // namespace ganvas::engine
