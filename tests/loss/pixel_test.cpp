#include "ganvas/loss/pixel.hpp"

#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "support/support.hpp"

using namespace ganvas;

namespace {

double one(const std::string& kind, double d) {
  if (kind == "l1") return std::abs(d);
  if (kind == "l2") return d * d;
  return std::sqrt(d * d + 1e-6);
}

}  // namespace

TEST_CASE("pixel losses against a slow twin, with gradients, in half precision too") {
  CHECK(pixel_losses() == std::vector<std::string>{"l1", "l2", "charbonnier"});
  torch::manual_seed(1);
  for (const auto& kind : pixel_losses()) {
    CAPTURE(kind);
    // One operand channels_last: values count, not memory.
    const torch::Tensor a = torch::rand({2, 3, 5, 7}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
    const torch::Tensor b = torch::rand({2, 3, 5, 7});
    const torch::Tensor loss = pixel_loss(kind, a, b);
    CHECK(loss.dim() == 0);
    const torch::Tensor x = a.detach().contiguous().flatten(), y = b.flatten();
    double sum = 0;
    for (std::int64_t i = 0; i < x.numel(); ++i) sum += one(kind, x[i].item<double>() - y[i].item<double>());
    CHECK(loss.item<double>() == doctest::Approx(sum / static_cast<double>(x.numel())).epsilon(1e-5));

    loss.backward();
    const torch::Tensor gradient = a.grad().contiguous().flatten();
    for (std::int64_t i = 0; i < x.numel(); i += 17) {
      constexpr double h = 1e-5;
      const double d = x[i].item<double>() - y[i].item<double>();
      const double expected = (one(kind, d + h) - one(kind, d - h)) / (2 * h) / static_cast<double>(x.numel());
      CHECK(gradient[i].item<double>() == doctest::Approx(expected).epsilon(1e-3));
    }

    // bf16 predictions are compared in fp32: the mean of many small terms isn't lost.
    const torch::Tensor half = torch::full({1, 1, 200, 200}, 0.5).to(torch::kBFloat16);
    const torch::Tensor result = pixel_loss(kind, half, torch::full({1, 1, 200, 200}, 0.25));
    CHECK((result.scalar_type() == torch::kFloat));
    CHECK(result.item<double>() == doctest::Approx(one(kind, 0.25)).epsilon(1e-5));
    // Equal pictures: a finite gradient (the square root's would be infinite without its epsilon).
    const torch::Tensor c = torch::rand({1, 3, 4, 4}).requires_grad_();
    pixel_loss(kind, c, c.detach()).backward();
    CHECK(c.grad().isfinite().all().item<bool>());
    CHECK(c.grad().abs().max().item<double>() == 0);
  }
  try {
    pixel_loss("l3", torch::zeros({1}), torch::zeros({1}));
    FAIL("was accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::recipe);
    CHECK(std::string(error.what()).find("charbonnier") != std::string::npos);
  }
}

TEST_CASE("total variation: neighbours' differences across and down, 0 for what is flat") {
  const torch::Tensor x = torch::tensor({1.0F, 2.0F, 4.0F, 0.0F, 5.0F, 5.0F}).reshape({1, 1, 2, 3});
  // Across: 1, 2, 5, 0; down: 1, 3, 1.
  CHECK(total_variation(x).item<double>() == doctest::Approx(8.0 / 4 + 5.0 / 3));
  CHECK(total_variation(torch::full({2, 3, 4, 5}, 0.5F)).item<double>() == 0);
  CHECK(total_variation(torch::rand({2, 3, 1, 1})).item<double>() == 0);
  const torch::Tensor row = torch::tensor({0.0F, 3.0F}).reshape({1, 1, 1, 2});
  CHECK(total_variation(row).item<double>() == 3);
}

TEST_CASE("sub-pixel grid: sees a lattice, not what lies anywhere, nor a slope") {
  torch::manual_seed(1);
  const auto levels = [](const torch::Tensor& x, int period) {
    return std::sqrt(sub_pixel_grid(x, period).item<double>());
  };
  torch::Tensor lattice = torch::zeros({1, 3, 64, 80});
  using torch::indexing::None;
  using torch::indexing::Slice;
  lattice.index_put_({Slice(), Slice(), Slice(0, None, 2), Slice(0, None, 2)}, 1.0);
  // One of four places is 1, three are 0: a deviation of sqrt(1/4 * 3/4).
  CHECK(levels(lattice, 2) == doctest::Approx(std::sqrt(3.0 / 16)));
  CHECK(levels(lattice, 4) == doctest::Approx(std::sqrt(3.0 / 16)));
  torch::Tensor broad = torch::zeros({1, 1, 64, 64});
  broad.index_put_({Slice(), Slice(), Slice(), Slice(1, None, 4)}, 1.0);
  CHECK(levels(broad, 4) == doctest::Approx(std::sqrt(3.0 / 16)));
  const torch::Tensor slope = torch::arange(64.0).view({1, 1, 1, 64}).expand({1, 1, 64, 64}) / 64;
  CHECK(levels(slope, 4) < 1e-5);
  CHECK(levels(torch::rand({1, 1, 256, 256}), 4) < 0.02);
  CHECK(levels(torch::rand({1, 1, 5, 64}), 4) == 0);
}
