// Translation of whole pictures: tiles equal the whole, size, depth, channels and transparency are kept, and what a
// training-mode result depends on.
#include "ganvas/infer/translator.hpp"

#include <torch/torch.h>

#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/palette.hpp"
#include "imaging/pictures.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

LoadedGenerator translator_of(const nlohmann::json& config, const std::string& architecture = "resnet") {
  torch::manual_seed(5);
  LoadedGenerator model;
  model.network = make_generator(architecture, config);
  const torch::NoGradGuard no_grad;
  // Tanh stays in its middle, where differences show.
  for (auto& parameter : model.network->parameters()) parameter.mul_(parameter.dim() > 1 ? 1.5 : 1.0);
  model.network->eval();
  return model;
}

/// Dark on the left, bright on the right, waves and noise: tiles with statistics of their own would differ.
Image uneven(int width, int height, int channels = 3, Depth depth = Depth::u8) {
  Image image(width, height, channels, depth);
  cv::Mat noise(height, width, CV_32FC(channels)), base(height, width, CV_32FC(channels));
  cv::RNG rng(9);
  rng.fill(noise, cv::RNG::UNIFORM, 0.0, 0.15);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        base.ptr<float>(y)[x * channels + c] =
            (x < width / 2 ? 0.1F : 0.7F) + 0.1F * std::sin(0.05F * static_cast<float>(x * (c + 1) + 2 * y));
  return to_depth(Image(cv::Mat(base + noise)), depth);
}

double most_apart(const Image& a, const Image& b) { return cv::norm(a.pixels, b.pixels, cv::NORM_INF); }

}  // namespace

TEST_CASE("translator: tiles give the picture of the whole, whatever the norm and the size") {
  for (const auto& [architecture, config] : std::vector<std::pair<std::string, nlohmann::json>>{
           {"resnet", {{"width", 4}, {"blocks", 2}}},
           {"resnet", {{"width", 4}, {"blocks", 1}, {"norm", "batch"}, {"antialias", true}}},
           {"unet", {{"width", 2}, {"downs", 5}, {"norm", "instance"}}}})
    for (const auto& [width, height] : {std::pair{213, 161}, {64, 300}, {7, 5}}) {
      CAPTURE(architecture);
      CAPTURE(config.dump());
      CAPTURE(width);
      const Image image = uneven(width, height);
      TranslateOptions options;
      options.run.precision = "fp32";
      const Image whole = Translator(translator_of(config, architecture), options).translate(image);
      options.tile = 64;
      const Image tiled = Translator(translator_of(config, architecture), options).translate(image);
      CHECK(whole.width() == width);
      CHECK(most_apart(whole, tiled) <= 1);
      // Something is left to differ.
      cv::Scalar mean, deviation;
      cv::meanStdDev(whole.pixels, mean, deviation);
      if (width > 10) CHECK(deviation[0] > 0.2);
    }
}

TEST_CASE("translator: depth, channels and transparency") {
  TranslateOptions options;
  options.run.precision = "fp32";
  Translator colour(translator_of({{"width", 4}, {"blocks", 1}}), options);
  const Image deep = colour.translate(uneven(40, 24, 3, Depth::u16));
  CHECK(deep.depth() == Depth::u16);
  CHECK(deep.channels() == 3);
  // A norm widens what rounding the input to 8 bits takes away; on the whole the two are one picture.
  const Image shallow = colour.translate(to_depth(uneven(40, 24, 3, Depth::u16), Depth::u8));
  CHECK(cv::norm(to_depth(deep, Depth::u8).pixels, shallow.pixels, cv::NORM_L1) / (40 * 24 * 3) < 3);
  CHECK(colour.translate(uneven(40, 24, 1)).channels() == 3);
  const Image clear = uneven(40, 24, 4);
  const Image result = colour.translate(clear);
  CHECK(result.channels() == 4);
  CHECK(most_apart(alpha_part(result), alpha_part(clear)) == 0);
  Translator gray(translator_of({{"width", 4}, {"blocks", 1}, {"in_channels", 1}, {"out_channels", 3}}), options);
  CHECK(gray.translate(uneven(40, 24)).channels() == 3);
}

TEST_CASE("translator: training mode follows its seed and leaves the network as it was") {
  const nlohmann::json config{{"width", 4}, {"blocks", 1}, {"norm", "batch"}, {"dropout", true}};
  TranslateOptions options;
  options.run.precision = "fp32";
  options.train_mode = true;
  const Image image = uneven(40, 24), other = uneven(24, 40);
  Translator one(translator_of(config), options);
  const Image first = one.translate(image);
  one.translate(other);
  CHECK(most_apart(first, one.translate(image)) == 0);
  options.seed = 2;
  CHECK(most_apart(first, Translator(translator_of(config), options).translate(image)) > 0);
  options.train_mode = false;
  CHECK(most_apart(first, Translator(translator_of(config), options).translate(image)) > 0);
}

TEST_CASE("translator: networks that enlarge are sent elsewhere") {
  LoadedGenerator model;
  model.network = make_generator("compact", {{"scale", 2}, {"channels", 4}, {"convs", 1}});
  says(refusal(ErrorKind::model, [&] { Translator translator(std::move(model), {}); }), {"enlarges by 2", "upscale"});
}

TEST_CASE(
    "translator: a network that is told colours gets one of its own palettes by content, by number, or a picture's") {
  const nlohmann::json config{{"width", 2}, {"downs", 5}, {"norm", "instance"}, {"palettes", 5}};
  const TemporaryFolder folder;
  write_image(folder / "colours.png", uneven(40, 40));
  const Palette own = palette_of(uneven(40, 40));
  const auto translate = [&](const Image& image, const std::string& palette, int tile = 0) {
    LoadedGenerator model = translator_of(config, "unet");
    const torch::NoGradGuard no_grad;
    model.network->palettes().copy_(torch::linspace(0, 1, 30).reshape({5, 6}));
    model.network->palettes()[4].copy_(torch::tensor(std::vector<float>(own.begin(), own.end())));
    TranslateOptions options;
    options.run.precision = "fp32";
    options.palette = palette;
    options.tile = tile;
    return Translator(std::move(model), options).translate(image);
  };
  const Image image = uneven(70, 50);
  std::vector<Image> by_number;
  for (int i = 0; i < 5; ++i) by_number.push_back(translate(image, fmt::format("{}", i)));
  for (int i = 1; i < 5; ++i) CHECK(most_apart(by_number[i - 1], by_number[i]) > 0);
  // By content: always the same, one of the five, and not for all pictures the same one.
  const auto chosen = [&](const Image& picture) {
    const Image result = translate(picture, "");
    CHECK(most_apart(result, translate(picture, "")) == 0);
    for (int i = 0; i < 5; ++i)
      if (most_apart(result, translate(picture, fmt::format("{}", i))) == 0) return i;
    return -1;
  };
  std::vector<int> numbers;
  for (int i = 0; i < 6; ++i) numbers.push_back(chosen(noise(34, 33, 3, Depth::u8, i)));
  CHECK(*std::min_element(numbers.begin(), numbers.end()) >= 0);
  CHECK(*std::min_element(numbers.begin(), numbers.end()) < *std::max_element(numbers.begin(), numbers.end()));
  CHECK(most_apart(translate(image, (folder / "colours.png").string()), by_number[4]) == 0);
  // In tiles, with transparency and in 16 bit as any other network.
  CHECK(most_apart(by_number[3], translate(image, "3", 32)) <= 1);
  CHECK(translate(noise(40, 36, 4, Depth::u16), "").channels() == 4);
  CHECK(refusal(ErrorKind::usage, [&] { translate(image, "5"); }).find("has 0 to 4") != std::string::npos);
  CHECK(refusal(ErrorKind::file, [&] { translate(image, (folder / "none.png").string()); }).find("none.png") !=
        std::string::npos);
  TranslateOptions options;
  options.palette = "1";
  CHECK(refusal(ErrorKind::usage, [&] {
          Translator(translator_of({{"width", 2}, {"downs", 5}}, "unet"), options);
        }).find("isn't told colours") != std::string::npos);
}
