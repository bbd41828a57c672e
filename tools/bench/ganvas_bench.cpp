// Our side of the benchmarks.
//   ganvas_bench core MODEL SIZE     for every line on stdin: one SIZE x SIZE picture through the upscaler, its seconds
//                                    on stdout (tools/bench/upscale.py drives it beside the rival)
//   ganvas_bench translate MODEL SIZE   the same for translation (tools/bench/translate_step.py drives it)
//   ganvas_bench folder MODEL DIR    the folder through the whole pipeline against the network's work alone
//   ganvas_bench train RECIPE DIR [KEY=VALUE...]   for every line on stdin: one training step, its seconds on stdout
//                                    (tools/bench/train_step.py drives it)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/translator.hpp"
#include "ganvas/infer/upscaler.hpp"
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

/// A new empty folder; the caller removes it.
std::string scratch_folder() {
  std::string out = (fs::temp_directory_path() / "ganvas-bench-XXXXXX").string();
  if (!::mkdtemp(out.data())) fail(ErrorKind::file, "{}: can't create this folder", out);
  return out;
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
int bench_translate(const std::string& model, int size) {
  Translator translator(load_generator(model), {});
  const Image image = noise_picture(size);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%.6f\n", seconds_of([&] { translator.translate(image); }));
    std::fflush(stdout);
  }
  return 0;
}

int bench_folder(Upscaler& upscaler, const std::string& folder) {
  std::vector<Image> pictures;
  for (const auto& file : list_files(folder, false)) pictures.push_back(read_image(file).image);
  const std::string out = scratch_folder();
  BatchOptions options;
  options.inputs = {folder};
  options.output = out;
  options.force = options.quiet = true;
  options.format = Format::png;
  BatchWork work{.verb = "bench",
                 .output_size = [&](int w, int h) { return cv::Size(w, h) * upscaler.info().scale; },
                 .process = [&](const Image& image, cv::Size size,
                                const auto& progress) { return upscaler.upscale(image, size, progress); }};
  std::vector<double> alone, whole;
  for (int round = 0; round < 3; ++round) {
    alone.push_back(seconds_of([&] {
      for (const auto& picture : pictures) upscaler.upscale(picture, enlarged(upscaler, picture));
    }));
    std::ostringstream lines;
    whole.push_back(seconds_of([&] { run_batch(options, work, lines); }));
  }
  fs::remove_all(out);
  std::printf(
      "%zu pictures: network alone %.2f s, decode + network + PNG %.2f s: %.1f %% of the network's throughput\n",
      pictures.size(), median(alone), median(whole), 100 * median(alone) / median(whole));
  return 0;
}

/// Steps of a real run, each begun by a line on stdin; the end of stdin ends the run.
int bench_train(int argc, char** argv) {
  Recipe recipe = Recipe::load(argv[2]);
  for (int i = 4; i < argc; ++i) recipe.set(argv[i]);
  const std::string out = scratch_folder();
  set_log_level(LogLevel::warning);
  TrainOptions options;
  options.out = fs::path(out) / "run";
  options.data.places = {argv[3]};
  options.find_model = [](const std::string& name) { return find_model(name); };
  double began = seconds_now();
  std::string line;
  options.after_step = [&](std::int64_t step) {
    // The first step has no line: it builds what later ones reuse.
    if (step > 1) std::printf("%.6f\n", seconds_now() - began);
    std::fflush(stdout);
    if (!std::getline(std::cin, line)) {
      fs::remove_all(out);
      std::exit(0);
    }
    began = seconds_now();
  };
  train(std::move(recipe), options);
  fs::remove_all(out);
  return 0;
}

}  // namespace

}  // namespace ganvas

int main(int argc, char** argv) try {
  using namespace ganvas;
  if (argc >= 4 && argv[1] == std::string("train")) return bench_train(argc, argv);
  if (argc == 4 && argv[1] == std::string("translate")) return bench_translate(argv[2], std::atoi(argv[3]));
  if (argc != 4)
    fail(ErrorKind::usage,
         "usage: ganvas_bench core MODEL SIZE | translate MODEL SIZE | folder MODEL DIR | train RECIPE DIR "
         "[KEY=VALUE...]");
  Upscaler upscaler(load_generator(argv[2]), {});
  if (argv[1] == std::string("core")) return bench_core(upscaler, std::stoi(argv[3]));
  return bench_folder(upscaler, argv[3]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "ganvas_bench: %s\n", error.what());
  return 1;
}
