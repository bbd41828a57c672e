// Our side of the benchmarks.
//   ganvas_bench core MODEL SIZE     for every line on stdin: one SIZE x SIZE picture through the upscaler, its seconds
//                                    on stdout (tools/bench/upscale.py drives it beside the rival)
//   ganvas_bench engine MODEL SIZE PRECISION [LAYOUT]   the compiled network alone on a tensor, and behind its seconds
//                                    those of its bare convolutions in oneDNN (0 where they are not all at the
//                                    picture's size); for the line "layouts" how its features lie, in words
//   ganvas_bench translate MODEL SIZE   the same for translation (tools/bench/translate_step.py drives it)
//   ganvas_bench stylize MODEL SIZE  the same for a style network, its style encoded before (tools/bench/stylize.py)
//   ganvas_bench generate MODEL COUNT   so many pictures from noise, from their seeds to 8 bit
//                                    (tools/bench/generate.py drives it)
//   ganvas_bench folder MODEL DIR    the folder through the whole pipeline against the network's work alone
//   ganvas_bench train RECIPE DIR [KEY=VALUE...]   for every line on stdin: one training step, its seconds on stdout
//                                    (tools/bench/train_step.py drives it)
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>

#include "bare_convolutions.hpp"
#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/core/scratch_folder.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/noise_pictures.hpp"
#include "ganvas/infer/stylizer.hpp"
#include "ganvas/infer/translator.hpp"
#include "ganvas/infer/upscaler.hpp"
#include "ganvas/nn/threads.hpp"
#include "ganvas/train/trainer.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

template <typename Work>
double seconds_of(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Image noise_picture(int size) {
  Image image(size, size, 3, Depth::u8);
  Rng rng(1);
  for (auto* sample = image.pixels.data; sample < image.pixels.dataend; ++sample)
    *sample = static_cast<std::uint8_t>(rng.below(256));
  return image;
}

cv::Size enlarged(const Upscaler& upscaler, const Image& image) {
  return {image.width() * upscaler.info().scale, image.height() * upscaler.info().scale};
}

int bench_core(Upscaler& upscaler, int size) {
  const Image image = noise_picture(size);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%.6f\n", seconds_of([&] { upscaler.upscale(image, enlarged(upscaler, image)); }));
    std::fflush(stdout);
  }
  return 0;
}

/// Translation of one square picture for every line on stdin.
int bench_stylize(const std::string& model, int size) {
  Stylizer stylizer(load_style_network({model}), {});
  std::vector<Style> styles(1);
  styles[0].picture = noise_picture(512);
  stylizer.set_styles(std::move(styles));
  const Image image = noise_picture(size);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%.6f\n", seconds_of([&] { stylizer.stylize(image); }));
    std::fflush(stdout);
  }
  return 0;
}

int bench_translate(const std::string& model, int size) {
  Translator translator(load_generator(model), {});
  const Image image = noise_picture(size);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%.6f\n", seconds_of([&] { translator.translate(image); }));
    std::fflush(stdout);
  }
  return 0;
}

int bench_generate(const std::string& model, int count) {
  use_cpu_threads(0);
  NoisePictures pictures(load_noise_generator(model), {});
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<StyledPicture> wanted;
    for (int seed = 0; seed < count; ++seed)
      wanted.push_back({[&pictures, seed] { return pictures.styles_of({.seed = seed}); }});
    std::printf("%.6f\n", seconds_of([&] { pictures.make_all(wanted); }));
    std::fflush(stdout);
  }
  return 0;
}

/// Runs the network's convolutions alone; nothing, unless all of them are at the picture's own size.
std::function<void()> bare_twin(Generator& network, int size, const std::string& precision) {
#ifdef GANVAS_BENCH_BARE
  std::vector<torch::Tensor> weights;
  for (const auto& parameter : network.parameters())
    if (parameter.dim() == 4) weights.push_back(parameter);
  if (network.architecture() == "compact")
    return bare_convolutions(weights, size, size,
                             precision == "int8"   ? BareElement::int8
                             : precision == "bf16" ? BareElement::bf16
                                                   : BareElement::fp32);
#endif
  return {};
}

FeatureLayout layout_named(const std::string& name) {
  if (name == "automatic") return FeatureLayout::automatic;
  if (name == "blocks") return FeatureLayout::blocks;
  if (name == "together") return FeatureLayout::together;
  fail(ErrorKind::usage, "layout '{}': expected automatic, blocks or together", name);
}

int bench_engine(const std::string& path, int size, const std::string& precision, const std::string& layout) {
  use_cpu_threads(0);
  LoadedGenerator model = load_generator(path);
  std::string why, record;
  if (precision == "int8") record = model.file.metadata.at(int8_metadata);
  const EngineOptions options{.bf16 = precision != "fp32", .int8_record = record, .layout = layout_named(layout)};
  const auto engine = Engine::compile(*model.network, options, why);
  if (!engine) fail(ErrorKind::model, "{}: {}", path, why);
  const auto bare = bare_twin(*model.network, size, precision);
  const torch::Tensor picture = torch::rand({1, model.network->info().in_channels, size, size});
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "layouts") {
      engine->run(picture);
      std::printf("%s\n", engine->layouts().c_str());
      std::fflush(stdout);
      continue;
    }
    // Each once untimed: what ran before, here or in the other process, has the caches.
    engine->run(picture);
    const double whole = seconds_of([&] { engine->run(picture); });
    if (bare) bare();
    std::printf("%.6f %.6f\n", whole, bare ? seconds_of(bare) : 0);
    std::fflush(stdout);
  }
  return 0;
}

int bench_folder(Upscaler& upscaler, const std::string& folder) {
  std::vector<Image> pictures;
  for (const auto& file : list_files(folder, false)) pictures.push_back(read_image(file).image);
  const ScratchFolder out;
  BatchOptions options;
  options.inputs = {folder};
  options.output = out.path().string();
  options.force = options.quiet = true;
  options.format = Format::png;
  BatchWork work{.verb = "bench",
                 .output_size = [&](int w, int h) { return cv::Size(w, h) * upscaler.info().scale; },
                 .process = [&](const DecodedImage& picture, cv::Size size,
                                const auto& progress) { return upscaler.upscale(picture.image, size, progress); }};
  std::vector<double> alone, whole;
  for (int round = 0; round < 3; ++round) {
    alone.push_back(seconds_of([&] {
      for (const auto& picture : pictures) upscaler.upscale(picture, enlarged(upscaler, picture));
    }));
    std::ostringstream lines;
    whole.push_back(seconds_of([&] { run_batch(options, work, lines); }));
  }
  std::printf(
      "%zu pictures: network alone %.2f s, decode + network + PNG %.2f s: %.1f %% of the network's throughput\n",
      pictures.size(), median(alone), median(whole), 100 * median(alone) / median(whole));
  return 0;
}

/// Steps of a real run, each begun by a line on stdin; the end of stdin ends the run.
int bench_train(int argc, char** argv) {
  Recipe recipe = Recipe::load(argv[2]);
  for (int i = 4; i < argc; ++i) recipe.set(argv[i]);
  auto out = std::make_unique<ScratchFolder>();
  set_log_level(LogLevel::warning);
  TrainOptions options;
  options.out = *out / "run";
  options.data.places = {argv[3]};
  options.find_model = [](const std::string& name) { return find_model(name); };
  double began = seconds_now();
  std::string line;
  options.after_step = [&](std::int64_t step) {
    // The first step has no line: it builds what later ones reuse.
    if (step > 1) std::printf("%.6f\n", seconds_now() - began);
    std::fflush(stdout);
    if (!std::getline(std::cin, line)) {
      out.reset();
      std::exit(0);
    }
    began = seconds_now();
  };
  train(std::move(recipe), options);
  return 0;
}

}  // namespace

}  // namespace ganvas

int main(int argc, char** argv) try {
  using namespace ganvas;
  // As the program does before it loads OpenMP, which is here already: once more from the start.
  if (!std::getenv("GOMP_SPINCOUNT") && ::setenv("GOMP_SPINCOUNT", "10000", 0) == 0) ::execv("/proc/self/exe", argv);
  keep_freed_memory();
  if (argc >= 4 && argv[1] == std::string("train")) return bench_train(argc, argv);
  if (argc == 4 && argv[1] == std::string("translate")) return bench_translate(argv[2], std::atoi(argv[3]));
  if (argc == 4 && argv[1] == std::string("stylize")) return bench_stylize(argv[2], std::atoi(argv[3]));
  if (argc == 4 && argv[1] == std::string("generate")) return bench_generate(argv[2], std::atoi(argv[3]));
  if ((argc == 5 || argc == 6) && argv[1] == std::string("engine"))
    return bench_engine(argv[2], std::atoi(argv[3]), argv[4], argc == 6 ? argv[5] : "automatic");
  if (argc != 4)
    fail(ErrorKind::usage,
         "usage: ganvas_bench core MODEL SIZE | engine MODEL SIZE PRECISION [LAYOUT] | translate MODEL SIZE | stylize "
         "MODEL SIZE | "
         "generate MODEL COUNT | folder MODEL DIR | train RECIPE DIR [KEY=VALUE...]");
  Upscaler upscaler(load_generator(argv[2]), {});
  if (argv[1] == std::string("core")) return bench_core(upscaler, std::stoi(argv[3]));
  return bench_folder(upscaler, argv[3]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "ganvas_bench: %s\n", error.what());
  return 1;
}
