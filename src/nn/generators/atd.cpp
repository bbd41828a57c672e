// ATD (Zhang et al. 2024, "Transcending the limit of local window: advanced super-resolution transformer with adaptive
// token dictionary"): window attention, attention to a dictionary of tokens that the picture refines, and attention
// among pixels that the dictionary finds alike.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/paths.hpp"
#include "nn/restoration_frame.hpp"
#include "nn/windows.hpp"

namespace ganvas::atd_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 60)),
        window(positive(config, "window", 16)),
        words(positive(config, "words", 64)),
        reduced(positive(config, "reduced", 8)),
        category(positive(config, "category", 256)),
        hidden(positive(config, "hidden", 2 * channels)),
        kernel(positive(config, "kernel", 5)),
        depths(numbers(config, "depths", {6, 6, 6, 6})),
        heads(numbers(config, "heads", std::vector<int>(depths.size(), 6))),
        bias(truth(config, "qkv_bias", true)) {
    if (window > 64) fail(ErrorKind::recipe, "window: {} is more than 64", window);
    if (kernel % 2 == 0) fail(ErrorKind::recipe, "kernel: {} is even", kernel);
    if (heads.size() != depths.size())
      fail(ErrorKind::recipe, "heads: {} numbers for {} groups", heads.size(), depths.size());
  }
  int channels, window, words, reduced, category, hidden, kernel;
  std::vector<int> depths, heads;
  bool bias;
};

/// To the dictionary (section 3.2).
class DictionaryAttentionImpl final : public nn::Module {
 public:
  explicit DictionaryAttentionImpl(const Options& options)
      : words_(options.words),
        q_(register_module("wq", make_linear(options.channels, options.reduced, options.bias))),
        k_(register_module("wk", make_linear(options.channels, options.reduced, options.bias))),
        v_(register_module("wv", make_linear(options.channels, options.channels, options.bias))) {
    WeightBudget::spend(options.words);
    scale_ = register_parameter("scale", torch::full({options.words}, 0.5));
  }
  /// Pixels N x P x C, dictionary N x words x C: result and how similar each pixel is to each word.
  std::pair<Tensor, Tensor> forward(const Tensor& pixels, const Tensor& dictionary) {
    const Tensor cosine = torch::matmul(unit(q_->forward(pixels)), unit(k_->forward(dictionary)).transpose(-2, -1));
    const Tensor gain = 1.0 + scale_.clamp(0, 1) * std::log(static_cast<double>(words_));
    const Tensor similarity = torch::softmax(cosine * gain, -1);
    const Tensor values = v_->forward(dictionary);
    return {torch::matmul(similarity.to(values.scalar_type()), values), similarity};
  }

 private:
  int words_;
  nn::Linear q_, k_, v_;
  Tensor scale_;
};
TORCH_MODULE(DictionaryAttention);

/// Among pixels of one category, which is the word they are most similar to (section 3.3).
class CategoryAttentionImpl final : public nn::Module {
 public:
  CategoryAttentionImpl(const Options& options, int heads)
      : category_(options.category),
        heads_(heads),
        proj_(register_module("proj", make_linear(options.channels, options.channels))) {
    logit_scale_ = register_parameter("logit_scale", torch::full({1, 1}, std::log(10.0)));
  }
  Tensor forward(const Tensor& qkv, const Tensor& similarity) {
    const std::int64_t n = qkv.size(0), pixels = qkv.size(1), width = qkv.size(2);
    const std::int64_t size = std::min<std::int64_t>(pixels, category_), groups = (pixels + size - 1) / size;
    // A stable sort: the order of equal ones, which the result depends on, is the picture's own.
    const Tensor order = std::get<1>(torch::sort(similarity.argmax(-1), /*stable=*/true, /*dim=*/1, false));
    const auto along = [n, pixels](const Tensor& index, std::int64_t last) {
      return index.unsqueeze(2).expand({n, pixels, last});
    };
    Tensor sorted = qkv.gather(1, along(order, width));
    const std::int64_t missing = groups * size - pixels;
    if (missing > 0) sorted = torch::cat({sorted, sorted.narrow(1, pixels - missing, missing).flip(1)}, 1);
    const Tensor parts = split_heads(sorted.reshape({n * groups, size, width}), 3, heads_);
    const Tensor scale = logit_scale_.clamp_max(std::log(1.0 / 0.01)).exp();
    const Tensor result = join_heads(attend(parts[0] * scale, parts[1], parts[2], Tensor(), Tensor()))
                              .reshape({n, groups * size, width / 3})
                              .narrow(1, 0, pixels);
    const Tensor back =
        torch::empty_like(order).scatter(1, order, torch::arange(pixels, order.options()).expand_as(order));
    return proj_->forward(result.gather(1, along(back, width / 3)));
  }

 private:
  int category_, heads_;
  nn::Linear proj_;
  Tensor logit_scale_;
};
TORCH_MODULE(CategoryAttention);

class WindowPartImpl final : public nn::Module {
 public:
  WindowPartImpl(const Options& options, int heads, int shift)
      : shape_{.heads = heads,
               .scale = 1.0 / std::sqrt(static_cast<double>(options.channels / heads)),
               .window = {options.window, options.window},
               .shift = {shift, shift}},
        proj_(register_module("proj", make_linear(options.channels, options.channels))) {
    const int side = 2 * options.window - 1;
    table_ = register_parameter("relative_position_bias_table", make_bias_table(side * side, heads));
    indices_ = relative_positions(shape_.window);
  }
  Tensor forward(const Tensor& qkv, const Tensor& mask) {
    return proj_->forward(window_attention(qkv, bias_of(table_, indices_, shape_.window.tokens()),
                                           shape_.shift.height > 0 ? mask : Tensor(), shape_));
  }

 private:
  AttentionShape shape_;
  nn::Linear proj_;
  Tensor table_, indices_;
};
TORCH_MODULE(WindowPart);

class LayerImpl final : public nn::Module {
 public:
  LayerImpl(const Options& options, int heads, int index, bool last)
      : norm1_(register_module("norm1", make_token_norm(options.channels))),
        norm2_(register_module("norm2", make_token_norm(options.channels))),
        qkv_(register_module("wqkv", make_linear(options.channels, 3 * options.channels, options.bias))),
        windows_(nullptr),
        dictionary_(register_module("attn_atd", DictionaryAttention(options))),
        category_(nullptr),
        ffn_(register_module("convffn", ConvFfn(options.channels, options.hidden, options.kernel))) {
    check_heads(options.channels, heads);
    windows_ = register_module("attn_win", WindowPart(options, heads, index % 2 == 1 ? options.window / 2 : 0));
    category_ = register_module("attn_aca", CategoryAttention(options, heads));
    if (last) return;
    sigma_ = register_parameter("sigma", torch::zeros({options.words, 1}));
    refine_weight_ = module_at(*this, "norm3").register_parameter("weight", torch::ones({options.words}));
    refine_bias_ = module_at(*this, "norm3").register_parameter("bias", torch::zeros({options.words}));
  }
  /// Tokens N x H x W x C; the dictionary N x words x C is refined in place of the old one.
  Tensor forward(const Tensor& tokens, Tensor& dictionary, const Tensor& mask) {
    const std::int64_t n = tokens.size(0), c = tokens.size(3), pixels = tokens.size(1) * tokens.size(2);
    const Tensor normed = norm1_->forward(tokens), qkv = qkv_->forward(normed);
    const auto [by_words, similarity] = dictionary_->forward(normed.reshape({n, pixels, c}), dictionary);
    const Tensor alike = category_->forward(qkv.reshape({n, pixels, 3 * c}), similarity);
    Tensor x = tokens + windows_->forward(qkv, mask) + (by_words + alike).reshape(tokens.sizes());
    x = x + ffn_->forward(norm2_->forward(x));
    if (sigma_.defined()) {
      const Tensor normal = torch::layer_norm(similarity.transpose(-2, -1), {pixels});
      const Tensor shares =
          torch::softmax(normal * refine_weight_.unsqueeze(1) + refine_bias_.unsqueeze(1), -1).to(x.scalar_type());
      const Tensor keep = torch::sigmoid(sigma_);
      dictionary = keep * dictionary + (1 - keep) * torch::matmul(shares, x.reshape({n, pixels, c}));
    }
    return x;
  }

 private:
  nn::LayerNorm norm1_, norm2_;
  nn::Linear qkv_;
  WindowPart windows_;
  DictionaryAttention dictionary_;
  CategoryAttention category_;
  ConvFfn ffn_;
  Tensor sigma_, refine_weight_, refine_bias_;
};
TORCH_MODULE(Layer);

class GroupImpl final : public nn::Module {
 public:
  GroupImpl(const Options& options, std::size_t index, const std::string& end) {
    WeightBudget::spend(std::int64_t{options.words} * options.channels);
    dictionary_ =
        module_at(*this, "residual_group").register_parameter("td", torch::randn({options.words, options.channels}));
    for (int i = 0; i < options.depths[index]; ++i)
      layers_.push_back(register_at(*this, fmt::format("residual_group.layers.{}", i),
                                    Layer(options, options.heads[index], i, i + 1 == options.depths[index])));
    end_ = ResidualEnd(*this, "conv", end, options.channels);
  }
  Tensor forward(const Tensor& tokens, const Tensor& mask) {
    Tensor y = tokens, dictionary = dictionary_.unsqueeze(0).expand({tokens.size(0), -1, -1});
    for (auto& layer : layers_) y = layer->forward(y, dictionary, mask);
    return tokens + end_.forward_tokens(y);
  }

 private:
  Tensor dictionary_;
  std::vector<Layer> layers_;
  ResidualEnd end_;
};
TORCH_MODULE(Group);

class Atd final : public RestorationFrame {
 public:
  explicit Atd(const nlohmann::json& config) : Atd(config, Options(config)) {}
  std::string architecture() const override { return "atd"; }
  nlohmann::json config() const override {
    nlohmann::json config = RestorationFrame::config();
    config.update({{"window", options_.window},
                   {"words", options_.words},
                   {"reduced", options_.reduced},
                   {"category", options_.category},
                   {"hidden", options_.hidden},
                   {"kernel", options_.kernel},
                   {"depths", options_.depths},
                   {"heads", options_.heads},
                   {"qkv_bias", options_.bias}});
    return config;
  }

 private:
  Atd(const nlohmann::json& config, const Options& options)
      : RestorationFrame(config, {.multiple = options.window, .flipped = true, .sight = Sight::whole}),
        options_(options),
        masks_({options.window, options.window}, {options.window / 2, options.window / 2}) {
    check_options(config,
                  {"window", "words", "reduced", "category", "hidden", "kernel", "depths", "heads", "qkv_bias"});
    // As published files of networks without a mean colour say it.
    if (truth(config, "zero_mean", false)) register_buffer("no_norm", torch::zeros({1}));
    for (std::size_t i = 0; i < options.depths.size(); ++i)
      groups_.push_back(add_group(Group(options, i, residual_end())));
  }
  Tensor body(const Tensor& tokens) override { return through(groups_, tokens, masks_.get(tokens)); }
  int body_values() const override {
    const int most = *std::max_element(options_.heads.begin(), options_.heads.end());
    return 10 * channels() + options_.words + 3 * options_.hidden +
           2 * most * std::max(options_.category, options_.window * options_.window);
  }

  Options options_;
  MaskCache masks_;
  std::vector<Group> groups_;
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string group = "layers.0.residual_group.", layer = group + "layers.0.";
  if (!stored.contains(group + "td") || !stored.contains(layer + "attn_aca.logit_scale")) return std::nullopt;
  StateDict weights = without_recomputed(stored);
  nlohmann::json config = read_restoration_frame(weights);
  const std::string table = "attn_win.relative_position_bias_table";
  const bool light = config["upsampler"] == "pixelshuffledirect" && config["channels"] == 48;
  config.update({{"window", window_of_table(size_of(weights, layer + table, 2, 0))},
                 {"words", length_of(weights, layer + "attn_atd.scale")},
                 {"reduced", size_of(weights, layer + "attn_atd.wq.weight", 2, 0)},
                 {"category", light ? 128 : 256},  // not stored; so published
                 {"hidden", size_of(weights, layer + "convffn.fc1.weight", 2, 0)},
                 {"kernel", size_of(weights, layer + "convffn.dwconv.depthwise_conv.0.weight", 4, 2)},
                 {"qkv_bias", weights.contains(layer + "wqkv.bias")}});
  if (weights.contains("no_norm")) config["zero_mean"] = true;
  config["depths"] = for_each_group(weights, "residual_group.td", [&](const std::string& each) {
    return count_layers(weights, each + "residual_group.layers.", ".norm1.weight");
  });
  config["heads"] = for_each_group(weights, "residual_group.td", [&](const std::string& each) {
    return size_of(weights, each + "residual_group.layers.0." + table, 2, 1);
  });
  return Detected{config, std::move(weights), "ATD"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "atd",
          .summary = "ATD: attention in windows, to a dictionary and among alike pixels (Zhang et al. 2024)",
          .order = 77,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Atd>(config); },
          .examples = {{{"channels", 8},
                        {"window", 4},
                        {"words", 5},
                        {"reduced", 3},
                        {"depths", {2}},
                        {"heads", {2}},
                        {"features", 4},
                        {"scale", 2}},
                       {{"channels", 4},
                        {"window", 2},
                        {"words", 3},
                        {"reduced", 2},
                        {"depths", {2, 2}},
                        {"heads", {1, 2}},
                        {"scale", 3},
                        {"upsampler", "pixelshuffledirect"},
                        {"zero_mean", true}}}};
}

}  // namespace ganvas::atd_plugin
