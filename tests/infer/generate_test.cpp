// Pictures from noise: a seed is a picture, whatever else is made; files by the rules of batches.
#include "ganvas/infer/generate.hpp"

#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/infer/projection.hpp"
#include "infer/in_order.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

LoadedNoiseGenerator tiny(const char* architecture, const nlohmann::json& config, std::vector<std::string> classes) {
  torch::manual_seed(4);
  LoadedNoiseGenerator loaded{make_noise_generator(architecture, config), std::move(classes)};
  loaded.network->eval();
  return loaded;
}
LoadedNoiseGenerator styled() {
  return tiny("stylegan2", {{"noise", 6}, {"mapping_layers", 1}, {"widths", {6, 4}}, {"classes", 2}},
              {"rose", "tulip"});
}
LoadedNoiseGenerator plain() { return tiny("dcgan", {{"noise", 6}, {"widths", {6, 4}}}, {}); }

std::vector<std::uint8_t> pixels_of(const Image& image) {
  return {image.pixels.data, image.pixels.data + image.pixels.total() * image.pixels.elemSize()};
}

struct Result {
  int code;
  std::string out;
};
Result generate(const GenerateOptions& options, LoadedNoiseGenerator loaded) {
  NoisePictures pictures(std::move(loaded), options);
  std::ostringstream out;
  const GenerateOptions& asked = options;
  const BatchSummary summary = run_generate(asked, pictures, {{"model", "tiny"}}, out);
  return {summary.exit_code(), out.str()};
}

}  // namespace

TEST_CASE("generate: a seed is a picture, alone or among others, and classes and truncation change it") {
  NoisePictures pictures(styled(), {});
  const auto alone = pixels_of(pictures.make({.seed = 7}));
  pictures.make({.seed = 1});
  CHECK(pixels_of(pictures.make({.seed = 7})) == alone);
  CHECK(pixels_of(pictures.make({.seed = 8})) != alone);
  CHECK(pixels_of(pictures.make({.seed = 7, .class_index = 1})) != alone);
  CHECK(pixels_of(pictures.make({.seed = 7, .truncation = 0.5})) != alone);
  CHECK(pictures.class_of("tulip") == 1);
  says(refusal(ErrorKind::usage, [&] { pictures.class_of("daisy"); }), {"daisy", "rose, tulip"});
  NoisePictures without(plain(), {});
  says(refusal(ErrorKind::usage, [&] { without.class_of("rose"); }), {"no classes"});
  says(refusal(ErrorKind::usage, [&] { without.make({.seed = 1, .truncation = 0.7}); }), {"dcgan", "no styles"});
  GenerateOptions options;
  options.seeds = {1, 2};
  options.truncations = {1.0, 0.7};
  says(refusal(ErrorKind::usage, [&] { generate(options, plain()); }), {"dcgan", "no styles"});
}

TEST_CASE("generate: wishes that would lose pictures or make others than asked are refused") {
  TemporaryFolder folder;
  const auto complaint = [&](const std::function<void(GenerateOptions&)>& wish) {
    GenerateOptions options;
    options.output = (folder / "out").string();
    options.seeds = {1, 2, 3};
    wish(options);
    return refusal(ErrorKind::usage, [&] { generate(options, styled()); });
  };
  const auto grid = [](GenerateOptions& options) { options.grid_columns = 2, options.grid_rows = 1; };
  says(complaint(grid), {"3 seeds are too many", "2 by 1"});
  says(complaint([&](GenerateOptions& options) {
         grid(options);
         options.truncations = {0.5, 1};
       }),
       {"3 seeds with 2 truncations are too many"});
  says(complaint([](GenerateOptions& options) { options.seeds = {1, 2, 1}; }), {"seed 1", "twice"});
  says(complaint([](GenerateOptions& options) {
         options.numpy_seeds = true;
         options.seeds = {std::int64_t{1} << 32};
       }),
       {"4294967296", "4294967295"});
  says(complaint([&](GenerateOptions& options) { options.output = (folder / "sheet.heic").string(); }),
       {"sheet.heic", ".heic files can't be written"});
  GenerateOptions planes;
  planes.output = (folder / "out").string();
  planes.seeds = {1};
  planes.layer_noise = LayerNoise::none;
  says(refusal(ErrorKind::usage, [&] { generate(planes, plain()); }), {"noise planes", "dcgan has none"});
  CHECK(fs::is_empty(folder.path()));
  // Truncations that agree in two digits have files of their own.
  GenerateOptions close;
  close.output = (folder / "close").string();
  close.seeds = {1};
  close.truncations = {0, 0.005, 0.01};
  CHECK(generate(close, styled()).code == 0);
  for (const char* psi : {"0.000", "0.005", "0.010"})
    CHECK(fs::exists(folder.path() / "close" / fmt::format("seed0001_psi{}.png", psi)));
}

TEST_CASE("generate: sheets say which seeds, class and truncation they show") {
  TemporaryFolder folder;
  GenerateOptions options;
  options.output = (folder / "v1.2").string();  // a folder: no picture ends so
  options.seeds = {1, 2, 3, 9};
  options.grid_columns = options.grid_rows = 2;
  options.class_name = "tulip";
  options.truncations = {0.7};
  CHECK(generate(options, styled()).code == 0);
  const Bytes bytes = read_file(folder.path() / "v1.2" / "grid.png");
  const std::string text(bytes.begin(), bytes.end());
  for (const char* fact : {"1-3,9", "tulip", "0.7"}) {
    CAPTURE(fact);
    CHECK(text.find(fact) != std::string::npos);
  }
}

TEST_CASE("generate: every walk passes its seeds, and what lies between them is on its way") {
  const std::vector<NoisePicture> stops{{.seed = 1}, {.seed = 2, .class_index = 1}, {.seed = 5}};
  for (auto loaded : {styled(), plain()})
    for (const WalkPath path : {WalkPath::automatic, WalkPath::slerp, WalkPath::linear, WalkPath::cubic})
      for (const bool loop : {false, true}) {
        NoisePictures pictures(loaded, {});
        const auto at = [&](double place) { return pictures.styles_between(stops, place, path, loop); };
        for (std::size_t i = 0; i < stops.size(); ++i)
          CHECK(torch::allclose(at(static_cast<double>(i)), pictures.styles_of(stops[i]), 1e-4, 1e-5));
        if (loop) CHECK(torch::allclose(at(3), pictures.styles_of(stops[0]), 1e-4, 1e-5));
        // No jumps: steps of a hundredth are small beside the whole way.
        const double whole = (at(1) - at(0)).norm().item<double>();
        for (int i = 0; i < 200; i += 7)
          CHECK((at((i + 1) / 100.0) - at(i / 100.0)).norm().item<double>() < 0.1 * whole + 0.1);
      }
  // On the sphere the length is kept, on the straight line it shrinks in the middle.
  NoisePictures pictures(plain(), {});
  const std::vector<NoisePicture> two{{.seed = 1}, {.seed = 2}};
  const auto length = [&](WalkPath path, double place) {
    return pictures.styles_between(two, place, path, false).norm().item<double>();
  };
  const double mean = 0.5 * (length(WalkPath::slerp, 0) + length(WalkPath::slerp, 1));
  CHECK(length(WalkPath::slerp, 0.5) == doctest::Approx(mean).epsilon(1e-4));
  CHECK(length(WalkPath::linear, 0.5) < 0.99 * mean);
}

TEST_CASE("generate: mixing takes some layers from the other picture, and all or none are the pictures themselves") {
  NoisePictures pictures(styled(), {});
  const NoisePicture a{.seed = 1}, b{.seed = 2};
  const torch::Tensor mixed = pictures.styles_mixed(a, b, {0, 2});
  const torch::Tensor from_a = pictures.styles_of(a), from_b = pictures.styles_of(b);
  for (int layer = 0; layer < pictures.info().layers; ++layer)
    CHECK(torch::equal(mixed.select(1, layer), (layer == 0 || layer == 2 ? from_b : from_a).select(1, layer)));
  says(refusal(ErrorKind::usage, [&] { pictures.styles_mixed(a, b, {9}); }), {"layer 9", "0 to 3"});
  NoisePictures without(plain(), {});
  says(refusal(ErrorKind::usage, [&] { without.styles_mixed(a, b, {0}); }), {"dcgan", "styles"});
}

TEST_CASE("generate: directions are unit vectors at right angles, and the first moves the features most") {
  NoisePictures pictures(styled(), {});
  const torch::Tensor found = pictures.directions(4, {});
  CHECK(torch::allclose(torch::matmul(found, found.t()), torch::eye(4), 1e-4, 1e-5));
  const torch::Tensor weights = torch::cat(pictures.network().modulations());
  const auto effect = [&](const torch::Tensor& direction) {
    return torch::matmul(weights, direction).norm().item<double>();
  };
  for (int i = 0; i + 1 < 4; ++i) CHECK(effect(found[i]) >= effect(found[i + 1]) - 1e-6);
  torch::manual_seed(1);
  for (int i = 0; i < 20; ++i) {
    const torch::Tensor any = torch::randn({found.size(1)});
    CHECK(effect(any / any.norm()) <= effect(found[0]) + 1e-5);
  }
}

TEST_CASE("generate: latents that were written give the same pictures, and others' are refused in one line") {
  TemporaryFolder folder;
  for (auto make : {styled, plain}) {
    GenerateOptions options;
    options.output = (folder / "seeds").string();
    options.seeds = {3, 12};
    options.truncations = {make == styled ? 0.6 : 1.0};
    options.save_latents = (folder / "latents.safetensors").string();
    options.force = true;
    CHECK(generate(options, make()).code == 0);
    GenerateOptions again;
    again.output = (folder / "latents").string();
    again.latents = options.save_latents;
    again.force = true;
    CHECK(generate(again, make()).code == 0);
    for (const auto& [seed, latent] : {std::pair{"seed0003", "latent0000"}, {"seed0012", "latent0001"}})
      CHECK(pixels_of(read_image(folder.path() / "seeds" / fmt::format("{}.png", seed)).image) ==
            pixels_of(read_image(folder.path() / "latents" / fmt::format("{}.png", latent)).image));
  }
  const auto with = [&](const char* key, const torch::Tensor& tensor, LoadedNoiseGenerator loaded) {
    StateDict state;
    state.set(key, tensor);
    write_safetensors(folder / "other.safetensors", state);
    GenerateOptions options;
    options.latents = (folder / "other.safetensors").string();
    return refusal(ErrorKind::model, [&] { NoisePictures(std::move(loaded), options); });
  };
  says(with("w", torch::zeros({2, 3, 6}), styled()), {"other.safetensors", "2x3x6", "N x 4 x 6"});
  says(with("w", torch::zeros({2, 6}), plain()), {"styles", "dcgan"});
  says(with("z", torch::zeros({2, 5}), plain()), {"2x5", "N x 6"});
  says(with("q", torch::zeros({2, 5}), plain()), {"no latents"});
  // Python's torch.save({"z": z}, "other.pth") will do as well; a picture won't.
  ModelFile pickled;
  pickled.weights.set("z", torch::randn({2, 6}));
  write_model_file(folder / "other.pth", pickled);
  GenerateOptions options;
  options.latents = (folder / "other.pth").string();
  CHECK(NoisePictures(plain(), options).latents() == 2);
  options.latents = (folder.path() / "seeds" / "seed0003.png").string();
  says(refusal(ErrorKind::model, [&] { NoisePictures(plain(), options); }), {"seed0003.png", "not a model"});
}

TEST_CASE("generate: one stream of frames holds the pictures that files would, and appears when it is whole") {
  TemporaryFolder folder;
  GenerateOptions options;
  options.output = (folder / "walk.raw").string();
  options.seeds = {3, 12};
  options.frames = 3;
  options.format = FrameFormat::raw;
  CHECK(generate(options, plain()).code == 0);
  const Bytes raw = read_file(folder / "walk.raw");
  REQUIRE(raw.size() == 3 * 16 * 16 * 3);
  const auto first = pixels_of(NoisePictures(plain(), {}).make({.seed = 3}));
  CHECK(std::equal(first.begin(), first.end(), raw.begin()));
  says(refusal(ErrorKind::file, [&] { generate(options, plain()); }), {"exists already"});
  options.output = (folder / "walk.y4m").string();
  options.format = FrameFormat::y4m;
  const Result result = generate(options, plain());
  CHECK(result.code == 0);
  CHECK(result.out == options.output + "\n");
  const Bytes video = read_file(folder / "walk.y4m");
  CHECK(std::string(video.begin(), video.begin() + 9) == "YUV4MPEG2");
}

TEST_CASE("generate: the same bytes with any number of threads and in any company") {
  const auto make = [](int threads, std::int64_t before) {
    const int was = at::get_num_threads();
    at::set_num_threads(threads);
    NoisePictures pictures(tiny("stylegan2", {{"noise", 64}, {"mapping_layers", 4}, {"widths", {64, 48, 32, 16}}}, {}),
                           {});
    if (before >= 0) pictures.make({.seed = before});
    const auto pixels = pixels_of(pictures.make({.seed = 7}));
    at::set_num_threads(was);
    return pixels;
  };
  const auto alone = make(1, -1);
  CHECK(make(2, -1) == alone);
  CHECK(make(2, 3) == alone);
}

TEST_CASE("generate: files, sheets and frames are the same with any number of threads") {
  const auto all = [](int threads, LayerNoise noise) {
    const int was = at::get_num_threads();
    at::set_num_threads(threads);
    TemporaryFolder folder;
    GenerateOptions options;
    options.seeds = {1, 2, 3, 4, 5, 6, 7};
    options.layer_noise = noise;
    const auto make = [] {
      return tiny("stylegan2", {{"noise", 16}, {"mapping_layers", 2}, {"widths", {24, 16, 8}}}, {});
    };
    options.output = (folder / "out").string();
    CHECK(generate(options, make()).code == 0);
    CHECK(at::get_num_threads() == threads);
    Bytes bytes;
    const auto add = [&bytes](const fs::path& path) {
      const Bytes more = read_file(path);
      bytes.insert(bytes.end(), more.begin(), more.end());
    };
    for (const auto seed : options.seeds) add(folder.path() / "out" / fmt::format("seed{:04}.png", seed));
    options.grid_columns = 7;
    options.grid_rows = 1;
    options.output = (folder / "sheet.png").string();
    CHECK(generate(options, make()).code == 0);
    add(folder / "sheet.png");
    options.grid_columns = options.grid_rows = 0;
    options.frames = 9;
    options.format = FrameFormat::raw;
    options.output = (folder / "walk.raw").string();
    CHECK(generate(options, make()).code == 0);
    add(folder / "walk.raw");
    at::set_num_threads(was);
    return bytes;
  };
  for (const LayerNoise noise : {LayerNoise::constant, LayerNoise::random}) {
    const Bytes alone = all(1, noise);
    CHECK(all(2, noise) == alone);
    CHECK(all(5, noise) == alone);
  }
}

TEST_CASE("work in order: results are taken one after the other, errors in their turn, an end ends all") {
  std::atomic<int> begun{0};
  const auto squares = [](std::size_t count, int threads, std::size_t until, std::size_t broken) {
    std::vector<std::size_t> taken;
    InOrder<std::size_t>::run(
        count, threads, [] {},
        [broken](std::size_t i) {
          if (i == broken) throw std::runtime_error("broken");
          std::this_thread::sleep_for(std::chrono::microseconds((i * 7919) % 300));
          return i * i;
        },
        [&](std::size_t i, std::size_t square) {
          CHECK(square == i * i);
          CHECK(i == taken.size());
          taken.push_back(square);
          return taken.size() < until;
        });
    return taken.size();
  };
  for (const int threads : {1, 3, 8}) {
    CHECK(squares(50, threads, 99, 99) == 50);
    CHECK(squares(50, threads, 20, 99) == 20);
    CHECK(squares(0, threads, 99, 99) == 0);
    CHECK_THROWS_WITH(squares(50, threads, 99, 30), "broken");
    InOrder<int>::run(
        4, threads, [&] { ++begun; }, [](std::size_t) { return 0; }, [](std::size_t, int) { return true; });
  }
  CHECK(begun == 1 + 3 + 4);
}

TEST_CASE("generate: a failure of the network's library is one picture's, not the run's") {
  TemporaryFolder folder;
  LoadedNoiseGenerator broken = plain();
  // A weight of another shape than its layer's fails inside LibTorch.
  for (auto& parameter : broken.network->named_parameters())
    if (parameter.key() == "main.3.weight") parameter.value().set_data(torch::zeros({5, 4, 4, 4}));
  GenerateOptions options;
  options.output = (folder / "out").string();
  options.seeds = {1, 2};
  options.json = true;
  const Result result = generate(options, std::move(broken));
  CHECK(result.code == 1);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 2);
  CHECK(result.out.find("LibTorch: ") != std::string::npos);
  CHECK(result.out.find("frame #") == std::string::npos);
}

TEST_CASE("projection: styles and planes are found that make the picture, and the network stays as it was") {
  LoadedNoiseGenerator loaded = tiny("stylegan2", {{"noise", 6}, {"mapping_layers", 2}, {"widths", {8, 8}}}, {});
  NoiseGenerator& network = *loaded.network;
  freeze(network);
  NoisePictures pictures(loaded, {});
  const torch::Tensor wanted = network.synthesise(pictures.styles_of({.seed = 5}), LayerNoise::constant);
  const auto before = network.noise_planes().front().second.clone();
  const DistanceTo distance = [](const torch::Tensor& target) -> PictureDistance {
    return [target](const torch::Tensor& picture) { return torch::mse_loss(picture, target); };
  };
  for (const bool each_layer : {false, true}) {
    ProjectOptions options;
    options.steps = 120;
    options.noise = 1;
    options.each_layer = each_layer;
    int steps = 0;
    double first = 0;
    const Projected found = project(network, wanted, distance, options, [&](int step, double apart) {
      if (step == 0) first = apart;
      ++steps;
    });
    CHECK(steps == 120);
    CHECK(found.distance < 0.2 * first);
    CHECK(found.styles.sizes() == torch::IntArrayRef({1, 4, 6}));
    CHECK(found.planes.size() == 3);
    CHECK(torch::equal(network.noise_planes().front().second, before));
    const bool one_for_all = torch::equal(found.styles.select(1, 0), found.styles.select(1, 3));
    CHECK(one_for_all != each_layer);
  }
  NoisePictures without(plain(), {});
  says(refusal(ErrorKind::usage,
               [&] {
                 project(without.network(), torch::zeros({1, 3, 16, 16}), distance, {});
               }),
       {"dcgan", "styles"});
}

TEST_CASE("generate: files by rename, kept or replaced, JSON lines, sheets and frames") {
  TemporaryFolder folder;
  GenerateOptions options;
  options.output = (folder / "out").string();
  options.seeds = {3, 12};
  options.json = true;
  const Result first = generate(options, plain());
  CHECK(first.code == 0);
  const auto line = nlohmann::json::parse(first.out.substr(0, first.out.find('\n')));
  CHECK(line.at("status") == "done");
  CHECK(line.at("output_width") == 16);
  const Bytes bytes = read_file(folder.path() / "out" / "seed0003.png");
  CHECK(read_image(folder.path() / "out" / "seed0012.png").image.width() == 16);
  CHECK(generate(options, plain()).code == 1);
  options.skip_existing = true;
  CHECK(generate(options, plain()).out.find("skipped") != std::string::npos);
  options.skip_existing = false;
  options.force = true;
  CHECK(generate(options, plain()).code == 0);
  CHECK(read_file(folder.path() / "out" / "seed0003.png") == bytes);

  options.output = (folder / "many.png").string();
  says(refusal(ErrorKind::usage, [&] { generate(options, plain()); }), {"many.png", "one file for 2 pictures"});
  CHECK_FALSE(fs::exists(folder / "many.png"));
  options.seeds = {3};
  options.output = (folder / "one.png").string();
  CHECK(generate(options, plain()).code == 0);
  CHECK(pixels_of(read_image(folder / "one.png").image) ==
        pixels_of(read_image(folder.path() / "out" / "seed0003.png").image));
  options.seeds = {3, 12};

  options.grid_columns = 2;
  options.grid_rows = 1;
  options.output = (folder / "sheet.png").string();
  CHECK(generate(options, plain()).code == 0);
  const Image sheet = read_image(folder / "sheet.png").image;
  CHECK(sheet.width() == 32);
  CHECK(sheet.height() == 16);
  options.grid_rows = 2;
  says(refusal(ErrorKind::usage, [&] { generate(options, plain()); }), {"2 seeds", "2 by 2"});

  options.grid_columns = 0;
  options.frames = 4;
  options.loop = true;
  options.output = (folder / "walk").string();
  CHECK(generate(options, plain()).code == 0);
  CHECK(pixels_of(read_image(folder.path() / "walk" / "frame00001.png").image) ==
        pixels_of(read_image(folder.path() / "out" / "seed0003.png").image));
  CHECK(fs::exists(folder.path() / "walk" / "frame00004.png"));
}
