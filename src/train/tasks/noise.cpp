// Pictures from noise: DCGAN, WGAN(-GP), progressive growing, StyleGAN2, R3GAN; with classes or without. What makes one
// of them is the recipe: the networks, the adversarial loss and its stabilisers.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/data/image_source.hpp"
#include "ganvas/imaging/contact_sheet.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/data/distribution_score.hpp"
#include "train/data/nearest_pictures.hpp"
#include "train/data/overfitting.hpp"
#include "train/game/adversarial_task.hpp"
#include "train/game/build_generator.hpp"
#include "train/game/growth.hpp"
#include "train/game/path_length.hpp"

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
    growth_ = std::make_unique<Growth>(recipe, info_.height, context_.steps, context_.batch);
    if (growth_->on()) check_growth();
    mixing_ = recipe.number("noise.mixing", 0.0, 0.0, 1.0);
    path_length_ = std::make_unique<PathLength>(recipe, context_.device);
    if ((mixing_ > 0 || path_length_->on()) && info_.style == 0)
      fail(ErrorKind::recipe, "{}: noise.mixing and noise.path_length are about styles; generator {} has none",
           recipe.name(), generator_->architecture());
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
    nearest_.load(source_->count(), [this](std::size_t i) { return source_->at(i).image; });
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
    note_copies(figures);
    std::erase_if(figures, [](const auto& figure) { return !std::isfinite(figure.second); });
    return figures;
  }
  /// The kernel distance, which has no bias of few pictures.
  double score(const Scalars& validation) const override {
    if (growth_->on() && (place_.level < growth_->last_level() || place_.fade < 1)) return -1e300;  // not grown yet
    const auto found = score_.on() ? validation.find(score_.name_of("kid")) : validation.end();
    return found == validation.end() ? -1e300 : -found->second;
  }

  bool begins_anew(std::int64_t step) const override { return growth_->at(step).begins; }

  /// A sheet of pictures of fixed noise, classes in rows, beside one of real pictures; and some of them beside the
  /// training pictures that are most like them, so that copies are seen.
  std::vector<SampleRow> preview() override {
    generator_->eval();
    constexpr int side = 6;
    const std::vector<Image> fakes = fixed_pictures(0, side * side);
    constexpr int compared = 3 * side;
    std::vector<Image> first(fakes.begin(), fakes.begin() + compared), nearest;
    for (const Image& fake : first) nearest.push_back(source_->at(nearest_(fake).index).image);
    return {{"samples",
             {{"fakes", contact_sheet(fakes, side)}, {"reals", contact_sheet(real_pictures(side * side), side)}}},
            {"nearest",
             {{"fakes", contact_sheet(first, side)}, {"nearest training pictures", contact_sheet(nearest, side)}}}};
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
      start_from(*network, context_.model("generator.start", start));
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
    return synthesised(styles, LayerNoise::random).to(torch::kFloat);
  }
  /// At the level that growing pictures have reached.
  Tensor synthesised(const Tensor& styles, LayerNoise layer_noise) {
    return growth_->on() ? generator_->at_level(styles, place_.level, place_.fade)
                         : generator_->synthesise(styles, layer_noise);
  }

  void begin_own_step(std::int64_t step) override {
    if (!growth_->on()) return;
    place_ = growth_->at(step);
    set_level(place_.level, place_.fade);
    if (place_.begins)
      log(LogLevel::info, "step {}: the pictures grow to {} pixels", step,
          info_.height >> (growth_->last_level() - place_.level));
  }
  /// Both sides must be able to, which they say by themselves.
  void check_growth() {
    const torch::NoGradGuard no_grad;
    const Tensor none = torch::zeros({1, info_.noise}, context_.device);
    const Tensor picture = generator_->at_level(
        generator_->map(none, one_hot(torch::zeros({1}, torch::TensorOptions(torch::kLong).device(context_.device)))),
        0, 1);
    set_level(0, 1);
    opinion(0, picture, {});
  }

  struct Reals {
    Tensor images, classes;
  };
  /// What a step learns from: the batch, or as much of it and as small as the level of growing pictures takes.
  Reals reals_of(const Batch& batch) const {
    const Tensor &images = batch.at("images"), &labels = batch.at("labels");
    if (!growth_->on()) return {images, one_hot(labels)};
    const std::int64_t count = growth_->batch(place_.level);
    return {growth_->shrunk(images.narrow(0, 0, count), place_), one_hot(labels.narrow(0, 0, count))};
  }

  /// Whether the discriminator knows its training pictures by heart, and whether the generator copies them: the
  /// distance of its pictures to the nearest training picture over that of held-out ones (below 1 they are nearer).
  void note_copies(Scalars& figures) {
    if (held_out_.empty() || !has_adversaries()) return;
    Judged held, known, fakes;
    const std::size_t apart = source_->count() / held_out_.size();
    for (std::size_t i = 0; i < held_out_.size(); ++i) {
      held.add(held_out_[i].image, held_out_[i].label);
      const auto& other = source_->at(i * apart);
      known.add(other.image, other.label);
    }
    const int count = static_cast<int>(held_out_.size());
    fakes.images = fixed_pictures(0, count);
    for (int i = 0; i < count; ++i) fakes.labels.push_back(fixed_label(i));
    note_overfitting(opinion_of(known), opinion_of(held), opinion_of(fakes), figures);
    const double held_distance = nearest_.median_distance(held.images);
    if (held_distance > 0) figures["nearest_training"] = nearest_.median_distance(fakes.images) / held_distance;
  }
  struct Judged {
    std::vector<Image> images;
    std::vector<std::int64_t> labels;
    void add(const Image& image, std::int64_t label) {
      images.push_back(image);
      labels.push_back(label);
    }
  };
  double opinion_of(const Judged& judged) {
    const Tensor pictures = tensor_from_images(judged.images) * (info_.value_high - info_.value_low) + info_.value_low;
    const Tensor moved = pictures.to(context_.device);
    return opinion(0, growth_->on() ? growth_->shrunk(moved, place_) : moved,
                   one_hot(torch::tensor(judged.labels).to(context_.device)));
  }

  std::vector<Contest> contests(const Batch& batch) override {
    generator_->train();
    const auto [real, classes] = reals_of(batch);
    return {{real, pictures_of(new_styles(classes, real.size(0))), classes}};
  }
  Terms generator_terms(const Batch& batch, Scalars& scalars) override {
    generator_->train();
    const auto [real, classes] = reals_of(batch);
    const Tensor styles = new_styles(classes, real.size(0));
    if (info_.style > 0) generator_->follow_mean(styles.select(1, 0));
    Terms terms;
    play(terms, 0, {real, pictures_of(styles), classes});
    if (path_length_->due(step())) {  // on half the batch, as published
      const std::int64_t count = std::max(1, context_.batch / 2);
      const Tensor some = classes.defined() ? classes.narrow(0, 0, count) : Tensor();
      terms["path_length"] = (*path_length_)(*generator_, noise(count), some, scalars);
    }
    return terms;
  }

  StateDict own_state() const override {
    StateDict state;
    state.set("path_mean", path_length_->mean());
    state.set("step", torch::tensor({step()}));
    return state;
  }
  void restore_own(const StateDict& state) override {
    path_length_->restore(state.at("path_mean"));
    // The schedule follows from the step; a run that has ended shows where it ended.
    if (const Tensor* step = state.find("step"); step && growth_->on()) {
      place_ = growth_->at(step->reshape({-1})[0].item<std::int64_t>());
      set_level(place_.level, place_.fade);
    }
  }

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
      labels.push_back(fixed_label(first + i));
    }
    Tensor pictures =
        synthesised(generator_->map(z.to(context_.device), one_hot(torch::tensor(labels).to(context_.device))),
                    LayerNoise::constant);
    if (pictures.size(2) < info_.height) pictures = torch::upsample_nearest2d(pictures, {info_.height, info_.width});
    std::vector<Image> images;
    for (int i = 0; i < count; ++i)
      images.push_back(image_from_tensor(pictures[i].cpu(), Depth::u8, info_.value_high, info_.value_low));
    return images;
  }
  std::int64_t fixed_label(int picture) const { return classes() > 0 ? picture / 6 % classes() : 0; }
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

  DistributionScore score_;
  ImageSourceOptions options_;
  int hold_out_ = 0;
  NoiseGeneratorPtr generator_;
  NoiseGeneratorInfo info_;
  std::unique_ptr<ImageSource> source_;
  std::vector<ImageSource::Sample> held_out_;
  NearestPictures nearest_;  ///< among the training pictures
  std::unique_ptr<Growth> growth_;
  Growth::Place place_;  ///< of the step that goes on
  double mixing_ = 0;
  std::unique_ptr<PathLength> path_length_;
};

}  // namespace

TaskPlugin plugin() {
  return {
      .name = "noise",
      .summary = "pictures from noise, with classes or without",
      .make = [](TaskContext context) -> std::unique_ptr<Task> { return std::make_unique<Noise>(std::move(context)); }};
}

}  // namespace ganvas::noise_plugin
