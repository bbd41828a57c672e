// Penalties on discriminators whose gradients are known by hand.
#include "ganvas/loss/regulariser.hpp"

#include <torch/torch.h>

#include <cmath>

#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::refusal;
using ganvas::test::says;
using torch::Tensor;

namespace {

double only(const char* name, const Regulariser::Judge& judge, const Tensor& real, const Tensor& fake,
            double weight = 1) {
  Regulariser regulariser;
  regulariser.set(name, weight);
  const auto terms = regulariser(judge, real, fake);
  REQUIRE(terms.size() == 1);
  return terms.at(name).item<double>();
}

}  // namespace

TEST_CASE("regularisers: a linear discriminator has the same slope everywhere") {
  torch::manual_seed(1);
  const Tensor direction = torch::randn({3, 4, 5});
  const double norm = direction.norm().item<double>();
  const auto judge = [&](const Tensor& x) { return (x * direction).flatten(1).sum(1, true); };
  const Tensor real = torch::rand({6, 3, 4, 5}), fake = torch::rand({6, 3, 4, 5});
  CHECK(only("r1", judge, real, fake) == doctest::Approx(norm * norm / 2));
  CHECK(only("r2", judge, real, fake, 3) == doctest::Approx(3 * norm * norm / 2));
  CHECK(only("gradient_penalty", judge, real, fake, 10) == doctest::Approx(10 * (norm - 1) * (norm - 1)));
  CHECK(only("zero_gradient_penalty", judge, real, fake) == doctest::Approx(norm * norm));
  CHECK(only("dragan", judge, real, fake) == doctest::Approx((norm - 1) * (norm - 1)));
}

TEST_CASE("regularisers: a square's slope tells where each penalty looks") {
  // D(x) = |x|^2 / 2 has the gradient x.
  const auto judge = [](const Tensor& x) { return x.square().flatten(1).sum(1, true) / 2; };
  const Tensor real = torch::full({4, 2, 1, 1}, 3.0), fake = torch::full({4, 2, 1, 1}, 1.0);
  CHECK(only("r1", judge, real, fake) == doctest::Approx(18.0 / 2));
  CHECK(only("r2", judge, real, fake) == doctest::Approx(2.0 / 2));
  CHECK(only("drift", judge, real, fake) == doctest::Approx(9.0 * 9.0));
  // Between fake and real the squared norm is 2 (1 + 2 t)^2, t ~ U(0,1): mean 2 * 13 / 3.
  torch::manual_seed(2);
  const Tensor many_real = torch::full({20000, 2, 1, 1}, 3.0), many_fake = torch::full({20000, 2, 1, 1}, 1.0);
  CHECK(only("zero_gradient_penalty", judge, many_real, many_fake) == doctest::Approx(26.0 / 3).epsilon(0.02));
  // DRAGAN's points lie up to half a deviation above the real ones; equal reals have none.
  CHECK(only("dragan", judge, real, fake) == doctest::Approx(std::pow(std::sqrt(18.0) - 1, 2)));
  // Patches: the slope is that of the sum of a picture's logits.
  const auto patches = [](const Tensor& x) { return torch::cat({x, x}, 1); };
  CHECK(only("r1", patches, real, fake) == doctest::Approx((4.0 + 4.0) / 2));
}

TEST_CASE("regularisers: the second derivative reaches the weights") {
  // D(x) = w x, R1 = w^2 / 2, dR1/dw = w.
  Tensor weight = torch::full({1}, 0.7).requires_grad_();
  Regulariser regulariser;
  regulariser.set("r1", 1);
  const auto judge = [&](const Tensor& x) { return (x * weight).flatten(1); };
  regulariser(judge, torch::rand({5, 1, 1, 1}), torch::rand({5, 1, 1, 1})).at("r1").backward();
  CHECK(weight.grad().item<double>() == doctest::Approx(0.7));
  // A dead discriminator has a gradient of 0, where the norm has no derivative.
  Tensor dead = torch::zeros({1}).requires_grad_();
  Regulariser lipschitz;
  lipschitz.set("gradient_penalty", 1);
  lipschitz([&](const Tensor& x) { return (x * dead).flatten(1); }, torch::rand({5, 1, 1, 1}),
            torch::rand({5, 1, 1, 1}))
      .at("gradient_penalty")
      .backward();
  CHECK(std::isfinite(dead.grad().item<double>()));
}

TEST_CASE("regularisers: from a recipe, lazily") {
  Recipe recipe = Recipe::parse("[regulariser]\nr1 = 10\ndrift = 0.5\ninterval = 4\n", "r.toml");
  const Regulariser lazy = Regulariser::from_recipe(recipe, "regulariser");
  recipe.check_all_read();
  CHECK(lazy.due(0));
  CHECK_FALSE(lazy.due(3));
  CHECK(lazy.due(8));
  const auto judge = [](const Tensor& x) { return 2 * x.flatten(1); };
  const auto terms = lazy(judge, torch::ones({3, 1, 1, 1}), torch::ones({3, 1, 1, 1}));
  CHECK(terms.size() == 2);
  CHECK(terms.at("r1").item<double>() == doctest::Approx(10 * 4 * 2.0));
  CHECK(terms.at("drift").item<double>() == doctest::Approx(0.5 * 4 * 4.0));
  // Half-way an annealed weight is half-way.
  Recipe falling = Recipe::parse("[regulariser]\nr1 = 2\n[anneal]\nregulariser.r1 = 0\n", "r.toml");
  const Regulariser annealed = Regulariser::from_recipe(falling, "regulariser", 8);
  falling.check_all_read();
  CHECK(annealed.due(0));
  CHECK(annealed(judge, torch::ones({3, 1, 1, 1}), torch::ones({3, 1, 1, 1}), 4).at("r1").item<double>() ==
        doctest::Approx(1 * 2.0));
  CHECK(annealed(judge, torch::ones({3, 1, 1, 1}), torch::ones({3, 1, 1, 1}), 8).empty());
  Recipe none = Recipe::parse("", "none.toml");
  CHECK_FALSE(Regulariser::from_recipe(none, "regulariser").due(0));
  Regulariser regulariser;
  says(refusal(ErrorKind::recipe, [&] { regulariser.set("r3", 1); }), {"r3", "r1", "dragan"});
}
