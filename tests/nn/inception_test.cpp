// Inception-v3 in FID's variant against a plain restatement, layer sizes and counts known from the literature.
#include <torch/torch.h>

#include "ganvas/nn/feature_network.hpp"
#include "nn/sweep.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;

namespace {

/// Convolution, batch norm and ReLU as LibTorch has them, with the weights of `key`.
struct Plain {
  const StateDict& weights;

  torch::Tensor operator()(const torch::Tensor& x, const std::string& key, int stride = 1, int pad_y = 0,
                           int pad_x = 0) const {
    const auto at = [&](const char* part) { return weights.at(key + part).to(x.scalar_type()); };
    const auto y = torch::conv2d(x, at(".conv.weight"), {}, stride, torch::IntArrayRef{pad_y, pad_x});
    return torch::relu(torch::batch_norm(y, at(".bn.weight"), at(".bn.bias"), at(".bn.running_mean"),
                                         at(".bn.running_var"), false, 0, 0.001, false));
  }
  torch::Tensor mean_pool(const torch::Tensor& x) const {
    const auto ones = torch::ones({1, 1, x.size(2), x.size(3)}, x.options());
    return torch::avg_pool2d(x, 3, 1, 1) / torch::avg_pool2d(ones, 3, 1, 1);  // the padding taken out again
  }
  torch::Tensor a(const torch::Tensor& x, const std::string& k) const {
    const Plain& c = *this;
    return torch::cat({c(x, k + "branch1x1"), c(c(x, k + "branch5x5_1"), k + "branch5x5_2", 1, 2, 2),
                       c(c(c(x, k + "branch3x3dbl_1"), k + "branch3x3dbl_2", 1, 1, 1), k + "branch3x3dbl_3", 1, 1, 1),
                       c(mean_pool(x), k + "branch_pool")},
                      1);
  }
  torch::Tensor b(const torch::Tensor& x, const std::string& k) const {
    const Plain& c = *this;
    return torch::cat({c(x, k + "branch3x3", 2),
                       c(c(c(x, k + "branch3x3dbl_1"), k + "branch3x3dbl_2", 1, 1, 1), k + "branch3x3dbl_3", 2),
                       torch::max_pool2d(x, 3, 2)},
                      1);
  }
  torch::Tensor c(const torch::Tensor& x, const std::string& k) const {
    const Plain& conv = *this;
    auto once = conv(conv(x, k + "branch7x7_1"), k + "branch7x7_2", 1, 0, 3);
    once = conv(once, k + "branch7x7_3", 1, 3, 0);
    auto twice = conv(x, k + "branch7x7dbl_1");
    for (int i = 2; i <= 5; ++i)
      twice = conv(twice, k + "branch7x7dbl_" + std::to_string(i), 1, i % 2 ? 0 : 3, i % 2 ? 3 : 0);
    return torch::cat({conv(x, k + "branch1x1"), once, twice, conv(mean_pool(x), k + "branch_pool")}, 1);
  }
  torch::Tensor d(const torch::Tensor& x, const std::string& k) const {
    const Plain& c = *this;
    const auto seven = c(c(c(x, k + "branch7x7x3_1"), k + "branch7x7x3_2", 1, 0, 3), k + "branch7x7x3_3", 1, 3, 0);
    return torch::cat({c(c(x, k + "branch3x3_1"), k + "branch3x3_2", 2), c(seven, k + "branch7x7x3_4", 2),
                       torch::max_pool2d(x, 3, 2)},
                      1);
  }
  torch::Tensor e(const torch::Tensor& x, const std::string& k, bool largest) const {
    const Plain& c = *this;
    const auto three = c(x, k + "branch3x3_1");
    const auto doubled = c(c(x, k + "branch3x3dbl_1"), k + "branch3x3dbl_2", 1, 1, 1);
    return torch::cat(
        {c(x, k + "branch1x1"), c(three, k + "branch3x3_2a", 1, 0, 1), c(three, k + "branch3x3_2b", 1, 1, 0),
         c(doubled, k + "branch3x3dbl_3a", 1, 0, 1), c(doubled, k + "branch3x3dbl_3b", 1, 1, 0),
         c(largest ? torch::max_pool2d(x, 3, 1, 1) : mean_pool(x), k + "branch_pool")},
        1);
  }

  /// "64", "192", "768" and "2048", from pictures in [0,1].
  std::vector<torch::Tensor> network(const torch::Tensor& images) const {
    const Plain& conv = *this;
    std::vector<torch::Tensor> outputs;
    auto x = conv(conv(images * 2 - 1, "Conv2d_1a_3x3", 2), "Conv2d_2a_3x3");
    outputs.push_back(x = torch::max_pool2d(conv(x, "Conv2d_2b_3x3", 1, 1, 1), 3, 2));
    outputs.push_back(x = torch::max_pool2d(conv(conv(x, "Conv2d_3b_1x1"), "Conv2d_4a_3x3"), 3, 2));
    for (const char* name : {"Mixed_5b.", "Mixed_5c.", "Mixed_5d."}) x = a(x, name);
    x = b(x, "Mixed_6a.");
    for (const char* name : {"Mixed_6b.", "Mixed_6c.", "Mixed_6d.", "Mixed_6e."}) x = c(x, name);
    outputs.push_back(x);
    outputs.push_back(e(e(d(x, "Mixed_7a."), "Mixed_7b.", false), "Mixed_7c.", true));
    return outputs;
  }
};

/// With norms that do something.
FeatureNetworkPtr random_inception(int width) {
  torch::manual_seed(3);
  auto network = make_feature_network("inception-fid", {{"width", width}});
  network->eval();
  const torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    torch::Tensor& p = item.value();
    if (p.dim() == 4) p.normal_(0.0, std::sqrt(2.0 / static_cast<double>(p[0].numel())));
    else p.normal_(item.key().ends_with("weight") ? 1.0 : 0.0, 0.2);
  }
  for (auto& item : network->named_buffers()) {
    if (item.key().ends_with("mean")) item.value().normal_(0.0, 0.3);
    else item.value().uniform_(0.5, 2.0);
  }
  return network;
}

}  // namespace

TEST_CASE("inception: sizes, channels and parameters as published") {
  const torch::NoGradGuard no_grad;
  auto network = make_feature_network("inception-fid", nlohmann::json::object());
  // torchvision's 27,161,264 without the auxiliary classifier's 3,326,696 and the classifier's 1000 x 2049; Keras's
  // "no top" of 21,802,784 counts the norms' means and variances and lacks their weights.
  std::int64_t parameters = 0;
  for (const auto& parameter : network->parameters()) parameters += parameter.numel();
  CHECK(parameters == 27'161'264 - 3'326'696 - 1000 * 2049);
  CHECK(state_dict_of(*network).element_count() == 21'802'784 + 17'216);
  CHECK(network->picture_side() == 299);
  // Table 1 of Szegedy et al. 2016, side by side with torchvision's comments.
  const std::vector<std::tuple<std::string, int, int>> table{
      {"Conv2d_1a_3x3", 32, 149}, {"Conv2d_2a_3x3", 32, 147}, {"Conv2d_2b_3x3", 64, 147}, {"64", 64, 73},
      {"Conv2d_3b_1x1", 80, 73},  {"Conv2d_4a_3x3", 192, 71}, {"192", 192, 35},           {"Mixed_5b", 256, 35},
      {"Mixed_5d", 288, 35},      {"Mixed_6a", 768, 17},      {"768", 768, 17},           {"Mixed_7a", 1280, 8},
      {"Mixed_7b", 2048, 8},      {"2048", 2048, 8}};
  std::vector<std::string> names;
  for (const auto& [name, channels, side] : table) names.push_back(name);
  const auto outputs = network->features(torch::rand({1, 3, 299, 299}), names);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto& [name, channels, side] = table[i];
    CAPTURE(name);
    CHECK(outputs[i].sizes() == torch::IntArrayRef{1, channels, side, side});
    CHECK(network->channels(name) == channels);
  }
  CHECK(network->pooled_layers() == std::vector<std::string>{"Mixed_7c"});
}

TEST_CASE("inception: a plain restatement gives the same") {
  const torch::NoGradGuard no_grad;
  const auto network = random_inception(8);
  network->to(torch::kDouble);
  for (const auto& [height, width] : {std::pair{75, 75}, {83, 120}}) {
    const auto x = torch::rand({2, 3, height, width}, torch::kDouble);
    const auto expected = Plain{state_dict_of(*network)}.network(x);
    const auto found = network->features(x, {"64", "192", "768", "2048"});
    for (std::size_t i = 0; i < 4; ++i) {
      CAPTURE(i);
      CHECK(test::relative_error(found[i], expected[i]) < 1e-12);
      CHECK(expected[i].std().item<double>() > 0.01);
    }
  }
}

TEST_CASE("inception: the published layout is recognised, torchvision's own weights are refused") {
  const test::TemporaryFolder folder;
  const auto network = random_inception(4);
  ModelFile file;
  for (const auto& [key, tensor] : state_dict_of(*network)) {
    file.weights.set(key, tensor);
    if (key.ends_with("running_var"))
      file.weights.set(key.substr(0, key.size() - 11) + "num_batches_tracked", torch::tensor(5));
  }
  file.weights.set("fc.weight", torch::zeros({1008, 2}));
  file.weights.set("fc.bias", torch::zeros(1008));
  write_model_file(folder / "pt_inception-2015-12-05-6726825d.pth", file);
  const auto loaded = load_feature_network(folder / "pt_inception-2015-12-05-6726825d.pth");
  CHECK(loaded->architecture() == "inception-fid");
  CHECK(loaded->config() == nlohmann::json{{"width", 4}});
  CHECK(test::equal_bits(state_dict_of(*loaded), state_dict_of(*network)));
  CHECK(fetch_name("pt_inception-2015-12-05-6726825d.pth") == "pt_inception-2015-12-05");

  file.weights.set("fc.weight", torch::zeros({1000, 2}));
  write_model_file(folder / "inception_v3_google-0cc3c7bd.pth", file);
  const auto message =
      test::refusal(ErrorKind::model, [&] { load_feature_network(folder / "inception_v3_google-0cc3c7bd.pth"); });
  CHECK(test::says(message, {"inception_v3_google", "torchvision", "ganvas model fetch pt_inception-2015-12-05"}));
  CHECK(test::says(test::refusal(ErrorKind::recipe,
                                 [] {
                                   make_feature_network("inception-fid", {{"width", 5}});
                                 }),
                   {"5", "odd"}));
  CHECK(test::says(test::refusal(ErrorKind::data,
                                 [&] {
                                   network->features(torch::zeros({1, 3, 74, 80}), {"2048"});
                                 }),
                   {"Mixed_7a"}));
}
