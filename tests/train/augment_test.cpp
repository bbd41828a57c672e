// Augmentation of what the discriminator sees, and the pool of earlier fakes.
#include "ganvas/train/augment.hpp"

#include <torch/torch.h>

#include <set>

#include "ganvas/train/adversary.hpp"
#include "ganvas/train/history_pool.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
using torch::Tensor;

namespace {

Augment augment_of(const std::string& toml) {
  Recipe recipe = Recipe::parse(toml, "augment.toml");
  Augment augment = Augment::from_recipe(recipe, "augment");
  recipe.check_all_read();
  return augment;
}

}  // namespace

TEST_CASE(
    "augment: every policy keeps shapes, passes gradients twice, changes pictures and depends on the seed alone") {
  for (const auto& policy : Augment::policies()) {
    CAPTURE(policy);
    const Augment augment = augment_of("[augment]\npolicy = [\"" + policy + "\"]\n");
    torch::manual_seed(1);
    const Tensor pictures = torch::rand({16, 3, 16, 16}).requires_grad_();
    torch::manual_seed(2);
    const Tensor changed = augment(pictures);
    torch::manual_seed(2);
    CHECK(torch::equal(changed, augment(pictures)));
    CHECK(changed.sizes() == pictures.sizes());
    CHECK_FALSE(torch::equal(changed, pictures));
    const Tensor slope = torch::autograd::grad({changed.square().sum()}, {pictures}, {}, true, true)[0];
    CHECK(slope.isfinite().all().item<bool>());
    CHECK(slope.abs().sum().item<double>() > 0);
    slope.square().sum().backward();
    CHECK(pictures.grad().isfinite().all().item<bool>());
  }
}

TEST_CASE("augment: what each policy may do") {
  torch::manual_seed(3);
  const Tensor pictures = torch::rand({64, 3, 16, 24});
  const auto each = [](const Tensor& batch) {
    return batch.flatten(1).sum(1);  // one number a picture
  };
  // Flips only permute values.
  const Tensor flipped = augment_of("[augment]\npolicy = [\"flip\"]\n")(pictures);
  CHECK(torch::allclose(each(flipped), each(pictures), 1e-4));
  int as_was = 0;
  for (int i = 0; i < 64; ++i) {
    const bool same = torch::equal(flipped[i], pictures[i]);
    as_was += same;
    CHECK((same || torch::equal(flipped[i], pictures[i].flip({2}))));
  }
  CHECK(as_was > 16);
  CHECK(as_was < 48);
  // A translation by (dy, dx) leaves at least (1 - 1/8)^2 of the picture where the shift says.
  const Tensor moved = augment_of("[augment]\npolicy = [\"translation\"]\n")(pictures);
  for (int i = 0; i < 64; ++i) {
    bool found = false;
    for (int dy = -2; dy <= 2 && !found; ++dy)
      for (int dx = -3; dx <= 3 && !found; ++dx) {
        const Tensor from =
            pictures[i].slice(1, std::max(dy, 0), 16 + std::min(dy, 0)).slice(2, std::max(dx, 0), 24 + std::min(dx, 0));
        const Tensor to =
            moved[i].slice(1, std::max(-dy, 0), 16 - std::max(dy, 0)).slice(2, std::max(-dx, 0), 24 - std::max(dx, 0));
        found = torch::equal(from, to);
      }
    CHECK(found);
  }
  // A cut-out square is gray, the rest untouched; at most half by half of the picture.
  const Tensor cut = augment_of("[augment]\npolicy = [\"cutout\"]\n")(pictures);
  const Tensor changed = (cut != pictures);
  CHECK(torch::equal(cut.masked_select(changed), torch::full_like(cut.masked_select(changed), 0.5)));
  CHECK(changed.to(torch::kFloat).flatten(1).mean(1).max().item<double>() <= 0.26);
  CHECK(changed.to(torch::kFloat).flatten(1).mean(1).min().item<double>() > 0.0);
  // Quarter turns of square pictures.
  const Tensor square = pictures.narrow(3, 0, 16);
  CHECK(torch::allclose(each(augment_of("[augment]\npolicy = [\"turn\"]\n")(square)), each(square), 1e-4));
  says(refusal(ErrorKind::recipe, [&] { augment_of("[augment]\npolicy = [\"turn\"]\n")(pictures); }),
       {"turn", "24x16"});
  // A probability leaves about that share untouched.
  const Tensor some = augment_of("[augment]\npolicy = [\"color\"]\nprobability = 0.25\n")(pictures);
  const double share = (some != pictures).flatten(1).any(1).to(torch::kFloat).mean().item<double>();
  CHECK(share > 0.05);
  CHECK(share < 0.5);
}

TEST_CASE("augment: the published pipeline keeps plain pictures plain, and its upright choice keeps up and light") {
  torch::manual_seed(5);
  for (const char* policy : {"bgc", "bgc-upright"})
    for (const std::int64_t channels : {1, 3, 4}) {
      // Filters of another sum than 1, and borders that aren't mirrored, would show. (What lies farther outside than a
      // picture's width is black, as published: rare.)
      const Tensor plain = torch::full({64, channels, 24, 24}, 0.4);
      const Tensor changed = augment_of(fmt::format("[augment]\npolicy = [\"{}\"]\n", policy))(plain);
      const Tensor range = (changed.flatten(2).amax(2) - changed.flatten(2).amin(2)).amax(1);
      CHECK(range.lt(1e-3).to(torch::kFloat).mean().item<double>() > 0.8);
      CHECK(changed.std(0).max().item<double>() > (channels == 4 ? 0.0 : 0.05));
    }
  // Light above, dark below.
  const Tensor ramp = torch::linspace(1, 0, 32).view({1, 1, 32, 1}).expand({200, 3, 32, 32}).contiguous();
  const auto light_above = [&](const char* policy) {
    const Tensor gray = augment_of(fmt::format("[augment]\npolicy = [\"{}\"]\n", policy))(ramp).mean(1);
    return (gray.narrow(1, 8, 8).mean({1, 2}) > gray.narrow(1, 16, 8).mean({1, 2}))
        .to(torch::kFloat)
        .mean()
        .item<double>();
  };
  CHECK(light_above("bgc-upright") > 0.95);
  CHECK(light_above("bgc") > 0.3);
  CHECK(light_above("bgc") < 0.7);
  // A small probability changes few pictures, each part by itself.
  const Tensor some = augment_of("[augment]\npolicy = [\"bgc\"]\nprobability = 0.02\n")(ramp);
  const double share = (some - ramp).abs().flatten(1).amax(1).gt(1e-5).to(torch::kFloat).mean().item<double>();
  CHECK(share > 0.05);
  CHECK(share < 0.4);
}

TEST_CASE("augment: the adaptive probability follows the discriminator's certainty and is restored exactly") {
  Augment augment = augment_of(
      "[augment]\npolicy = [\"flip\"]\nadaptive = true\ntarget = 0.6\ninterval = 4\nkimg = 1\nlimit = 0.5\n");
  CHECK(augment.probability() == 0);
  const Tensor sure = torch::ones({10, 1});
  for (int i = 0; i < 4; ++i) augment.observe(sure);
  // 40 pictures of 1000.
  CHECK(augment.probability() == doctest::Approx(0.04));
  for (int i = 0; i < 3; ++i) augment.observe(sure);
  CHECK(augment.probability() == doctest::Approx(0.04));
  Augment other = augment_of("[augment]\npolicy = [\"flip\"]\nadaptive = true\nkimg = 1\nlimit = 0.5\n");
  other.restore(augment.state());
  augment.observe(sure);
  other.observe(sure);
  CHECK(augment.probability() == doctest::Approx(0.08));
  CHECK(other.probability() == augment.probability());
  for (int i = 0; i < 400; ++i) augment.observe(sure);
  CHECK(augment.probability() == 0.5);
  for (int i = 0; i < 400; ++i) augment.observe(-sure);
  CHECK(augment.probability() == 0);
  augment.raise(0.3);
  CHECK(augment.probability() == doctest::Approx(0.3));
  says(refusal(ErrorKind::model, [&] { augment.restore(torch::zeros({3})); }), {"3"});
}

TEST_CASE("history pool: fills up, then gives half of the time an older picture in exchange") {
  torch::manual_seed(1);
  HistoryPool pool(5);
  const auto picture = [](int number) { return torch::full({1, 1, 1, 1}, static_cast<float>(number)); };
  for (int i = 0; i < 5; ++i) CHECK(pool.query(picture(i)).item<float>() == static_cast<float>(i));
  std::multiset<int> inside{0, 1, 2, 3, 4};
  int exchanged = 0;
  for (int i = 5; i < 405; ++i) {
    const int given = static_cast<int>(pool.query(picture(i)).item<float>());
    if (given == i) continue;
    ++exchanged;
    REQUIRE(inside.count(given) == 1);  // something that was in there
    inside.erase(given);
    inside.insert(i);
  }
  CHECK(exchanged > 160);
  CHECK(exchanged < 240);
  CHECK(pool.state().at("pool").size(0) == 5);
  HistoryPool off;
  CHECK(off.query(picture(7)).item<float>() == 7);
  CHECK(off.state().size() == 0);
}

TEST_CASE("history pool: pictures of several sizes, as uncropped ones of a batch of one are") {
  const auto picture = [](int number) { return torch::full({1, 3, 4 + number % 3, 5}, static_cast<float>(number)); };
  const auto run = [&](HistoryPool& pool, int from, int to) {
    std::vector<Tensor> given;
    for (int i = from; i < to; ++i) given.push_back(pool.query(picture(i)));
    return given;
  };
  torch::manual_seed(3);
  HistoryPool pool(4);
  int exchanged = 0, number = 0;
  for (const Tensor& given : run(pool, 0, 60)) {
    const int value = static_cast<int>(given.max().item<float>());
    CHECK(torch::equal(given, picture(value)));  // whole, in the size that it had
    exchanged += value != number++;
  }
  CHECK(exchanged > 15);
  // What a checkpoint holds goes on in the same way.
  HistoryPool again(4);
  again.restore(pool.state(), torch::kCPU);
  torch::manual_seed(4);
  const auto expected = run(pool, 60, 80);
  torch::manual_seed(4);
  const auto found = run(again, 60, 80);
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(torch::equal(expected[i], found[i]));
  // Several at once keep their size.
  for (int i = 0; i < 10; ++i)
    CHECK(pool.query(torch::rand({2, 3, 5, 5})).sizes() == torch::rand({2, 3, 5, 5}).sizes());
}

TEST_CASE("batch diversity: zero for equal pictures, blind to their order, larger for wider spreads") {
  torch::manual_seed(1);
  const Tensor one = torch::rand({1, 3, 20, 20});
  CHECK(batch_diversity(one.repeat({4, 1, 1, 1})) < 1e-6);
  const Tensor narrow = one + 0.01 * torch::randn({4, 3, 1, 1}), wide = one + 0.1 * torch::randn({4, 3, 1, 1});
  CHECK(batch_diversity(narrow) > 0);
  CHECK(batch_diversity(wide) > 3 * batch_diversity(narrow));
  CHECK(batch_diversity(wide.flip({0})) == doctest::Approx(batch_diversity(wide)));
  CHECK(batch_diversity(torch::randn({8, 2, 1, 1})) > 0);
}
