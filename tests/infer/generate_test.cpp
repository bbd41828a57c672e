// Pictures from noise: a seed is a picture, whatever else is made; files by the rules of batches.
#include "ganvas/infer/generate.hpp"

#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/imaging/codec.hpp"
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
  NoisePictures pictures(std::move(loaded), {});
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
}

TEST_CASE("generate: a walk begins and ends at its seeds") {
  for (auto loaded : {styled(), plain()}) {
    NoisePictures pictures(std::move(loaded), {});
    const NoisePicture a{.seed = 1}, b{.seed = 2};
    CHECK(torch::allclose(pictures.styles_between(a, b, 0), pictures.styles_of(a), 1e-4, 1e-5));
    CHECK(torch::allclose(pictures.styles_between(a, b, 1), pictures.styles_of(b), 1e-4, 1e-5));
  }
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
