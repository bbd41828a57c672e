#include "ganvas/infer/translator.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <span>

#include "ganvas/core/error.hpp"
#include "ganvas/core/hash.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/palette.hpp"
#include "ganvas/nn/failure.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "infer/region_pass.hpp"
#include "infer/tile_runner.hpp"

namespace ganvas {

namespace {

/// Most bytes of features for which a picture is translated as a whole: beyond it tiles cost no more time.
constexpr double most_whole = 1.5e9;

RunOptions runner_options(const TranslateOptions& options) {
  RunOptions result = options.run;
  if (options.train_mode) result.precision = "fp32";
  // The engine takes whole pictures; compiling it costs seconds.
  if (options.train_mode || options.tile > 0) result.engine = "libtorch";
  return result;
}

static_assert(std::tuple_size_v<Palette> == palette_channels);

/// What `wanted` (TranslateOptions::palette) leaves to choose from.
std::vector<Palette> palettes_of(const Generator& network, const std::string& wanted) {
  const int count = network.info().palettes;
  if (count == 0 && !wanted.empty())
    fail_setting(ErrorKind::usage, "palette", "palette {}: this network isn't told colours", wanted);
  if (count == 0) return {};
  const bool number = !wanted.empty() && wanted.find_first_not_of("0123456789") == std::string::npos;
  if (!wanted.empty() && !number) return {palette_of(read_image(wanted).image)};
  const torch::Tensor kept = network.palettes().to(torch::kCPU, torch::kFloat).contiguous();
  std::vector<Palette> palettes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < palettes.size(); ++i)
    std::copy_n(kept.data_ptr<float>() + i * palette_channels, palette_channels, palettes[i].begin());
  if (!number) return palettes;
  const auto chosen = parse_number<std::size_t>(wanted);
  if (!chosen || *chosen >= palettes.size())
    fail_setting(ErrorKind::usage, "palette", "palette {}: this network has 0 to {}", wanted, count - 1);
  return {palettes[*chosen]};
}

/// What is the same whenever the same picture comes.
std::size_t by_content(const Image& image, std::size_t count) {
  const cv::Mat pixels = image.pixels.isContinuous() ? image.pixels : image.pixels.clone();
  return fnv1a(std::span(pixels.data, pixels.total() * pixels.elemSize())) % count;
}

}  // namespace

struct Translator::State {
  State(LoadedGenerator model, const TranslateOptions& given)
      : network(model.network),
        options(given),
        runner(model.network, runner_options(given), /*tta=*/false, model.file.text(int8_metadata)),
        palettes(palettes_of(*model.network, given.palette)) {}

  Image whole(const Image& image);
  Image whole_as_in_training(const Image& image);
  Image in_tiles(const Image& image, const std::function<void(double)>& progress);
  bool fits(const Image& image) const;

  GeneratorPtr network;
  TranslateOptions options;
  TileRunner runner;
  std::unique_ptr<RegionRunner> regions;
  std::vector<Palette> palettes;  ///< one of them for each picture; empty: the network takes none
};

bool Translator::State::fits(const Image& image) const {
  const GeneratorInfo& info = runner.info();
  const double values = info.live_values > 0 ? info.live_values : 192.0;
  const double bytes = values * 4 * static_cast<double>(image.pixels.total());
  return bytes <= std::min(most_whole, static_cast<double>(available_memory()) / 3);
}

Image Translator::State::whole(const Image& image) {
  cv::Mat values;
  image.pixels.convertTo(values, CV_32F, 1 / max_value(image.depth()));
  return to_depth(Image(runner.run(values)), image.depth());
}

Image Translator::State::whole_as_in_training(const Image& image) {
  const GeneratorInfo& info = runner.info();
  const torch::NoGradGuard no_grad;
  // On a copy: running statistics move in training mode, and a result must not depend on the pictures before it.
  const torch::Device device = network->parameters().front().device();
  const GeneratorPtr learner = replicate(*network);
  use_channels_last(*learner);
  learner->to(device);
  learner->train();
  torch::manual_seed(options.seed);
  const torch::Tensor input = tensor_from_image(image.pixels, info.value_range, info.value_low).to(device);
  return image_from_tensor(learner->forward(input), image.depth(), info.value_range, info.value_low);
}

Image Translator::State::in_tiles(const Image& image, const std::function<void(double)>& progress) {
  const GeneratorInfo& info = runner.info();
  if (!regions) {
    std::string why;
    regions = RegionRunner::compile(*network, why);
    if (!regions)
      fail(ErrorKind::memory, "{}x{} pixels are too much for this network as a whole, and in tiles it can't run: {}",
           image.width(), image.height(), why);
  }
  RegionOptions settings;
  settings.tile = options.tile;
  settings.bf16 = runner.precision() == "bf16";
  return run_in_regions(*regions, info, image, settings, progress);
}

Translator::Translator(LoadedGenerator model, const TranslateOptions& options) {
  const GeneratorInfo info = model.network->info();
  if (info.scale != 1) fail(ErrorKind::model, "this network enlarges by {}; it is for ganvas upscale", info.scale);
  for (const int channels : {picture_channels(info), info.out_channels})
    if (channels > most_channels)
      fail(ErrorKind::model, "the network takes {} and gives {} channels; pictures have at most {}", channels,
           info.out_channels, most_channels);
  state_ = std::make_unique<State>(std::move(model), options);
}

Translator::~Translator() = default;

const GeneratorInfo& Translator::info() const { return state_->runner.info(); }

Image Translator::translate(const Image& image, const std::function<void(double)>& progress) {
  State& state = *state_;
  const GeneratorInfo& info = state.runner.info();
  const Image picture = with_channels(image, picture_channels(info));
  const auto& palettes = state.palettes;
  const Image input =
      palettes.empty() ? picture : with_palette(picture, palettes[by_content(picture, palettes.size())]);
  const auto made = [&]() -> Image {
    if (state.options.train_mode) return state.whole_as_in_training(input);
    const bool whole = state.options.tile == 0 && state.fits(input);
    if (!whole) return state.in_tiles(input, progress);
    try {
      return state.whole(input);
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      log(LogLevel::warning, "out of memory; going on in tiles");
      return state.in_tiles(input, progress);
    }
  };
  Image result;
  try {
    result = made();
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error) || dynamic_cast<const Error*>(&error)) throw;
    fail(ErrorKind::memory, "out of memory; close other programs or use a machine with more memory");
  }
  throw_if_interrupted();
  if (progress) progress(1);
  // A network that takes or makes transparency has done so.
  const bool opaque = result.channels() == 1 || result.channels() == 3;
  if (!image.has_alpha() || picture.has_alpha() || !opaque) return result;
  return with_alpha(result, alpha_part(image));
}

}  // namespace ganvas
