// Feature networks against plain stacks written out from the published tables, with random weights.
#include "ganvas/nn/feature_network.hpp"

#include <torch/torch.h>

#include "ganvas/core/files.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "nn/sweep.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;

namespace {

using Outputs = std::map<std::string, torch::Tensor>;

torch::Tensor normalised(const torch::Tensor& x) {
  const auto column = [&](std::vector<double> v) { return torch::tensor(v, x.options()).view({1, 3, 1, 1}); };
  return (x - column({0.485, 0.456, 0.406})) / column({0.229, 0.224, 0.225});
}

/// torchvision's make_layers(): numbers are convolutions with their ReLU, 'M' a pool; all outputs by index in
/// `features`.
std::vector<torch::Tensor> torchvision_vgg(const StateDict& weights, const std::string& table, torch::Tensor x,
                                           bool reflect) {
  std::vector<torch::Tensor> outputs;
  const auto push = [&](torch::Tensor y) { outputs.push_back(x = std::move(y)); };
  for (const char item : table) {
    if (item == 'M') {
      push(torch::max_pool2d(x, 2, 2));
      continue;
    }
    const std::string key = fmt::format("features.{}.", outputs.size());
    const torch::Tensor padded = reflect ? torch::reflection_pad2d(x, {1, 1, 1, 1}) : x;
    push(torch::conv2d(padded, weights.at(key + "weight").to(x.scalar_type()),
                       weights.at(key + "bias").to(x.scalar_type()), 1, reflect ? 0 : 1));
    push(torch::relu(x));
  }
  return outputs;
}

FeatureNetworkPtr random_features(const std::string& architecture, const nlohmann::json& config) {
  torch::manual_seed(7);
  FeatureNetworkPtr network = make_feature_network(architecture, config);
  const torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    torch::Tensor& parameter = item.value();
    parameter.normal_(0.0, parameter.dim() == 4 ? std::sqrt(2.0 / static_cast<double>(parameter[0].numel())) : 0.1);
    if (item.key().ends_with("bn.weight")) parameter.add_(1);
  }
  return network;
}

/// A small one that is large enough: Inception needs 75 pixels.
torch::Tensor picture_for(const FeatureNetwork& network) {
  return network.picture_side() > 256 ? torch::rand({1, 3, 83, 87}) : torch::rand({1, 3, 40, 44});
}

Outputs squeezenet_by_hand(const StateDict& w, const torch::Tensor& input) {
  Outputs out;
  const auto conv = [&](const torch::Tensor& x, const std::string& key, int stride, int padding) {
    return torch::conv2d(x, w.at("features." + key + ".weight"), w.at("features." + key + ".bias"), stride, padding);
  };
  const auto fire = [&](const torch::Tensor& x, const std::string& key) {
    const auto s = torch::relu(conv(x, key + ".squeeze", 1, 0));
    return torch::cat({torch::relu(conv(s, key + ".expand1x1", 1, 0)), torch::relu(conv(s, key + ".expand3x3", 1, 1))},
                      1);
  };
  const auto pool = [](const torch::Tensor& x) { return torch::max_pool2d(x, 3, 2, 0, 1, true); };
  out["conv1"] = conv(normalised(input), "0", 2, 0);
  out["tap1"] = torch::relu(out["conv1"]);
  out["fire2"] = fire(pool(out["tap1"]), "3");
  out["tap2"] = fire(out["fire2"], "4");
  out["tap3"] = fire(fire(out["pool3"] = pool(out["tap2"]), "6"), "7");
  out["tap4"] = fire(pool(out["tap3"]), "9");
  out["tap5"] = fire(out["tap4"], "10");
  out["tap6"] = fire(out["tap5"], "11");
  out["tap7"] = fire(out["tap6"], "12");
  return out;
}

}  // namespace

TEST_CASE("features: VGG's layers are torchvision's, by name, before and after the ReLU") {
  const torch::NoGradGuard no_grad;
  // Indices in torchvision's `features`.
  const std::map<std::string, int> in_19{{"conv1_1", 0},  {"relu1_1", 1},  {"relu1_2", 3},  {"pool1", 4},
                                         {"conv2_2", 7},  {"relu3_1", 11}, {"conv3_4", 16}, {"pool3", 18},
                                         {"conv4_4", 25}, {"conv5_4", 34}, {"relu5_4", 35}, {"pool5", 36}};
  const std::map<std::string, int> in_16{{"relu1_2", 3},  {"relu2_2", 8},  {"relu3_3", 15}, {"conv4_1", 17},
                                         {"relu4_3", 22}, {"conv5_3", 28}, {"relu5_3", 29}, {"pool5", 30}};
  for (const int depth : {16, 19}) {
    CAPTURE(depth);
    const auto network = random_features("vgg", {{"depth", depth}, {"width", 4}});
    const auto& places = depth == 19 ? in_19 : in_16;
    const auto x = torch::rand({2, 3, 37, 45});
    const auto expected = torchvision_vgg(
        state_dict_of(*network), depth == 19 ? "11M22M3333M4444M5555M" : "11M22M333M444M555M", normalised(x), false);
    std::vector<std::string> names;
    for (const auto& [name, index] : places) names.push_back(name);
    const auto found = network->features(x, names);
    CHECK(network->layer_names().size() == expected.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      CAPTURE(names[i]);
      const auto& reference = expected.at(static_cast<std::size_t>(places.at(names[i])));
      CHECK(test::relative_error(found[i], reference) < 1e-5);
      CHECK(network->channels(names[i]) == reference.size(1));
    }
  }
  CHECK(random_features("vgg", {{"depth", 16}, {"width", 4}})->lpips_layers().size() == 5);
  CHECK(random_features("vgg", {{"depth", 16}, {"width", 4}, {"convs", 12}})->lpips_layers().empty());
}

TEST_CASE("features: reflection padding and plain input, values and gradients") {
  for (const auto& [height, width] : {std::pair{12, 17}, std::pair{8, 9}}) {
    auto network = random_features("vgg", {{"width", 4}, {"convs", 5}, {"padding", "reflect"}, {"input", "plain"}});
    network->to(torch::kDouble);
    torch::manual_seed(3);
    const auto x = torch::rand({2, 3, height, width}, torch::kDouble).requires_grad_();
    const auto y = x.detach().clone().requires_grad_();
    const auto found = network->features(x, {"relu3_1", "conv2_1"});
    const auto all = torchvision_vgg(state_dict_of(*network), "11M22M3", y, true);
    CHECK(test::relative_error(found[0], all[11]) < 1e-12);
    CHECK(test::relative_error(found[1], all[5]) < 1e-12);
    (found[0].square().sum() + found[1].sum()).backward();
    (all[11].square().sum() + all[5].sum()).backward();
    CHECK(test::relative_error(x.grad(), y.grad()) < 1e-12);
  }
}

TEST_CASE("features: SqueezeNet 1.1 and its taps") {
  const torch::NoGradGuard no_grad;
  const auto network = random_features("squeezenet1_1", nlohmann::json::object());
  CHECK(state_dict_of(*network).element_count() == 722'496);  // torchvision's 1,235,496 without the classifier
  for (const auto& [height, width] : {std::pair{33, 50}, std::pair{64, 64}}) {
    const auto x = torch::rand({2, 3, height, width});
    const auto before = x.clone();
    const auto expected = squeezenet_by_hand(state_dict_of(*network), x);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : expected) names.push_back(name);
    const auto found = network->features(x, names);
    CHECK(torch::equal(x, before));
    for (std::size_t i = 0; i < names.size(); ++i) {
      CAPTURE(names[i]);
      CHECK(test::relative_error(found[i], expected.at(names[i])) < 1e-5);
      CHECK(network->channels(names[i]) == found[i].size(1));
    }
  }
  CHECK(network->lpips_layers().size() == 7);
}

TEST_CASE("features: a network goes on from any of its layers") {
  const torch::NoGradGuard no_grad;
  for (const auto& plugin : feature_plugins()) {
    CAPTURE(plugin.name);
    const auto network = random_features(plugin.name, plugin.examples.front());
    const auto x = picture_for(*network);
    const auto names = network->layer_names();
    for (std::size_t from = 0; from + 1 < names.size(); from += 3) {
      const auto outputs = network->features(x, {names[from], names.back()});
      const auto before = outputs[0].clone();
      CHECK(torch::equal(network->continued(outputs[0], names[from], names.back()), outputs[1]));
      CHECK(torch::equal(outputs[0], before));
    }
    for (const auto& stage : network->stages()) network->layer_index(stage);
    for (const auto& layer : network->lpips_layers())
      if (!network->stages().empty()) {
        const auto stages = network->stages();
        CHECK(std::count(stages.begin(), stages.end(), layer) == 1);
      }
  }
}

TEST_CASE("features: every network: bf16 near fp32, gradients to the pictures only, save and load") {
  const test::TemporaryFolder folder;
  for (const auto& plugin : feature_plugins()) {
    for (const auto& config : plugin.examples) {
      CAPTURE(plugin.name);
      CAPTURE(config.dump());
      const auto made = random_features(plugin.name, config);
      made->set_heads([] {
        StateDict heads;
        heads.set("lin0.model.1.weight", torch::ones({1, 4, 1, 1}));
        return heads;
      }());
      save_feature_network(folder / "f.safetensors", *made, {{"note", "x"}});
      const auto network = load_feature_network(folder / "f.safetensors");
      CHECK(network->config() == made->config());
      CHECK(test::equal_bits(state_dict_of(*network), state_dict_of(*made)));
      CHECK(network->heads().size() == 1);
      CHECK_FALSE(network->is_training());
      for (const auto& parameter : network->parameters()) CHECK_FALSE(parameter.requires_grad());

      const auto names = network->layer_names();
      const auto gradient = [&](bool mixed, std::vector<torch::Tensor>& outputs) {
        torch::manual_seed(5);
        const auto x = picture_for(*network).requires_grad_();
        {
          const AutocastScope scope(mixed, false);
          outputs = network->features(x, names);
        }
        outputs.back().to(torch::kFloat).square().sum().backward();
        return x.grad().flatten();
      };
      std::vector<torch::Tensor> full, half;
      const auto exact = gradient(false, full), rough = gradient(true, half);
      for (std::size_t i = 0; i < full.size(); ++i) {
        CAPTURE(names[i]);
        CHECK((full[i].scalar_type() == torch::kFloat));
        CHECK((half[i].scalar_type() == torch::kBFloat16));
        CHECK(full[i].requires_grad());
        const auto a = full[i].detach(), b = half[i].detach().to(torch::kFloat);
        CHECK(((a - b).norm() / a.norm()).item<double>() < 0.05);
      }
      CHECK(exact.abs().sum().item<double>() > 0);
      CHECK(torch::cosine_similarity(exact, rough, 0).item<double>() > 0.95);
      for (const auto& parameter : network->parameters()) CHECK_FALSE(parameter.grad().defined());
    }
  }
}

TEST_CASE("features: state dicts without a description are recognised, cut off or with a classifier") {
  const test::TemporaryFolder folder;
  ModelFile file;
  file.weights = state_dict_of(*random_features("vgg", {{"depth", 16}, {"width", 4}, {"convs", 8}}));
  file.weights.set("classifier.0.weight", torch::zeros({2, 2}));
  write_model_file(folder / "vgg16-0123abcd.pth", file);
  const auto cut = load_feature_network(folder / "vgg16-0123abcd.pth", {{"input", "plain"}, {"padding", "reflect"}});
  CHECK(cut->config() ==
        nlohmann::json{{"depth", 16}, {"width", 4}, {"convs", 8}, {"input", "plain"}, {"padding", "reflect"}});
  CHECK(cut->layer_names().back() == "relu4_1");
  const std::string missing = test::refusal(ErrorKind::recipe, [&] {
    cut->features(torch::zeros({1, 3, 32, 32}), {"relu5_3"});
  });
  CHECK(test::says(missing, {"relu5_3", "conv4_1"}));
  const std::string small = test::refusal(ErrorKind::data, [&] {
    cut->features(torch::zeros({1, 3, 4, 4}), {"relu4_1"});
  });
  CHECK(test::says(small, {"pool3", "1x1"}));
  // Nothing behind the last layer asked for is computed: there these pictures would be too small.
  CHECK(cut->features(torch::zeros({1, 3, 4, 4}), {"conv3_1"})[0].size(3) == 1);
  CHECK(test::says(test::refusal(ErrorKind::data,
                                 [&] {
                                   cut->features(torch::zeros({1, 1, 8, 8}), {"conv1_1"});
                                 }),
                   {"[1,1,8,8]"}));

  file.weights.erase("features.5.weight");
  write_model_file(folder / "gap.pth", file);
  CHECK(test::says(test::refusal(ErrorKind::model, [&] { load_feature_network(folder / "gap.pth"); }),
                   {"gap.pth", "places"}));
  const std::string absent =
      test::refusal(ErrorKind::file, [&] { load_feature_network(folder / "vgg19-dcbb9e9d.pth"); });
  CHECK(test::says(absent, {"vgg19-dcbb9e9d.pth", "ganvas model fetch vgg19"}));
  CHECK(absent.ends_with("vgg19"));
  file.weights = state_dict_of(*make_generator("compact", {{"channels", 8}, {"convs", 1}}));
  write_model_file(folder / "sr.pth", file);
  CHECK(
      test::says(test::refusal(ErrorKind::model, [&] { load_feature_network(folder / "sr.pth"); }), {"sr.pth", "vgg"}));
  CHECK(test::says(test::refusal(ErrorKind::recipe,
                                 [&] {
                                   load_feature_network(folder / "vgg16-0123abcd.pth", {{"padding", "wrap"}});
                                 }),
                   {"wrap", "reflect"}));
}

TEST_CASE("features: published weights") {
  const auto folder = test::shared_folder() / "weights";
  SKIP_WITHOUT(folder);
  const torch::NoGradGuard no_grad;
  const auto squeeze = load_feature_network(folder / "squeezenet1_1-features.pth");
  CHECK(squeeze->architecture() == "squeezenet1_1");
  const auto vgg = load_feature_network(folder / "vgg19-relu3_1.pth", {{"input", "plain"}, {"padding", "reflect"}});
  CHECK(vgg->layer_names().back() == "relu3_1");
  // Its weights were scaled so that activations are 1 on average, over photographs; noise is near enough for a factor.
  torch::manual_seed(1);
  const auto smooth = torch::upsample_bicubic2d(torch::rand({4, 3, 12, 12}), {96, 96}, false).clamp(0, 1);
  const double mean = vgg->features(smooth, {"relu2_1"})[0].mean().item<double>();
  CHECK(mean > 0.1);
  CHECK(mean < 10);
}
