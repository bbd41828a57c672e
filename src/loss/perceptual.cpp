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

namespace {

/// Keeps gradients of deviations finite where a channel is the same everywhere (Huang and Belongie 2017).
constexpr double smallest_variance = 1e-5;

const std::vector<std::string>& style_statistics() {
  static const std::vector<std::string> names{"gram", "moments"};
  return names;
}

}  // namespace

torch::Tensor channel_moments(const torch::Tensor& features) {
  const torch::Tensor x = features.scalar_type() == torch::kDouble ? features : features.to(torch::kFloat);
  const torch::Tensor mean = x.mean({2, 3}, true);
  const torch::Tensor variance = (x - mean).square().mean({2, 3});
  return torch::cat({mean.flatten(1), (variance + smallest_variance).sqrt()}, 1);
}

torch::Tensor channel_normalised(const torch::Tensor& features) {
  const torch::Tensor x = features.to(torch::kFloat);
  const torch::Tensor apart = x - x.mean({2, 3}, true);
  return apart / (apart.square().mean({2, 3}, true) + smallest_variance).sqrt();
}

PerceptualLoss::PerceptualLoss(FeatureNetworkPtr network, PerceptualOptions options)
    : network_(std::move(network)), options_(std::move(options)) {
  if (options_.layer_weights.empty()) options_.layer_weights.assign(options_.layers.size(), 1.0);
  if (options_.layer_weights.size() != options_.layers.size())
    fail(ErrorKind::recipe, "layer_weights: {} for {} layers", options_.layer_weights.size(), options_.layers.size());
  style_layers_ = options_.style_layers;
  style_shares_.assign(style_layers_.size(), 1.0);
  if (style_layers_.empty()) {
    style_layers_ = options_.layers;
    style_shares_ = options_.layer_weights;
  }
  if ((compares_content() && options_.layers.empty()) || (options_.style_weight != 0 && style_layers_.empty()))
    fail(ErrorKind::recipe, "layers: none given; {} has: {}", network_->architecture(),
         fmt::join(network_->layer_names(), ", "));
  for (const auto* layers : {&options_.layers, &style_layers_})
    for (const auto& layer : *layers) network_->layer_index(layer);
  pixel_loss(options_.criterion, torch::zeros({1}), torch::zeros({1}));  // refuses an unknown name
  if (!compares_content()) options_.layers.clear();
  if (options_.style_weight == 0) style_layers_.clear();
  layers_ = options_.layers;
  layers_.insert(layers_.end(), style_layers_.begin(), style_layers_.end());
  if (options_.lpips_weight == 0) return;
  lpips_ = std::make_unique<Lpips>(network_, options_.heads);
  for (const auto& layer : lpips_->layers()) layers_.push_back(layer);
}

torch::Tensor PerceptualLoss::style_distance(const torch::Tensor& a, const torch::Tensor& b) const {
  if (options_.statistics == "gram") return pixel_loss(options_.criterion, gram_matrix(a), gram_matrix(b));
  // Means and deviations are two terms, each a mean over the channels.
  return 2 * pixel_loss(options_.criterion, channel_moments(a), channel_moments(b));
}

Terms PerceptualLoss::operator()(const torch::Tensor& result, const torch::Tensor& target) const {
  return (*this)(result, target, target);
}

Terms PerceptualLoss::operator()(const torch::Tensor& result, const torch::Tensor& target,
                                 const torch::Tensor& style) const {
  const auto wanted = [this](const torch::Tensor& pictures, const std::vector<std::string>& layers) {
    const torch::NoGradGuard no_grad;
    return network_->features(pictures, layers);
  };
  using Features = std::vector<torch::Tensor>;
  const auto part = [](const Features& all, std::size_t first, std::size_t count) {
    return Features(all.begin() + static_cast<std::ptrdiff_t>(first),
                    all.begin() + static_cast<std::ptrdiff_t>(first + count));
  };
  const std::size_t contents = options_.layers.size(), styles = style_layers_.size();
  const bool own_style = styles > 0 && !style.is_same(target);
  const Features a = network_->features(result, layers_);
  std::vector<std::string> of_target = options_.layers;
  for (std::size_t i = contents; i < layers_.size(); ++i)
    if (!own_style || i >= contents + styles) of_target.push_back(layers_[i]);
  const Features b = of_target.empty() ? Features() : wanted(target, of_target);
  const Features c = own_style ? wanted(style, style_layers_) : part(b, contents, styles);
  Features half_a, half_c;
  if (options_.half_size && styles > 0) {
    half_a = network_->features(torch::avg_pool2d(result, 2), style_layers_);
    half_c = wanted(torch::avg_pool2d(style, 2), style_layers_);
  }
  const AutocastScope off(false, result.is_cuda());
  Terms terms;
  const auto add = [&](const char* name, const torch::Tensor& value) {
    torch::Tensor& term = terms[name];
    term = term.defined() ? term + value : value;
  };
  for (std::size_t i = 0; i < contents; ++i) {
    const double share = options_.layer_weights[i];
    if (options_.weight != 0) add("perceptual", pixel_loss(options_.criterion, a[i], b[i]) * (share * options_.weight));
    if (options_.normalised_weight != 0)
      add("normalised", pixel_loss(options_.criterion, channel_normalised(a[i]), channel_normalised(b[i])) *
                            (share * options_.normalised_weight));
  }
  for (std::size_t i = 0; i < styles; ++i) {
    add("style", style_distance(a[contents + i], c[i]) * (style_shares_[i] * options_.style_weight));
    if (!half_a.empty())
      add("style", style_distance(half_a[i], half_c[i]) * (style_shares_[i] * options_.style_weight));
  }
  if (lpips_) {
    const std::size_t count = lpips_->layers().size();
    add("lpips", lpips_->from_features(part(a, a.size() - count, count), part(b, b.size() - count, count)).mean() *
                     options_.lpips_weight);
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
  options.normalised_weight = recipe.number(key("normalised_weight"), 0, 0);
  options.style_layers = recipe.texts(key("style_layers"), {});
  options.statistics = recipe.choice(key("statistics"), "gram", style_statistics());
  options.half_size = recipe.flag(key("half_size"), false);
  options.lpips_weight = recipe.number(key("lpips_weight"), 0, 0);
  const std::string heads = recipe.text(key("heads"), "");
  nlohmann::json overrides = nlohmann::json::object();
  if (const auto input = recipe.choice(key("input"), "auto", {"auto", "imagenet", "plain"}); input != "auto")
    overrides["input"] = input;
  if (const auto padding = recipe.choice(key("padding"), "auto", {"auto", "zero", "reflect"}); padding != "auto")
    overrides["padding"] = padding;
  const bool in_force =
      options.weight != 0 || options.normalised_weight != 0 || options.style_weight != 0 || options.lpips_weight != 0;
  if (!find_model || !in_force) return nullptr;

  const std::filesystem::path file = recipe_model(find_model, recipe, key("network"), network);
  if (!heads.empty()) options.heads = load_lpips_heads(recipe_model(find_model, recipe, key("heads"), heads));
  try {
    FeatureNetworkPtr features = load_feature_network(file, overrides);
    auto loss = std::make_unique<PerceptualLoss>(std::move(features), std::move(options));
    loss->to(device);
    return loss;
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}: {}", recipe.name(), prefix, error.what());
  }
}

}  // namespace ganvas
