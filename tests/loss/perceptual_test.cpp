// Perceptual, style and LPIPS terms against sums written out, with a small random network.
#include "ganvas/loss/perceptual.hpp"

#include <torch/torch.h>

#include "ganvas/format/model_file.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;

namespace {

FeatureNetworkPtr small_vgg(int depth = 19, int convs = 5) {
  torch::manual_seed(11);
  const auto made = make_feature_network("vgg", {{"depth", depth}, {"width", 4}, {"convs", convs}});
  ModelFile file;
  file.weights = state_dict_of(*made);
  return feature_network_from(std::move(file), "small");
}

/// Heads for the five LPIPS layers of a VGG-16 of width 4.
StateDict random_heads() {
  StateDict heads;
  int i = 0;
  for (const int channels : {4, 8, 16, 32, 32})
    heads.set(fmt::format("lin{}.model.1.weight", i++), torch::rand({1, channels, 1, 1}));
  return heads;
}

double value(const Terms& terms, const std::string& name) { return terms.at(name).item<double>(); }

}  // namespace

TEST_CASE("perceptual: Gram matrices are sums over places, in fp32") {
  torch::manual_seed(1);
  const auto f = torch::randn({2, 3, 4, 5});
  const auto gram = gram_matrix(f.contiguous(at::MemoryFormat::ChannelsLast));
  CHECK(gram.sizes() == torch::IntArrayRef({2, 3, 3}));
  for (int n = 0; n < 2; ++n)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        double sum = 0;
        for (int y = 0; y < 4; ++y)
          for (int x = 0; x < 5; ++x) sum += f[n][i][y][x].item<double>() * f[n][j][y][x].item<double>();
        CHECK(gram[n][i][j].item<double>() == doctest::Approx(sum / (3 * 4 * 5)).epsilon(1e-5));
      }
  const AutocastScope mixed(true, false);
  CHECK((gram_matrix(f.to(torch::kBFloat16)).scalar_type() == torch::kFloat));
}

TEST_CASE("perceptual: layers, weights and criteria add up as announced") {
  torch::manual_seed(2);
  const auto a = torch::rand({2, 3, 24, 20}), b = torch::rand({2, 3, 24, 20});
  const auto network = small_vgg();
  const auto f = network->features(a, {"conv1_2", "relu2_1"}), g = network->features(b, {"conv1_2", "relu2_1"});
  for (const char* criterion : {"l1", "l2", "charbonnier"}) {
    CAPTURE(criterion);
    const auto distance = [&](const torch::Tensor& x, const torch::Tensor& y) {
      const auto d = (x - y).to(torch::kDouble);
      if (std::string(criterion) == "l1") return d.abs().mean().item<double>();
      if (std::string(criterion) == "l2") return (d * d).mean().item<double>();
      return (d * d + 1e-6).sqrt().mean().item<double>();
    };
    const PerceptualLoss loss(network, {.layers = {"conv1_2", "relu2_1"},
                                        .layer_weights = {0.5, 2},
                                        .criterion = criterion,
                                        .weight = 3,
                                        .style_weight = 7});
    const Terms terms = loss(a, b);
    CHECK(terms.size() == 2);
    const double features = 3 * (0.5 * distance(f[0], g[0]) + 2 * distance(f[1], g[1]));
    const double style =
        7 * (0.5 * distance(gram_matrix(f[0]), gram_matrix(g[0])) + 2 * distance(gram_matrix(f[1]), gram_matrix(g[1])));
    CHECK(value(terms, "perceptual") == doctest::Approx(features).epsilon(1e-4));
    CHECK(value(terms, "style") == doctest::Approx(style).epsilon(1e-4));
    for (const auto& [name, term] : terms) {
      CHECK(term.dim() == 0);
      CHECK((term.scalar_type() == torch::kFloat));
    }
  }
}

TEST_CASE("perceptual: gradients agree with finite differences and stop at the target") {
  torch::manual_seed(3);
  const auto network = small_vgg(16, 13);
  const PerceptualLoss loss(network, {.layers = {"relu1_2", "relu3_1"},
                                      .criterion = "l2",
                                      .weight = 1,
                                      .style_weight = 5,
                                      .lpips_weight = 2,
                                      .heads = random_heads()});
  const auto x = torch::rand({1, 3, 32, 32}).requires_grad_(), target = torch::rand({1, 3, 32, 32}).requires_grad_();
  const auto total = [&](const torch::Tensor& picture) {
    torch::Tensor sum = torch::zeros({});
    for (const auto& [name, term] : loss(picture, target)) sum = sum + term;
    return sum;
  };
  CHECK(loss(x, target).size() == 3);
  total(x).backward();
  CHECK_FALSE(target.grad().defined());
  const torch::NoGradGuard no_grad;
  for (int i = 0; i < 4; ++i) {
    const auto direction = torch::randn_like(x) / std::sqrt(static_cast<double>(x.numel()));
    const double h = 0.02;
    const double slope = (total(x + h * direction) - total(x - h * direction)).item<double>() / (2 * h);
    const double expected = (x.grad() * direction).sum().item<double>();
    CHECK(slope == doctest::Approx(expected).epsilon(0.03).scale(x.grad().norm().item<double>() / 50));
  }
  CHECK(total(target).item<double>() == 0);
}

TEST_CASE("perceptual: the style of one picture, the content of another") {
  torch::manual_seed(6);
  const auto network = small_vgg(16, 13);
  const PerceptualLoss loss(
      network,
      {.layers = {"relu1_2", "relu2_1"}, .weight = 1, .style_weight = 5, .lpips_weight = 2, .heads = random_heads()});
  const auto result = torch::rand({1, 3, 32, 32}), content = torch::rand({1, 3, 32, 32});
  const auto style = torch::rand({1, 3, 24, 40});  // of any size
  const Terms both = loss(result, content, style), of_content = loss(result, content);
  CHECK(value(both, "perceptual") == doctest::Approx(value(of_content, "perceptual")));
  CHECK(value(both, "lpips") == doctest::Approx(value(of_content, "lpips")));
  CHECK(value(both, "style") != doctest::Approx(value(of_content, "style")));
  CHECK(value(loss(style, torch::rand({1, 3, 24, 40}), style), "style") == 0);
}

TEST_CASE("perceptual: under autocast near fp32, terms in fp32") {
  torch::manual_seed(4);
  const PerceptualLoss loss(small_vgg(), {.layers = {"conv3_1"}, .weight = 1, .style_weight = 1});
  const auto a = torch::rand({1, 3, 32, 32}), b = torch::rand({1, 3, 32, 32});
  const Terms exact = loss(a, b);
  const AutocastScope mixed(true, false);
  for (const auto& [name, term] : loss(a, b)) {
    CAPTURE(name);
    CHECK((term.scalar_type() == torch::kFloat));
    CHECK(term.item<double>() == doctest::Approx(value(exact, name)).epsilon(0.03));
  }
}

TEST_CASE("perceptual: LPIPS by its formula, its gradient finite where all channels are 0") {
  torch::manual_seed(5);
  const auto network = small_vgg(16, 13);
  const StateDict heads = random_heads();
  const Lpips lpips(network, heads);
  const auto a = torch::rand({2, 3, 33, 40}), b = torch::rand({2, 3, 33, 40});
  const auto names = lpips.layers();
  CHECK(names == std::vector<std::string>{"relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"});
  const auto f = network->features(a, names), g = network->features(b, names);
  const auto found = lpips(a, b);
  for (int n = 0; n < 2; ++n) {
    double sum = 0;
    for (std::size_t layer = 0; layer < names.size(); ++layer) {
      const auto x = f[layer][n].to(torch::kDouble), y = g[layer][n].to(torch::kDouble);
      const auto w = heads.at(fmt::format("lin{}.model.1.weight", layer)).to(torch::kDouble).view({-1, 1, 1});
      const auto unit = [](const torch::Tensor& v) { return v / ((v * v).sum(0, true).sqrt() + 1e-10); };
      sum += ((unit(x) - unit(y)).pow(2) * w).sum(0).mean().item<double>();
    }
    CHECK(found[n].item<double>() == doctest::Approx(sum).epsilon(1e-4));
  }
  const auto zero = torch::zeros({1, 4, 2, 2}).requires_grad_();
  unit_channels(zero).sum().backward();
  CHECK(zero.grad().isfinite().all().item<bool>());
}

TEST_CASE("perceptual: from a recipe") {
  const test::TemporaryFolder folder;
  save_feature_network(folder / "tiny.safetensors", *small_vgg());
  const FindModel find = [&](const std::string& name) -> std::filesystem::path {
    if (std::filesystem::exists(folder / name)) return folder / name;
    fail(ErrorKind::usage, "no such model");
  };
  const auto build = [&](const std::string& keys, const FindModel& finder) {
    Recipe recipe = Recipe::parse("[p]\n" + keys, "r.toml");
    auto loss = perceptual_from_recipe(recipe, "p", finder, torch::kCPU);
    recipe.check_all_read();
    const std::string resolved = recipe.resolved();
    for (const char* key : {"network", "layers", "layer_weights", "criterion", "weight", "style_weight", "lpips_weight",
                            "heads", "input", "padding"})
      CHECK(resolved.find(std::string(key) + " = ") != std::string::npos);
    // What is saved beside a run reads back as the same.
    Recipe again = Recipe::parse(resolved, "again.toml");
    perceptual_from_recipe(again, "p", {}, torch::kCPU);
    CHECK(again.resolved() == resolved);
    return loss;
  };
  const std::string all =
      "network = \"tiny.safetensors\"\nlayers = [\"relu1_1\", \"conv3_1\"]\n"
      "layer_weights = [0.1, 1]\nweight = 2\npadding = \"reflect\"\ninput = \"plain\"\n";
  CHECK(build("", find) == nullptr);  // off, and 'features' isn't looked for
  CHECK(build(all, {}) == nullptr);
  const auto loss = build(all, find);
  REQUIRE(loss);
  CHECK(loss->network().config().at("padding") == "reflect");
  CHECK(loss->network().config().at("input") == "plain");
  const auto a = torch::rand({1, 3, 16, 16}), b = torch::rand({1, 3, 16, 16});
  const auto f = loss->network().features(a, {"relu1_1", "conv3_1"}),
             g = loss->network().features(b, {"relu1_1", "conv3_1"});
  const double expected = 2 * (0.1 * (f[0] - g[0]).abs().mean() + (f[1] - g[1]).abs().mean()).item<double>();
  CHECK(value((*loss)(a, b), "perceptual") == doctest::Approx(expected).epsilon(1e-5));

  const auto refused = [&](ErrorKind kind, const std::string& keys) {
    return test::refusal(kind, [&] { build(keys, find); });
  };
  CHECK(test::says(refused(ErrorKind::recipe, "weight = 1\nnetwork = \"vgg19\"\nlayers = [\"conv1_1\"]"),
                   {"r.toml", "p.network", "ganvas model fetch vgg19"}));
  CHECK(test::says(refused(ErrorKind::recipe, all + "style_weight = 1\ncriterion = \"l3\""), {"l3", "charbonnier"}));
  CHECK(test::says(refused(ErrorKind::recipe, "weight = 1\nnetwork = \"tiny.safetensors\""), {"layers"}));
  CHECK(test::says(refused(ErrorKind::recipe, "weight = 1\nnetwork = \"tiny.safetensors\"\nlayers = [\"relu9_9\"]"),
                   {"r.toml", "relu9_9", "conv1_1"}));
  CHECK(
      test::says(refused(ErrorKind::recipe,
                         "weight = 1\nnetwork = \"tiny.safetensors\"\nlayers = [\"relu1_1\"]\nlayer_weights = [1, 2]"),
                 {"layer_weights"}));
  CHECK(test::says(refused(ErrorKind::recipe, "layer_weights = [\"much\"]"), {"p.layer_weights", "much"}));
  CHECK(test::says(refused(ErrorKind::model, "lpips_weight = 1\nnetwork = \"tiny.safetensors\""), {"LPIPS"}));
}

TEST_CASE("perceptual: LPIPS heads of another network are refused") {
  const auto network = small_vgg(16, 13);
  StateDict heads = random_heads();
  heads.set("lin1.model.1.weight", torch::rand({1, 9, 1, 1}));
  CHECK(test::says(test::refusal(ErrorKind::model, [&] { Lpips(network, heads, "h.pth"); }),
                   {"h.pth", "lin1.model.1.weight", "relu2_2"}));
  heads.erase("lin1.model.1.weight");
  CHECK(test::says(test::refusal(ErrorKind::model, [&] { Lpips(network, heads, "h.pth"); }), {"h.pth", "4", "5"}));
  CHECK(test::says(test::refusal(ErrorKind::model, [&] { Lpips(small_vgg(), random_heads()); }), {"vgg"}));
  CHECK(test::says(test::refusal(ErrorKind::model, [&] { Lpips(network, {}); }), {"heads"}));
}
