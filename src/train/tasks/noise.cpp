// Pictures from noise: DCGAN, WGAN(-GP), StyleGAN2, R3GAN; with classes or without. What makes one of them is the
// recipe: the networks, the adversarial loss and its stabilisers.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/data/image_source.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/data/distribution_score.hpp"
#include "train/game/adversarial_task.hpp"
#include "train/game/build_generator.hpp"

namespace ganvas::noise_plugin {

namespace {

using torch::Tensor;

class Noise final : public AdversarialTask {
 public:
  explicit Noise(TaskContext context)
      : AdversarialTask(std::move(context), {.adversaries_first = true}), score_(context_, 256) {
    Recipe& recipe = context_.recipe;
    read_data_options(recipe);
    generator_ = build_generator(recipe);
    info_ = generator_->info();
    options_.height = info_.height;
    options_.width = info_.width;
    add_network({"generator", generator_, true});
    if (info_.height != info_.width)
      fail(ErrorKind::recipe, "{}: discriminators take square pictures; the generator gives {}x{}", recipe.name(),
           info_.width, info_.height);
    add_adversary("discriminator", info_.channels, info_.height, info_.value_low, "", classes());
    mixing_ = recipe.number("noise.mixing", 0.0, 0.0, 1.0);
    path_weight_ = recipe.number("noise.path_length", 0.0, 0.0, 1e6);
    path_interval_ = recipe.integer("noise.path_interval", 4, 1, 1'000'000);
    path_decay_ = recipe.number("noise.path_decay", 0.01, 0.0, 1.0);
    if ((mixing_ > 0 || path_weight_ > 0) && info_.style == 0)
      fail(ErrorKind::recipe, "{}: noise.mixing and noise.path_length are about styles; generator {} has none",
           recipe.name(), generator_->architecture());
    path_mean_ = torch::zeros({}, context_.device);
    check_teaches(false);
  }

  void load_data() override {
    options_.places = context_.data.places;
    source_ = std::make_unique<ImageSource>(options_);
    held_out_ = source_->hold_out(hold_out_);
    if (source_->count() < static_cast<std::size_t>(context_.batch))
      fail(ErrorKind::data, "{} training pictures are fewer than a batch of {}; lower train.batch", source_->count(),
           context_.batch);
    if (source_->count() < 1000)
      log(LogLevel::warning,
          "{} training pictures are few: the discriminator may learn them by heart; "
          "augment.adaptive helps",
          source_->count());
    log(LogLevel::info, "{} training pictures of {}x{}{}, {} kept out", source_->count(), info_.width, info_.height,
        options_.classes.empty() ? "" : fmt::format(" in {} classes", options_.classes.size()), held_out_.size());
    score_.load(real_pictures(score_.pictures()));
  }

  Batch make_batch(std::int64_t index) const override {
    Batch batch = make_image_batch(*source_, context_.batch, context_.seed, index);
    batch.at("images") = batch.at("images") * (info_.value_high - info_.value_low) + info_.value_low;
    return batch;
  }

  Scalars validate() override {
    generator_->eval();
    Scalars figures = score_([this](FeatureGatherer& gatherer) {
      constexpr int at_once = 16;
      for (int first = 0; first < score_.pictures(); first += at_once) {
        const int count = std::min(at_once, score_.pictures() - first);
        for (const Image& picture : fixed_pictures(first, count)) gatherer.add(picture);
      }
    });
    std::erase_if(figures, [](const auto& figure) { return !std::isfinite(figure.second); });
    return figures;
  }
  /// The kernel distance, which has no bias of few pictures.
  double score(const Scalars& validation) const override {
    const auto found = score_.on() ? validation.find(score_.name_of("kid")) : validation.end();
    return found == validation.end() ? -1e300 : -found->second;
  }

  /// A sheet of pictures of fixed noise, classes in rows, beside one of real pictures.
  std::vector<SampleRow> preview() override {
    generator_->eval();
    constexpr int side = 6;
    const std::vector<Image> fakes = fixed_pictures(0, side * side);
    return {{"samples", {{"fakes", sheet(fakes, side)}, {"reals", sheet(real_pictures(side * side), side)}}}};
  }

  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    save_noise_generator(path, *generator_, options_.classes, figures);
  }

 private:
  void read_data_options(Recipe& recipe) {
    options_.fit = recipe.choice("data.fit", "crop", image_fits());
    options_.flip = recipe.flag("data.flip", true);
    options_.channels = static_cast<int>(recipe.integer("data.channels", 3, 1, 4));
    const bool classes = recipe.flag("data.classes", false);
    hold_out_ = static_cast<int>(recipe.integer("data.hold_out", 64, 0, 100'000));
    if (!classes) return;
    // Without data (a recipe that is only checked) any two stand for them.
    options_.classes =
        context_.data.places.empty() ? std::vector<std::string>{"0", "1"} : image_classes(context_.data.places);
  }
  int classes() const { return static_cast<int>(options_.classes.size()); }

  NoiseGeneratorPtr build_generator(Recipe& recipe) {
    const std::string architecture = recipe.text("generator.architecture", "stylegan2");
    nlohmann::json config = recipe.table("generator", {"architecture", "init", "init_gain", "start"});
    config["channels"] = options_.channels;
    if (classes() > 0) config["classes"] = classes();
    NoiseGeneratorPtr network = make_noise_generator(architecture, config);
    nlohmann::json resolved = network->config();
    for (const char* key : {"channels", "classes"}) resolved.erase(key);  // follow from the data
    recipe.record("generator", resolved);
    initialise_from_recipe(recipe, "generator", *network);
    if (const std::string start = recipe.text("generator.start", ""); !start.empty() && context_.find_model)
      start_from(*network, context_.find_model(start));
    use_channels_last(*network);
    network->to(context_.device);
    return network;
  }
  static void start_from(NoiseGenerator& network, const std::filesystem::path& path) {
    const NoiseGeneratorPtr trained = load_noise_generator(path).network;
    if (trained->config() != network.config())
      fail(ErrorKind::recipe, "generator.start: {} is {} {}, not {}", path.string(), trained->architecture(),
           trained->config().dump(), network.config().dump());
    load_state_dict(network, state_dict_of(*trained), path.string());
  }

  Tensor noise(std::int64_t count) const {
    return torch::randn({count, info_.noise}, torch::TensorOptions().device(context_.device));
  }
  Tensor one_hot(const Tensor& labels) const {
    if (classes() == 0) return {};
    return torch::one_hot(labels, classes()).to(torch::kFloat);
  }

  /// Styles of new noise; some batches take those of other noise from a random layer on (style mixing).
  Tensor new_styles(const Tensor& classes, std::int64_t count) {
    const Tensor styles = generator_->map(noise(count), classes);
    if (mixing_ <= 0 || torch::rand({1}).item<double>() >= mixing_) return styles;
    const std::int64_t cut = torch::randint(1, info_.layers, {1}).item<std::int64_t>();
    const Tensor others = generator_->map(noise(count), classes);
    return torch::cat({styles.narrow(1, 0, cut), others.narrow(1, cut, info_.layers - cut)}, 1);
  }
  Tensor pictures_of(const Tensor& styles) {
    const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
    return generator_->synthesise(styles, LayerNoise::random).to(torch::kFloat);
  }

  std::vector<Contest> contests(const Batch& batch) override {
    generator_->train();
    const Tensor &real = batch.at("images"), classes = one_hot(batch.at("labels"));
    return {{real, pictures_of(new_styles(classes, real.size(0))), classes}};
  }
  Terms generator_terms(const Batch& batch, Scalars& scalars) override {
    generator_->train();
    const Tensor &real = batch.at("images"), classes = one_hot(batch.at("labels"));
    const Tensor styles = new_styles(classes, real.size(0));
    if (info_.style > 0) generator_->follow_mean(styles.select(1, 0));
    Terms terms;
    play(terms, 0, {real, pictures_of(styles), classes});
    if (path_weight_ > 0 && step() % path_interval_ == 0) terms["path_length"] = path_length(classes, scalars);
    return terms;
  }

  /// Path length regularisation (Karras et al. 2020, section 3.2): a step in style space should change the picture by
  /// as much everywhere. In fp32, on half the batch, at every `path_interval`-th step with that weight.
  Tensor path_length(const Tensor& classes, Scalars& scalars) {
    const AutocastScope off(false, context_.device.is_cuda());
    const std::int64_t count = std::max(1, context_.batch / 2);
    const Tensor styles = generator_->map(noise(count), classes.defined() ? classes.narrow(0, 0, count) : Tensor());
    const Tensor pictures = generator_->synthesise(styles, LayerNoise::random);
    const Tensor direction = torch::randn_like(pictures) / std::sqrt(static_cast<double>(info_.height) * info_.width);
    const Tensor slope = torch::autograd::grad({(pictures * direction).sum()}, {styles}, {}, true, true)[0];
    const Tensor lengths = slope.square().sum(2).mean(1).sqrt();
    path_mean_ = torch::lerp(path_mean_, lengths.detach().mean(), path_decay_);
    scalars["generator.path_length"] = path_mean_.item<double>();
    return (lengths - path_mean_).square().mean() * (path_weight_ * static_cast<double>(path_interval_));
  }

  StateDict own_state() const override {
    StateDict state;
    state.set("path_mean", path_mean_);
    return state;
  }
  void restore_own(const StateDict& state) override { path_mean_ = state.at("path_mean").to(context_.device).clone(); }

  /// Pictures `first`, `first` + 1, ... of the run's own noise, which doesn't touch what training draws. Classes take
  /// turns by rows of six.
  std::vector<Image> fixed_pictures(int first, int count) {
    const torch::NoGradGuard no_grad;
    Tensor z = torch::empty({count, info_.noise});
    std::vector<std::int64_t> labels;
    for (int i = 0; i < count; ++i) {
      Rng rng = Rng::for_item(context_.seed, static_cast<std::uint64_t>(first + i));
      float* values = z[i].data_ptr<float>();
      for (int k = 0; k < info_.noise; ++k) values[k] = static_cast<float>(rng.normal());
      labels.push_back(classes() > 0 ? (first + i) / 6 % classes() : 0);
    }
    const Tensor pictures =
        generator_->forward(z.to(context_.device), one_hot(torch::tensor(labels).to(context_.device)));
    std::vector<Image> images;
    for (int i = 0; i < count; ++i)
      images.push_back(image_from_tensor(pictures[i].cpu(), Depth::u8, info_.value_high, info_.value_low));
    return images;
  }
  /// Those kept out, then some of training, spread evenly.
  std::vector<Image> real_pictures(int most) const {
    std::vector<Image> images;
    const auto limit = static_cast<std::size_t>(most);
    for (const auto& sample : held_out_)
      if (images.size() < limit) images.push_back(sample.image);
    const std::size_t wanted = std::min(limit - images.size(), source_->count());
    for (std::size_t i = 0; i < wanted; ++i)
      images.push_back(source_->at((2 * i + 1) * source_->count() / (2 * wanted)).image);
    return images;
  }
  static Image sheet(const std::vector<Image>& pictures, int side) {
    const cv::Mat& first = pictures.front().pixels;
    cv::Mat whole(side * first.rows, side * first.cols, first.type(), cv::Scalar::all(255));
    for (std::size_t i = 0; i < pictures.size() && i < static_cast<std::size_t>(side * side); ++i) {
      const auto row = static_cast<int>(i) / side, column = static_cast<int>(i) % side;
      pictures[i].pixels.copyTo(whole(cv::Rect(column * first.cols, row * first.rows, first.cols, first.rows)));
    }
    return Image(whole);
  }

  DistributionScore score_;
  ImageSourceOptions options_;
  int hold_out_ = 0;
  NoiseGeneratorPtr generator_;
  NoiseGeneratorInfo info_;
  std::unique_ptr<ImageSource> source_;
  std::vector<ImageSource::Sample> held_out_;
  double mixing_ = 0, path_weight_ = 0, path_decay_ = 0.01;
  std::int64_t path_interval_ = 4;
  Tensor path_mean_;  ///< of the lengths, a running one
};

}  // namespace

TaskPlugin plugin() {
  return {
      .name = "noise",
      .summary = "pictures from noise, with classes or without",
      .make = [](TaskContext context) -> std::unique_ptr<Task> { return std::make_unique<Noise>(std::move(context)); }};
}

}  // namespace ganvas::noise_plugin
