// A network that gives any picture the style of any other (Huang and Belongie 2017; Wang et al. 2023, MicroAST):
// content and statistics by a feature network, and pictures that are their own style, which shall come out as they went
// in.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/contact_sheet.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/style_network.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/nn/weights.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/criteria/criteria.hpp"
#include "train/data/style_data.hpp"
#include "train/game/adversarial_task.hpp"
#include "train/game/build_generator.hpp"
#include "train/game/start_weights.hpp"

namespace ganvas::style_any_plugin {

namespace {

using torch::Tensor;

class StyleAny final : public AdversarialTask {
 public:
  explicit StyleAny(TaskContext context)
      : AdversarialTask(std::move(context), {.on = false}),
        network_(build_network()),
        data_(context_, {.identity_every = identity_every()}),
        criteria_(context_, GeneratorInfo{}, 0.0) {
    Recipe& recipe = context_.recipe;
    add_network({"generator", network_, true});
    add_adversary("discriminator", 3, data_.largest());
    identity_weight_ = recipe.number("loss.identity", 50.0, 0.0, 1e6);
    stability_weight_ = recipe.number("style.stability", 0.0, 0.0, 1e6);
    noise_ = recipe.number("style.noise", 0.05, 0.0, 1.0);
    check_teaches(!criteria_.empty() || identity_weight_ > 0);
  }

  void load_data() override { data_.load(); }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }

  /// The terms on pairs kept out of training, and how far a content that is its own style comes out as it was.
  Scalars validate() override {
    network_->eval();
    const torch::NoGradGuard no_grad;
    Scalars figures;
    double error = 0, grid = 0;
    const auto count = static_cast<double>(data_.validation().size());
    for (const auto& pair : data_.validation()) {
      const Tensor content = tensor_of(pair.a), style = tensor_of(pair.b);
      const Tensor result = styled(content, style).clamp(0, 1);
      for (const auto& [name, term] : criteria_(result, {content, style})) {
        figures[name] += term.item<double>() / count;
        figures["loss"] += term.item<double>() / count;
      }
      error += pixel_loss("l2", styled(content, content).clamp(0, 1), content).item<double>() / count;
      grid += sub_pixel_grid(result).item<double>() / count;
    }
    figures["loss"] += identity_weight_ * error;
    figures["identity_psnr"] = -10 * std::log10(std::max(error, 1e-10));
    figures["grid_levels"] = 255 * std::sqrt(grid);
    return figures;
  }
  double score(const Scalars& validation) const override { return -validation.at("loss"); }

  /// Contents in rows, styles in columns; the last column is the content in its own style.
  std::vector<SampleRow> preview() override {
    network_->eval();
    const auto& pairs = data_.validation();
    const std::size_t contents = std::min<std::size_t>(4, pairs.size()),
                      styles = std::min<std::size_t>(6, pairs.size());
    std::vector<Image> sheet{Image()};
    for (std::size_t k = 0; k < styles; ++k) sheet.push_back(pairs[k].b);
    sheet.emplace_back();
    for (std::size_t i = 0; i < contents; ++i) {
      sheet.push_back(pairs[i].a);
      for (std::size_t k = 0; k < styles; ++k) sheet.push_back(picture_of(pairs[i].a, pairs[k].b));
      sheet.push_back(picture_of(pairs[i].a, pairs[i].a));
    }
    // Empty places only follow pictures on a sheet.
    const Image white(cv::Mat(data_.largest(), data_.largest(), CV_8UC3, cv::Scalar::all(255)));
    for (Image& picture : sheet)
      if (picture.empty()) picture = white;
    return {{"styles", {{"contents x styles", contact_sheet(sheet, static_cast<int>(styles) + 2)}}}};
  }

  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    save_style_network(path, *network_, figures);
  }

 private:
  std::int64_t identity_every() { return context_.recipe.integer("style.identity_every", 4, 0, 1'000'000); }

  StyleNetworkPtr build_network() {
    Recipe& recipe = context_.recipe;
    StyleNetworkPtr network =
        make_style_network(recipe.text("generator.architecture", "any-style"),
                           recipe.table("generator", {"architecture", "init", "init_gain", "start"}));
    recipe.record("generator", network->config());
    initialise_from_recipe(recipe, "generator", *network);
    if (const std::string start = recipe.text("generator.start", ""); !start.empty() && context_.find_model) {
      const std::filesystem::path file = context_.model("generator.start", start);
      const StyleNetworkPtr trained = load_style_network({file});
      if (!trained)
        fail(ErrorKind::recipe, "{}: generator.start: {} is no style network", recipe.name(), file.string());
      const auto described = [](const StyleNetwork& one) { return one.architecture() + " " + one.config().dump(); };
      ganvas::start_from(*network, state_dict_of(*trained), file.string(), described(*network), described(*trained));
    }
    use_channels_last(*network);
    network->to(context_.device);
    return network;
  }

  Tensor tensor_of(const Image& image) const { return tensor_from_image(image.pixels).to(context_.device); }
  Tensor styled(const Tensor& content, const Tensor& style) {
    return network_->forward(content, network_->encode_style(style)).to(torch::kFloat);
  }
  Image picture_of(const Image& content, const Image& style) {
    const torch::NoGradGuard no_grad;
    return image_from_tensor(styled(tensor_of(content), tensor_of(style)));
  }
  /// A training pass.
  Tensor made(const Tensor& content, const Tensor& style) {
    network_->train();
    const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
    return styled(content, style);
  }

  std::vector<Contest> contests(const Batch& batch) override {
    const Tensor &content = batch.at("content"), &style = batch.at("style");
    return {{style, fake_of(content, [&] { return made(content, style); })}};
  }

  Terms generator_terms(const Batch& batch, Scalars&) override {
    const Tensor &content = batch.at("content"), &style = batch.at("style");
    const auto same = batch.at("same").item<std::int64_t>(), others = content.size(0) - same;
    const Tensor result = made(content, style);
    keep(content, result);
    Terms terms;
    if (others > 0)
      terms = criteria_(result.narrow(0, 0, others), {content.narrow(0, 0, others), style.narrow(0, 0, others)});
    if (same > 0 && identity_weight_ > 0)
      terms["identity"] =
          identity_weight_ * criteria_.distance(result.narrow(0, others, same), content.narrow(0, others, same));
    if (stability_weight_ > 0) terms["stability"] = stability_weight_ * instability(content, style, result);
    hold_steady(terms, content, result, [&](const Tensor& x) { return made(x, style); });
    play(terms, 0, {style, result});
    // A batch may hold nothing that a term speaks of.
    if (terms.empty()) terms["identity"] = result.sum() * 0;
    return terms;
  }

  /// How much a little noise in the content moves the result: what flickers in films.
  Tensor instability(const Tensor& content, const Tensor& style, const Tensor& result) {
    const Tensor noise = (2 * torch::rand_like(content) - 1) * noise_;
    return pixel_loss("l1", made(content + noise, style), result);
  }

  StyleNetworkPtr network_;
  StyleData data_;
  Criteria criteria_;
  double identity_weight_ = 50, stability_weight_ = 0, noise_ = 0.05;
};

}  // namespace

TaskPlugin plugin() {
  return {.name = "style-any",
          .summary = "any picture in the style of any other",
          .make = [](TaskContext context) -> std::unique_ptr<Task> {
            return std::make_unique<StyleAny>(std::move(context));
          }};
}

}  // namespace ganvas::style_any_plugin
