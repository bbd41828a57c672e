// The slow reference of style transfer: with a small random network it comes nearer to the style, stays by the content,
// and is the same twice.
#include "ganvas/loss/optimise_style.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/loss/style_distance.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using torch::Tensor;

namespace {

Tensor smooth_picture(int height, int width, double low, double high) {
  return low + (high - low) * torch::upsample_bicubic2d(torch::rand({1, 3, 7, 7}), {height, width}, false).clamp(0, 1);
}

}  // namespace

TEST_CASE("optimised style: nearer to the style, of the content's size, the same twice") {
  torch::manual_seed(9);
  const FeatureNetworkPtr network = make_feature_network("vgg", {{"depth", 19}, {"width", 8}, {"convs", 5}});
  network->eval();
  for (auto& parameter : network->parameters()) parameter.set_requires_grad(false);
  const Tensor content = smooth_picture(45, 60, 0.2, 0.9), style = smooth_picture(50, 40, 0.0, 0.5);
  OptimisedStyleOptions options{.steps = 15, .first_size = 40};
  double last = 0;
  int calls = 0;
  const Tensor result = optimise_style(*network, content, {{style, 1}}, options, [&](double share, double) {
    CHECK(share > last);
    last = share;
    ++calls;
  });
  CHECK(last == doctest::Approx(1));
  CHECK(calls == 2 * 15);  // 42 and 60 pixels
  CHECK(result.sizes() == content.sizes());
  CHECK(result.min().item<double>() >= 0);
  CHECK(result.max().item<double>() <= 1);
  const StyleDistance before = style_distance(*network, content, content, style),
                      after = style_distance(*network, result, content, style);
  for (std::size_t i = 0; i < 3; ++i) CHECK(after.gram[i] < 0.5 * before.gram[i]);
  CHECK(torch::equal(result, optimise_style(*network, content, {{style, 1}}, options)));
  // All weight on the content: hardly a change.
  options.content = 1000;
  const Tensor kept = optimise_style(*network, content, {{style, 1}}, options);
  CHECK((kept - content).square().mean().item<double>() < (result - content).square().mean().item<double>());
  options.style_layers = {"relu9_1"};
  CHECK(test::says(test::refusal(ErrorKind::recipe,
                                 [&] {
                                   optimise_style(*network, content, {{style, 1}}, options);
                                 }),
                   {"relu9_1"}));
}
