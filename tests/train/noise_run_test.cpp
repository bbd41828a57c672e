// Runs that learn to make pictures from noise: they resume exactly, with classes, style mixing, path lengths and
// adaptive augmentation; what can't be learnt from is said in one line.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "support/refusal.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

Recipe tiny_noise(const std::string& networks, const std::vector<std::string>& overrides = {}) {
  Recipe recipe = Recipe::parse("task = \"noise\"\n" + networks + R"(
[data]
hold_out = 2
[validate]
network = ""
[train]
steps = 6
batch = 4
precision = "fp32"
ema = 0.9
log_every = 2
validate_every = 4
checkpoint_every = 100
[optimiser.generator]
lr = 2e-3
[optimiser.discriminator]
lr = 2e-3
)",
                                "noise.toml");
  for (const auto& assignment : overrides) recipe.set(assignment);
  return recipe;
}

const std::string style_networks = R"(
[generator]
architecture = "stylegan2"
noise = 6
mapping_layers = 1
widths = [6, 4, 4]
[discriminator]
architecture = "stylegan2"
widths = [4, 4, 6]
mapping_layers = 1
[noise]
mixing = 0.9
path_length = 2.0
path_interval = 2
[regulariser]
r1 = 1.0
interval = 2
[augment]
policy = ["flip", "color"]
adaptive = true
probability = 0.3
kimg = 0.1
)";
const std::string plain_networks = R"(
[generator]
architecture = "dcgan"
noise = 6
widths = [6, 4]
init = "normal"
[discriminator]
architecture = "dcgan"
widths = [4, 6]
norm = "none"
[adversarial]
loss = "wasserstein"
repeats = 2
[regulariser]
gradient_penalty = 10.0
)";
const std::string residual_networks = R"(
[generator]
architecture = "r3gan"
noise = 6
widths = [8, 8, 8]
group_width = 8
[discriminator]
architecture = "r3gan"
widths = [8, 8, 8]
group_width = 8
[adversarial]
loss = "relativistic-pairing"
[regulariser]
r1 = 1.0
r2 = 1.0
)";

TrainOptions options_for(const fs::path& out, const fs::path& data) {
  TrainOptions options;
  options.out = out;
  options.data.places = {data};
  options.device = "cpu";
  return options;
}

}  // namespace

TEST_CASE("noise: a resumed run ends with the same bytes, with classes, mixing, path lengths and augmentation") {
  TemporaryFolder folder;
  for (const char* name : {"rose", "tulip"}) write_pictures(folder.path() / "data" / name, 12, 20, 16);
  int number = 0;
  for (const auto& [networks, overrides] : {std::pair{style_networks, std::vector<std::string>{"data.classes=true"}},
                                            {style_networks, {}},
                                            {plain_networks, {}},
                                            {residual_networks, {"data.channels=1", "data.fit=pad"}}}) {
    CAPTURE(networks);
    const fs::path whole = folder / fmt::format("whole{}", number), parts = folder / fmt::format("parts{}", number);
    ++number;
    TrainOptions options = options_for(whole, folder / "data");
    CHECK(train(tiny_noise(networks, overrides), options).finished);
    options.out = parts;
    options.stop_at = 3;
    train(tiny_noise(networks, overrides), options);
    options.stop_at.reset();
    options.resume = true;
    train(tiny_noise(networks, overrides), options);
    CHECK(read_file(whole / "model.safetensors") == read_file(parts / "model.safetensors"));
    const LoadedNoiseGenerator loaded = load_noise_generator(whole / "model.safetensors");
    if (!overrides.empty() && overrides.front() == "data.classes=true")
      CHECK(loaded.class_names == std::vector<std::string>{"rose", "tulip"});
    for (const auto& line : log_lines(whole, "train"))
      for (const auto& [key, value] : line.items())
        if (value.is_number()) CHECK(std::isfinite(value.get<double>()));
  }
}

TEST_CASE("noise: what can't be learnt from is said in one line") {
  TemporaryFolder folder;
  write_pictures(folder / "few", 3, 16, 16);
  fs::create_directories(folder / "empty");
  write_pictures(folder.path() / "single" / "a", 4, 16, 16);
  write_pictures(folder.path() / "single" / "b", 1, 16, 16);
  const auto with = [&](const char* place, const std::vector<std::string>& overrides,
                        ErrorKind kind = ErrorKind::data) {
    return refusal(kind,
                   [&] { train(tiny_noise(plain_networks, overrides), options_for(folder / "out", folder / place)); });
  };
  says(with("few", {}), {"3 training pictures", "train.batch"});
  says(with("empty", {}), {"empty", "no pictures"});
  says(with("few", {"data.classes=true"}), {"classes are folders"});
  says(with("single", {"data.classes=true"}), {"'b'", "one picture"});
  says(with("few", {"noise.mixing=0.5"}, ErrorKind::recipe), {"noise.mixing", "dcgan"});
  says(with("few", {"generator.widths=4"}, ErrorKind::recipe), {"widths"});
}
