// Statistics of styles against figures that another program computed, and what the distance of styles says of pictures
// that are the style or the content themselves.
#include "ganvas/loss/style_distance.hpp"

#include <torch/torch.h>

#include "ganvas/format/model_file.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/loss/perceptual.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;

namespace {

struct LayerFigures {
  double trace, sum, norm, first, other, means, deviations;
};

void agrees(double found, double expected) { CHECK(found == doctest::Approx(expected).epsilon(2e-4).scale(1e-3)); }

}  // namespace

TEST_CASE("style distance: Gram matrices and moments of two pictures as another program has them") {
  const auto weights = test::shared_folder() / "weights/vgg19-relu3_1.pth";
  const auto painting = test::shared_folder() / "data/styles/vangogh/000.jpg";
  SKIP_WITHOUT(weights);
  SKIP_WITHOUT(painting);
  const torch::NoGradGuard no_grad;
  const auto network = load_feature_network(weights, {{"input", "plain"}, {"padding", "reflect"}});
  const auto read = [](const std::filesystem::path& path) { return tensor_from_image(read_image(path).image.pixels); };
  const torch::Tensor a = read(painting), b = read(test::shared_folder() / "data/monet/photo/2013-11-08");
  const std::vector<std::vector<LayerFigures>> expected{
      {{7.80498, 170.945, 5.54066, .0673335, .217934, 1.57928, 1.49646},
       {13.3842, 201.964, 11.0570, 0, .0171263, 1.23687, 1.38596},
       {4.89285, 287.639, 1.88220, .00458406, .00922086, 1.01125, 1.66692}},
      {{2.84429, 62.3642, 1.94274, .00286419, .129934, .937833, .961112},
       {1.97248, 94.5540, 1.05725, .00146416, .00341372, .805601, .911451},
       {2.19528, 141.774, .777015, .000918524, .00158797, .67354, 1.16855}}};
  const double apart[] = {.00720562, .00743281, 4.34843e-5}, moments[] = {5.00611, 11.5451, 1.88766};
  const auto of_a = network->features(a, style_distance_layers()), of_b = network->features(b, style_distance_layers());
  double mean = 0;
  for (std::size_t layer = 0; layer < 3; ++layer) {
    CAPTURE(layer);
    const std::vector<torch::Tensor> features{of_a[layer], of_b[layer]};
    std::vector<torch::Tensor> grams, own;
    for (std::size_t i = 0; i < 2; ++i) {
      CAPTURE(i);
      const LayerFigures& figures = expected[i][layer];
      const torch::Tensor gram = gram_matrix(features[i])[0], both = channel_moments(features[i])[0];
      agrees(gram.trace().item<double>(), figures.trace);
      agrees(gram.sum().item<double>(), figures.sum);
      agrees(gram.norm().item<double>(), figures.norm);
      agrees(gram[0][1].item<double>(), figures.first);
      agrees(gram[5][9].item<double>(), figures.other);
      agrees(both.narrow(0, 0, gram.size(0)).mean().item<double>(), figures.means);
      agrees(both.narrow(0, gram.size(0), gram.size(0)).mean().item<double>(), figures.deviations);
      grams.push_back(gram);
      own.push_back(both);
    }
    const double distance = (grams[0] - grams[1]).square().mean().item<double>();
    CHECK(distance == doctest::Approx(apart[layer]).epsilon(1e-3));
    const double loss = 2 * (own[0] - own[1]).square().mean().item<double>();
    CHECK(loss == doctest::Approx(moments[layer]).epsilon(1e-3));
    mean += loss / 3;
  }
  const StyleDistance found = style_distance(*network, b, b, a);
  CHECK(found.moments == doctest::Approx(mean).epsilon(1e-4));
  CHECK(found.content == 0);
}

TEST_CASE("style distance: nothing for the style, nothing for the content, and more for strangers") {
  torch::manual_seed(3);
  const auto network = make_feature_network("vgg", {{"depth", 19}, {"width", 8}, {"convs", 5}});
  network->eval();
  const torch::Tensor content = torch::rand({1, 3, 40, 48}), style = 0.5 * torch::rand({1, 3, 32, 32});
  const StyleDistance own = style_distance(*network, content, content, content);
  CHECK(own.content == 0);
  CHECK(own.normalised == 0);
  CHECK(own.moments == 0);
  CHECK(own.gram == std::vector<double>{0, 0, 0});
  const StyleDistance far = style_distance(*network, content, content, style);
  CHECK(far.moments > 0);
  for (const double gram : far.gram) CHECK(gram > 0);
  const StyleDistance stranger = style_distance(*network, torch::rand({1, 3, 40, 48}), content, style);
  CHECK(stranger.normalised > 0.1);
  CHECK(stranger.normalised < 2.5);
  // Twice the features are four times the Gram matrix's entries: |4 - 1|^2 = 9.
  struct Doubled : FeatureNetwork {
    explicit Doubled() {
      add_layer({"relu1_1", 3, [](const torch::Tensor& x, bool) { return x.clone(); }});
    }
    std::string architecture() const override { return "plain"; }
    nlohmann::json config() const override { return {}; }
    torch::Tensor normalised(const torch::Tensor& images) const override { return images; }
  } plain;
  CHECK(style_distance(plain, 2 * style, style, style, {"relu1_1"}).gram[0] == doctest::Approx(9));
}

TEST_CASE("perceptual: moments, layers of their own, half the size and features without their scale") {
  torch::manual_seed(5);
  const auto network = make_feature_network("vgg", {{"depth", 19}, {"width", 4}, {"convs", 5}});
  network->eval();
  const auto a = torch::rand({2, 3, 32, 36}), c = torch::rand({2, 3, 32, 36}), s = torch::rand({2, 3, 40, 24});
  const PerceptualLoss loss(network, {.layers = {"relu3_1"},
                                      .criterion = "l2",
                                      .weight = 3,
                                      .style_weight = 7,
                                      .normalised_weight = 2,
                                      .style_layers = {"relu1_1", "relu2_1"},
                                      .statistics = "moments",
                                      .half_size = true});
  const Terms terms = loss(a, c, s);
  const auto features = [&](const torch::Tensor& x, const char* layer) { return network->features(x, {layer})[0]; };
  const auto mse = [](const torch::Tensor& x, const torch::Tensor& y) {
    return (x - y).square().mean().item<double>();
  };
  const torch::Tensor fa = features(a, "relu3_1"), fc = features(c, "relu3_1");
  CHECK(terms.at("perceptual").item<double>() == doctest::Approx(3 * mse(fa, fc)).epsilon(1e-4));
  const auto normed = [](const torch::Tensor& x) {
    return torch::instance_norm(x, {}, {}, {}, {}, true, 0.1, 1e-5, false);
  };
  CHECK(terms.at("normalised").item<double>() == doctest::Approx(2 * mse(normed(fa), normed(fc))).epsilon(1e-3));
  double style = 0;
  for (const char* layer : {"relu1_1", "relu2_1"})
    for (const bool half : {false, true}) {
      const auto seen = [&](const torch::Tensor& x) { return half ? torch::avg_pool2d(x, 2) : x; };
      const torch::Tensor x = features(seen(a), layer).flatten(2), y = features(seen(s), layer).flatten(2);
      style += 7 * (mse(x.mean(2), y.mean(2)) + mse((x.var(2, false) + 1e-5).sqrt(), (y.var(2, false) + 1e-5).sqrt()));
    }
  CHECK(terms.at("style").item<double>() == doctest::Approx(style).epsilon(1e-4));
}
