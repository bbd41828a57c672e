// Rows of 3x3 convolutions in pairs of pixels against LibTorch's convolution.
#include <torch/torch.h>

#include "engine/kernels/paired_rows.hpp"
#include "engine/kernels/row_kernels.hpp"
#include "support/support.hpp"

using namespace ganvas;
using engine::Element;
using engine::PairedActivation;
using engine::PairedRows;
using engine::View;

namespace {

/// A picture in blocks of 16 channels, in memory of its own.
struct Blocks {
  Blocks(int channels, int height, int width, Element element)
      : view{nullptr, channels, height, width, 16, element}, full(static_cast<std::size_t>(view.size())) {
    half.resize(full.size());
    view.data = element == Element::bf16 ? static_cast<void*>(half.data()) : full.data();
  }
  std::size_t place(int c, int y, int x) const {
    return static_cast<std::size_t>(((c / 16 * view.height + y) * view.width + x) * 16 + c % 16);
  }
  void set(const torch::Tensor& picture) {
    const auto values = picture.accessor<float, 3>();
    for (int c = 0; c < view.channels; ++c)
      for (int y = 0; y < view.height; ++y)
        for (int x = 0; x < view.width; ++x) full[place(c, y, x)] = values[c][y][x];
    engine::narrow(full.data(), half.data(), static_cast<std::int64_t>(full.size()));
  }
  torch::Tensor get() {
    if (view.element == Element::bf16) engine::widen(half.data(), full.data(), static_cast<std::int64_t>(full.size()));
    torch::Tensor picture = torch::empty({view.channels, view.height, view.width});
    auto values = picture.accessor<float, 3>();
    for (int c = 0; c < view.channels; ++c)
      for (int y = 0; y < view.height; ++y)
        for (int x = 0; x < view.width; ++x) values[c][y][x] = full[place(c, y, x)];
    return picture;
  }

  View view;
  std::vector<float> full;
  std::vector<std::uint16_t> half;
};

torch::Tensor activated(const torch::Tensor& x, const PairedActivation& activation) {
  using Curve = PairedActivation::Curve;
  switch (activation.curve) {
    case Curve::none:
      return x;
    case Curve::leaky_relu:
      return torch::leaky_relu(x, activation.slope);
    case Curve::silu:
      return torch::silu(x);
    case Curve::sigmoid:
      return torch::sigmoid(x);
    case Curve::mish:
      return torch::mish(x);
  }
  return x;
}

struct Case {
  int in, out, height, width;
  PairedActivation activation;
  float factor;
};

/// `border`: of zeros, one or none.
double error_of(const Case& c, bool half, bool half_result, int border = 1) {
  torch::manual_seed(c.in + c.width);
  const auto rounded = [&](const torch::Tensor& x) { return half ? x.to(torch::kBFloat16).to(torch::kFloat) : x; };
  const torch::Tensor x = rounded(torch::randn({c.in, c.height, c.width})),
                      there = torch::randn({c.out, c.height - 2 + 2 * border, c.width - 2 + 2 * border});
  const torch::Tensor weight = torch::randn({c.out, c.in, 3, 3}) * std::sqrt(4.0 / (9 * c.in)),
                      bias = torch::randn({c.out});
  const auto values = [](const torch::Tensor& t) {
    return std::span<const float>(t.data_ptr<float>(), static_cast<std::size_t>(t.numel()));
  };
  const PairedRows rows(c.in, c.out, values(weight), values(bias), c.activation, half);
  Blocks from(c.in, c.height, c.width, half ? Element::bf16 : Element::fp32);
  Blocks to(c.out, c.height - 2 + 2 * border, c.width - 2 + 2 * border, half_result ? Element::bf16 : Element::fp32);
  from.set(x);
  to.set(there);
  const torch::Tensor before = to.get();
  rows.run(from.view, to.view, c.factor);
  const torch::Tensor sums = torch::conv2d(x.unsqueeze(0), weight, bias, 1, border)[0] + c.factor * before;
  const torch::Tensor expected = activated(sums, c.activation), difference = to.get() - expected;
  CHECK(difference.isfinite().all().item<bool>());
  return (difference.square().mean() / expected.square().mean()).sqrt().item<double>();
}

}  // namespace

TEST_CASE("paired rows: as LibTorch's convolution, for all sizes, blocks, activations and precisions") {
  if (!PairedRows::runs_here()) {
    MESSAGE("skipped: this machine has no AVX-512 BF16");
    return;
  }
  using Curve = PairedActivation::Curve;
  const Case cases[] = {{48, 48, 9, 21, {Curve::silu}, 0},
                        {32, 64, 1, 1, {}, 0},
                        {64, 32, 34, 2, {Curve::sigmoid}, 0},
                        {33, 100, 5, 17, {Curve::mish}, 0},
                        {64, 80, 3, 600, {Curve::leaky_relu, 0.2F}, 0},
                        {128, 144, 2, 33, {}, 0.5F},
                        {40, 48, 70, 257, {Curve::leaky_relu}, -1}};
  for (const Case& c : cases) {
    CAPTURE(c.in);
    CAPTURE(c.out);
    CHECK(error_of(c, false, false) <= 1e-6);
    // Rounding to bf16 is by 2^-9 at most; here weights and sums of two pixels are rounded.
    CHECK(error_of(c, true, false) <= 0.005);
    CHECK(error_of(c, true, true) <= 0.006);
    if (c.height < 3 || c.width < 3) continue;
    CHECK(error_of(c, false, false, 0) <= 1e-6);
    CHECK(error_of(c, true, true, 0) <= 0.006);
  }
}
