// Super-resolution for fidelity: one generator, one pixel loss (SRResNet of Ledig et al. 2017, EDSR of Lim et al.
// 2017).
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/data/bridge.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/metric/quality.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

namespace {

/// Copies what fits from a trained network: another scale shares all but its last layer.
void start_from(Generator& network, const std::string& path) {
  const torch::NoGradGuard no_grad;
  const StateDict source = state_dict_of(*load_generator(path).network);
  int taken = 0, total = 0;
  for (const auto& item : network.named_parameters()) {
    if (!item.value().requires_grad()) continue;  // fixed by the recipe, such as the slopes of a leaky ReLU
    ++total;
    const torch::Tensor* weight = source.find(item.key());
    if (!weight || weight->sizes() != item.value().sizes()) continue;
    torch::Tensor target = item.value();
    target.copy_(*weight);
    ++taken;
  }
  log(LogLevel::info, "{} of {} weights start from {}", taken, total, path);
}

class SuperResolution final : public Task {
 public:
  explicit SuperResolution(TaskContext context) : context_(std::move(context)) {
    Recipe& recipe = context_.recipe;
    const std::vector<std::string> not_config{"architecture", "init", "init_gain", "start"};
    const std::string architecture = recipe.text("generator.architecture", "compact");
    generator_ = make_generator(architecture, recipe.table("generator", not_config));
    recipe.record("generator", generator_->config());
    initialise(*generator_, recipe.choice("generator.init", "default", initialisations()),
               recipe.number("generator.init_gain", 1.0, 0.0, 100.0));
    if (const std::string start = recipe.text("generator.start", ""); !start.empty()) start_from(*generator_, start);
    use_channels_last(*generator_);
    generator_->to(context_.device);
    loss_ = recipe.choice("loss.pixel", "l1", pixel_losses());
    source_options_.scale = generator_->info().scale;
    source_options_.crop = static_cast<int>(recipe.integer("data.crop", 32, 4, 4096));
    source_options_.augment = recipe.flag("data.augment", true);
    hold_out_ = static_cast<int>(recipe.integer("data.hold_out", 8, 0, 10000));
    border_ = static_cast<int>(recipe.integer("validate.border", source_options_.scale, 0, 1000));
  }

  void load_data() override {
    source_options_.hr = context_.data.places;
    source_options_.lr = context_.data.lr;
    source_ = std::make_unique<PairSource>(source_options_);
    if (!context_.data.validation.empty()) {
      PairSourceOptions options = source_options_;
      options.hr = {context_.data.validation};
      options.lr.clear();
      // A folder with hr/ and lr/ inside is a benchmark with LR pictures of its own.
      if (std::filesystem::is_directory(context_.data.validation / "hr")) {
        options.hr = {context_.data.validation / "hr"};
        options.lr = context_.data.validation / "lr";
      }
      validation_ = load_pairs(options);
    } else {
      validation_ = source_->hold_out(hold_out_);
    }
    log(LogLevel::info, "{} training pictures ({} too small), {} for validation", source_->pairs().size(),
        source_->skipped(), validation_.size());
  }

  std::vector<Phase> phases() const override { return {{.name = "generator", .networks = {"generator"}}}; }
  std::vector<NamedNetwork> networks() const override { return {{"generator", generator_, true}}; }

  Batch make_batch(std::int64_t index) const override {
    return make_pair_batch(*source_, context_.batch, context_.seed, index);
  }

  Scalars accumulate(const Phase&, const Batch& batch, double weight) override {
    generator_->train();
    const double range = generator_->info().value_range;
    torch::Tensor sr;
    {
      const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
      sr = generator_->forward(batch.at("lr") * range);
    }
    const torch::Tensor loss = pixel_loss(loss_, sr / range, batch.at("hr"));
    (loss * weight).backward();
    return {{"pixel", loss.item<double>()}};
  }

  Scalars validate() override {
    if (validation_.empty()) return {};
    generator_->eval();
    const double range = generator_->info().value_range;
    Scalars sums;
    for (const auto& pair : validation_) {
      const torch::Tensor lr = tensor_from_image(pair.lr.pixels, range).to(context_.device);
      const Image sr = image_from_tensor(generator_->forward(lr), Depth::u8, range);
      const Quality quality = compare_pictures(sr, pair.hr, border_);
      sums["psnr_y"] += quality.psnr_y / static_cast<double>(validation_.size());
      sums["ssim_y"] += quality.ssim_y / static_cast<double>(validation_.size());
    }
    return sums;
  }
  double score(const Scalars& validation) const override { return validation.at("psnr_y"); }

  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    save_generator(path, *generator_, figures);
  }

 private:
  TaskContext context_;
  GeneratorPtr generator_;
  std::string loss_;
  PairSourceOptions source_options_;
  int hold_out_ = 0, border_ = 0;
  std::unique_ptr<PairSource> source_;
  std::vector<ImagePair> validation_;
};

}  // namespace

TaskPlugin super_resolution_plugin() {
  return {.name = "super-resolution",
          .summary = "one generator, one pixel loss",
          .make = [](TaskContext context) -> std::unique_ptr<Task> {
            return std::make_unique<SuperResolution>(std::move(context));
          }};
}

}  // namespace ganvas
