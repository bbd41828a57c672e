#include "train/game/build_generator.hpp"

#include <doctest/doctest.h>
#include <torch/torch.h>

#include <string>

#include "ganvas/core/recipe.hpp"
#include "support/stderr_capture.hpp"

using namespace ganvas;

namespace {

/// What is said while the generator of a recipe is built.
std::string heard(const std::string& generator) {
  Recipe recipe = Recipe::parse("[generator]\n" + generator, "r.toml");
  const TaskContext context{.recipe = recipe,
                            .data = {},
                            .device = torch::kCPU,
                            .seed = 1,
                            .batch = 1,
                            .bf16 = false,
                            .steps = 1,
                            .find_model = {}};
  torch::manual_seed(1);
  test::StderrCapture capture;
  const GeneratorPtr network = build_generator(context, "", "start");
  std::string words = capture.finish();
  CHECK(network->is_training());
  return words;
}

}  // namespace

TEST_CASE("generators of recipes: options of a beginning that do no good to a network are told") {
  const std::string dirac = "dirac = true\nicnr = true\n";
  CHECK(heard(dirac + "architecture = \"srresnet\"\nchannels = 16\nblocks = 2\n").empty());
  CHECK(heard(dirac + "architecture = \"edsr\"\nchannels = 16\nblocks = 2\n").empty());
  CHECK(heard("architecture = \"compact\"\nchannels = 16\nconvs = 2\n").empty());
  // Compact adds the enlarged picture itself.
  const std::string twice = heard(dirac + "architecture = \"compact\"\nchannels = 16\nconvs = 2\n");
  CHECK(twice.find("r.toml: with generator.dirac compact begins farther") != std::string::npos);
  const std::string none = heard("icnr = true\narchitecture = \"resnet\"\nwidth = 8\nblocks = 1\n");
  CHECK(none.find("r.toml: generator.icnr does nothing") != std::string::npos);
}
