#include "train/data/translation_data.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/palette.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

LoadedPairs load_pairs(const TaskData& data, TranslationSourceOptions options, int hold_out) {
  options.places = data.places;
  LoadedPairs loaded{std::make_unique<TranslationSource>(options), {}};
  if (data.validation.empty()) {
    loaded.validation = loaded.source->hold_out(hold_out);
  } else {
    options.places = {data.validation};
    loaded.validation = TranslationSource(options).all();
  }
  return loaded;
}

TranslationData::TranslationData(const TaskContext& context, bool paired, const GeneratorInfo& info)
    : context_(context), info_(info) {
  Recipe& recipe = context.recipe;
  options_.paired = paired;
  options_.b_to_a = recipe.choice("data.direction", "AtoB", {"AtoB", "BtoA"}) == "BtoA";
  options_.preprocess = recipe.choice("data.preprocess", "resize_and_crop", translation_preprocesses());
  options_.load = static_cast<int>(recipe.integer("data.load", 286, 8, 16384));
  options_.crop = static_cast<int>(recipe.integer("data.crop", 256, 8, 16384));
  options_.flip = recipe.flag("data.flip", true);
  options_.a_channels = picture_channels(info);
  options_.palettes = info.palettes > 0;
  if (options_.palettes && !paired)
    fail(ErrorKind::recipe, "{}: generator.palettes takes the colours of a picture's partner; here there are none",
         recipe.name());
  options_.b_channels = info.out_channels;
  hold_out_ = static_cast<int>(recipe.integer("data.hold_out", 8, 0, 10000));
  if (options_.preprocess.ends_with("crop") && options_.preprocess != "crop" && options_.crop > options_.load)
    fail(ErrorKind::recipe, "{}: data.crop {} is larger than data.load {}", recipe.name(), options_.crop,
         options_.load);
  if (!options_.preprocess.ends_with("crop") && context.batch > 1 && options_.preprocess != "none")
    log(LogLevel::debug, "pictures aren't cropped: a batch of {} needs equal sizes", context.batch);
  for (const int channels : {options_.a_channels, options_.b_channels})
    if (channels > most_channels)
      fail(ErrorKind::recipe, "{}: pictures have at most {} channels, not {}", recipe.name(), most_channels, channels);
}

void TranslationData::load() {
  auto loaded = load_pairs(context_.data, options_, hold_out_);
  source_ = std::move(loaded.source);
  validation_ = std::move(loaded.validation);
  log(LogLevel::info, "{} training pictures of A, {} of B, {} for validation", source_->a_count(), source_->b_count(),
      validation_.size());
}

Batch TranslationData::batch(std::int64_t index) const {
  Batch batch = make_translation_batch(*source_, context_.batch, context_.seed, index);
  for (auto& [name, tensor] : batch) tensor = to_range(tensor, info_);
  return batch;
}

std::vector<Image> TranslationData::pictures_of_a(int most) const {
  std::vector<Image> pictures;
  for (const auto& pair : validation_) pictures.push_back(pair.a);
  const auto limit = static_cast<std::size_t>(most);
  if (pictures.size() > limit) pictures.resize(limit);
  const std::size_t wanted = std::min(limit - pictures.size(), source_->a_count());
  for (std::size_t i = 0; i < wanted; ++i)
    pictures.push_back(source_->a((2 * i + 1) * source_->a_count() / (2 * wanted)));
  return pictures;
}

std::vector<Image> TranslationData::pictures_of_b() const {
  std::vector<Image> pictures;
  for (const auto& pair : validation_) pictures.push_back(pair.b);
  for (std::size_t i = 0; i < source_->b_count(); ++i) pictures.push_back(source_->b(i));
  return pictures;
}

Image TranslationData::picture_of_a(const TranslationPair& pair) const {
  return options_.palettes ? without_palette(pair.a, options_.a_channels) : pair.a;
}

static_assert(std::tuple_size_v<Palette> == palette_channels);

void TranslationData::keep_palettes(Generator& generator) const {
  if (!options_.palettes) return;
  std::vector<Palette> all;
  for (std::size_t i = 0; i < source_->b_count(); ++i) all.push_back(palette_of(source_->b(i)));
  const torch::NoGradGuard no_grad;
  torch::Tensor kept = generator.palettes();
  const auto typical = typical_palettes(all, static_cast<int>(kept.size(0)));
  for (std::size_t i = 0; i < typical.size(); ++i)
    kept[static_cast<std::int64_t>(i)].copy_(torch::tensor(std::vector<float>(typical[i].begin(), typical[i].end())));
}

std::vector<SampleRow> TranslationData::preview(const std::vector<Cell>& cells) const {
  constexpr std::size_t rows = 4;
  std::vector<SampleRow> samples;
  for (std::size_t i = 0; i < std::min(rows, validation_.size()); ++i) {
    SampleRow row{std::filesystem::path(validation_[i].name).stem().string(), {}};
    for (const auto& [label, make] : cells) row.cells.emplace_back(label, make(validation_[i]));
    samples.push_back(std::move(row));
  }
  return samples;
}

double luminance_correlation(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::NoGradGuard no_grad;
  const auto centred = [](const torch::Tensor& pictures) {
    const torch::Tensor luma = luma_of(pictures.to(torch::kFloat)).mean(1).flatten();
    return luma - luma.mean();
  };
  const torch::Tensor x = centred(a), y = centred(b);
  const double scale = std::sqrt(x.square().sum().item<double>() * y.square().sum().item<double>());
  return scale > 0 ? (x * y).sum().item<double>() / scale : 0;
}

}  // namespace ganvas
