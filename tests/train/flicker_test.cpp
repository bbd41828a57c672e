// Flicker: nothing where a network moves with its picture, all of a lattice that stays where it is.
#include <doctest/doctest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/game/generate.hpp"

using namespace ganvas;

namespace {

/// Values in [0, 1]: inverts each pixel, and makes every `period`-th column darker by `step`.
class Columns final : public Generator {
 public:
  Columns(int period, double step) : period_(period), step_(step) {}
  torch::Tensor forward(const torch::Tensor& x) override {
    torch::Tensor y = 0.25 + 0.5 * (1 - x);
    if (period_ > 0) y.index({"...", torch::indexing::Slice(0, torch::indexing::None, period_)}) -= step_;
    return y;
  }
  GeneratorInfo info() const override { return {}; }
  std::string architecture() const override { return "columns"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }

 private:
  int period_;
  double step_;
};

double flicker(int period, double step, int side) {
  Columns network(period, step);
  torch::manual_seed(1);
  const Image picture = image_from_tensor(torch::rand({1, 3, side, side}), Depth::u8, 1, 0);
  return flicker_of(network, picture, generated_picture(network, picture, torch::kCPU), torch::kCPU);
}

}  // namespace

TEST_CASE("flicker: what moves with the picture has none, a lattice that stays in its place has all of its own") {
  CHECK(flicker(0, 0, 64) == 0);
  // Two columns of `period` differ by the step: the one that was dark, and the one that is now.
  CHECK(flicker(4, 0.1, 64) == doctest::Approx(0.1 * 255 * 2 / 4).epsilon(0.05));
  CHECK(flicker(2, 0.1, 64) == doctest::Approx(0.1 * 255).epsilon(0.05));
  CHECK(flicker(1, 0.1, 64) == 0);
  CHECK(flicker(4, 0.1, 33) == 0);  // nothing lies within the borders
}
