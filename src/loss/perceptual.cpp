#include "ganvas/loss/perceptual.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/nn/torch_compat.hpp"

namespace ganvas {

torch::Tensor gram_matrix(const torch::Tensor& features) {
  const AutocastScope off(false, features.is_cuda());
  const torch::Tensor flat = features.to(torch::kFloat).flatten(2);
  return torch::bmm(flat, flat.transpose(1, 2)) / static_cast<double>(flat.size(1) * flat.size(2));
}

PerceptualLoss::PerceptualLoss(FeatureNetworkPtr network, PerceptualOptions options)
    : network_(std::move(network)), options_(std::move(options)) {
  if (options_.layer_weights.empty()) options_.layer_weights.assign(options_.layers.size(), 1.0);
  if (options_.layer_weights.size() != options_.layers.size())
    fail(ErrorKind::recipe, "layer_weights: {} for {} layers", options_.layer_weights.size(), options_.layers.size());
  if (options_.layers.empty() && (options_.weight != 0 || options_.style_weight != 0))
    fail(ErrorKind::recipe, "layers: none given; {} has: {}", network_->architecture(),
         fmt::join(network_->layer_names(), ", "));
  for (const auto& layer : options_.layers) network_->layer_index(layer);
  pixel_loss(options_.criterion, torch::zeros({1}), torch::zeros({1}));  // refuses an unknown name
  if (options_.weight != 0 || options_.style_weight != 0) layers_ = options_.layers;
  else options_.layers.clear();
  if (options_.lpips_weight == 0) return;
  lpips_ = std::make_unique<Lpips>(network_, options_.heads);
  for (const auto& layer : lpips_->layers()) layers_.push_back(layer);
}

Terms PerceptualLoss::operator()(const torch::Tensor& result, const torch::Tensor& target) const {
  return (*this)(result, target, target);
}

Terms PerceptualLoss::operator()(const torch::Tensor& result, const torch::Tensor& target,
                                 const torch::Tensor& style) const {
  const auto a = network_->features(result, layers_);
  const auto wanted = [this](const torch::Tensor& pictures, const std::vector<std::string>& layers) {
    const torch::NoGradGuard no_grad;
    return network_->features(pictures, layers);
  };
  const auto b = wanted(target, layers_);
  const auto c = options_.style_weight == 0 || style.is_same(target) ? b : wanted(style, options_.layers);
  const AutocastScope off(false, result.is_cuda());
  Terms terms;
  const auto add = [&](const char* name, const torch::Tensor& value) {
    torch::Tensor& term = terms[name];
    term = term.defined() ? term + value : value;
  };
  for (std::size_t i = 0; i < options_.layers.size(); ++i) {
    const double share = options_.layer_weights[i];
    if (options_.weight != 0) add("perceptual", pixel_loss(options_.criterion, a[i], b[i]) * (share * options_.weight));
    if (options_.style_weight != 0)
      add("style",
          pixel_loss(options_.criterion, gram_matrix(a[i]), gram_matrix(c[i])) * (share * options_.style_weight));
  }
  if (lpips_) {
    const auto first = static_cast<std::ptrdiff_t>(options_.layers.size());
    const std::vector<torch::Tensor> of_a(a.begin() + first, a.end()), of_b(b.begin() + first, b.end());
    add("lpips", lpips_->from_features(of_a, of_b).mean() * options_.lpips_weight);
  }
  return terms;
}

void PerceptualLoss::to(torch::Device device) {
  network_->to(device);
  if (lpips_) lpips_->to(device);
}

namespace {

std::vector<double> numbers(Recipe& recipe, const std::string& key) {
  std::vector<double> values;
  for (const auto& text : recipe.texts(key, {})) {
    char* end = nullptr;
    values.push_back(std::strtod(text.c_str(), &end));
    if (text.empty() || *end != '\0') fail(ErrorKind::recipe, "{}: {}: '{}' is not a number", recipe.name(), key, text);
  }
  return values;
}

}  // namespace

std::unique_ptr<PerceptualLoss> perceptual_from_recipe(Recipe& recipe, const std::string& prefix,
                                                       const FindModel& find_model, torch::Device device) {
  const auto key = [&](const char* name) { return prefix + "." + name; };
  PerceptualOptions options;
  const std::string network = recipe.text(key("network"), "features");
  options.layers = recipe.texts(key("layers"), {});
  options.layer_weights = numbers(recipe, key("layer_weights"));
  options.criterion = recipe.choice(key("criterion"), "l1", pixel_losses());
  options.weight = recipe.number(key("weight"), 0, 0);
  options.style_weight = recipe.number(key("style_weight"), 0, 0);
  options.lpips_weight = recipe.number(key("lpips_weight"), 0, 0);
  const std::string heads = recipe.text(key("heads"), "");
  nlohmann::json overrides = nlohmann::json::object();
  if (const auto input = recipe.choice(key("input"), "auto", {"auto", "imagenet", "plain"}); input != "auto")
    overrides["input"] = input;
  if (const auto padding = recipe.choice(key("padding"), "auto", {"auto", "zero", "reflect"}); padding != "auto")
    overrides["padding"] = padding;
  if (!find_model || (options.weight == 0 && options.style_weight == 0 && options.lpips_weight == 0)) return nullptr;

  FeatureNetworkPtr features =
      load_feature_network(recipe_model(find_model, recipe, key("network"), network), overrides);
  if (!heads.empty()) options.heads = load_lpips_heads(recipe_model(find_model, recipe, key("heads"), heads));
  try {
    auto loss = std::make_unique<PerceptualLoss>(std::move(features), std::move(options));
    loss->to(device);
    return loss;
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}: {}", recipe.name(), prefix, error.what());
  }
}

}  // namespace ganvas
