#include "train/data/sr_data.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/metric/quality.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/game/generate.hpp"

namespace ganvas {

namespace {

/// The middle of a picture, at most `side` x `side`.
Image middle(const Image& image, int side) {
  const int width = std::min(side, image.width()), height = std::min(side, image.height());
  const cv::Rect rect((image.width() - width) / 2, (image.height() - height) / 2, width, height);
  return Image(image.pixels(rect).clone());
}

}  // namespace

SrData::SrData(const TaskContext& context, const GeneratorInfo& network) : context_(context) {
  Recipe& recipe = context.recipe;
  const int scale = options_.scale = network.scale;
  options_.channels = network.in_channels;
  if (network.in_channels != network.out_channels)
    fail(ErrorKind::recipe, "{}: generator.in_channels={} and out_channels={}: super-resolution keeps the channels",
         recipe.name(), network.in_channels, network.out_channels);
  options_.crop = static_cast<int>(recipe.integer("data.crop", 32, 4, 4096));
  options_.augment = recipe.flag("data.augment", true);
  options_.by_area = recipe.choice("data.sampling", "area", {"area", "picture"}) == "area";
  options_.candidates = static_cast<int>(recipe.integer("data.candidates", 1, 1, 64));
  options_.degradation = read_degradation(recipe);
  if (options_.degradation && options_.channels != 3)
    fail(ErrorKind::recipe, "{}: [degrade] works on RGB; for generator.in_channels={} set degrade.kind=none",
         recipe.name(), options_.channels);
  options_.usm_target = recipe.flag("data.usm_target", false);
  options_.memory = static_cast<std::uint64_t>(recipe.integer("data.memory", 0, 0, 1'000'000'000)) << 20;
  pool_ = recipe.integer("data.pool", 0, 0, 1'000'000);
  hold_out_ = static_cast<int>(recipe.integer("data.hold_out", 8, 0, 10000));
  border_ = static_cast<int>(recipe.integer("validate.border", scale, 0, 1000));
  metric_ = recipe.choice("validate.metric", "psnr_y", {"psnr_y", "ssim_y", "lpips"});
  const std::string lpips = recipe.text("validate.lpips", "");
  const std::string heads = recipe.text("validate.lpips_heads", "");
  if (metric_ == "lpips" && lpips.empty())
    fail(ErrorKind::recipe, "{}: validate.metric=lpips needs validate.lpips, a feature network (such as \"features\")",
         recipe.name());
  if (lpips.empty() || !context.find_model) return;
  lpips_ = std::make_unique<Lpips>(
      Lpips::load(context.model("validate.lpips", lpips),
                  heads.empty() ? std::filesystem::path() : context.model("validate.lpips_heads", heads)));
  lpips_->to(context.device);
}

void SrData::load() {
  options_.hr = context_.data.places;
  options_.lr = context_.data.lr;
  options_.scratch = context_.scratch;
  source_ = std::make_unique<PairSource>(options_);
  if (!context_.data.validation.empty()) {
    PairSourceOptions options = options_;
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
  for (const auto& pair : validation_)
    if (std::min(pair.hr.width(), pair.hr.height()) <= 2 * border_)
      fail(ErrorKind::data, "{}: {}x{} is too small to validate on with a border of {}", pair.name, pair.hr.width(),
           pair.hr.height(), border_);
  log(LogLevel::info, "{} training pictures ({} too small), {} for validation", source_->pairs().size(),
      source_->skipped(), validation_.size());
}

Batch SrData::batch(std::int64_t index) const {
  return make_pair_batch(*source_, context_.batch, context_.seed, index, pool_);
}

Scalars SrData::validate(Generator& generator) const {
  if (validation_.empty()) return {};
  Scalars sums;
  const auto share = 1 / static_cast<double>(validation_.size());
  for (const auto& pair : validation_) {
    const Image sr = generated_picture(generator, pair.lr, context_.device);
    const Quality quality = compare_pictures(sr, pair.hr, border_);
    sums["psnr_y"] += quality.psnr_y * share;
    sums["ssim_y"] += quality.ssim_y * share;
    if (!lpips_) continue;
    // As compare_pictures() sees gray pictures and bands.
    const auto tensor = [&](const Image& image) {
      return tensor_from_image(to_rgb(colour_part(image)).pixels).to(context_.device);
    };
    sums["lpips"] += (*lpips_)(tensor(sr), tensor(pair.hr)).item<double>() * share;
  }
  return sums;
}

double SrData::score(const Scalars& figures) const {
  return metric_ == "lpips" ? -figures.at(metric_) : figures.at(metric_);
}

std::vector<SampleRow> SrData::preview(Generator& generator) const {
  constexpr std::size_t rows = 4;
  constexpr int side = 256;  // enough to see texture, little enough to keep a page small
  std::vector<SampleRow> samples;
  for (std::size_t i = 0; i < std::min(rows, validation_.size()); ++i) {
    const ImagePair& pair = validation_[i];
    const Image lr = middle(pair.lr, std::max(1, side / options_.scale));
    const int width = lr.width() * options_.scale, height = lr.height() * options_.scale;
    samples.push_back({std::filesystem::path(pair.name).stem().string(),
                       {{"bicubic", resize(lr, width, height)},
                        {"result", generated_picture(generator, lr, context_.device)},
                        {"hr", middle(pair.hr, std::max(width, height))}}});
  }
  return samples;
}

}  // namespace ganvas
