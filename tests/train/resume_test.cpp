#include <set>

#include "ganvas/core/error.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

TEST_CASE("resume: steps, rates and reports may change and are recorded, everything else is refused by name") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 5);
  const auto options = [&](bool resume) {
    TrainOptions chosen = run_in(folder / "run", folder / "pictures");
    chosen.resume = resume;
    return chosen;
  };
  REQUIRE(train(tiny_recipe({"train.steps=4"}), options(false)).finished);
  const auto refused = [&](const std::vector<std::string>& overrides) -> std::string {
    try {
      train(tiny_recipe(overrides), options(true));
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::recipe);
      return error.what();
    }
    return "was accepted";
  };
  CHECK(refused({"train.steps=8", "data.crop=6"}).find("data.crop: 8 there, 6 here") != std::string::npos);
  CHECK(refused({"train.steps=2"}).find("has done 4 steps already") != std::string::npos);

  const TrainResult longer =
      train(tiny_recipe({"train.steps=8", "optimiser.generator.lr=5e-4", "train.log_every=2"}), options(true));
  CHECK(longer.finished);
  CHECK(longer.steps == 8);
  std::set<std::string> changed;
  for (const auto& line : log_lines(folder / "run", "monitor"))
    if (line.at("signal") == "resume") changed.insert(line.at("text"));
  CHECK(changed == std::set<std::string>{"optimiser.generator.lr: 0.001 there, 0.0005 here",
                                         "train.log_every: 3 there, 2 here", "train.steps: 4 there, 8 here"});
}

TEST_CASE("resume: more steps, whatever the schedule makes of them") {
  // Milestones and the like follow from the number of steps where the recipe is silent.
  for (const char* schedule : {"constant", "cosine", "multistep", "linear"}) {
    CAPTURE(schedule);
    const TemporaryFolder folder;
    write_pictures(folder / "pictures", 3);
    TrainOptions options = run_in(folder / "run", folder / "pictures");
    const std::string chosen = std::string("optimiser.generator.schedule=") + schedule;
    REQUIRE(train(tiny_recipe({"train.steps=2", chosen}), options).finished);
    options.resume = true;
    CHECK(train(tiny_recipe({"train.steps=5", chosen}), options).steps == 5);
  }
}

TEST_CASE("resume: other pictures are refused, or taken with a best score of their own") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 5);
  REQUIRE(train(tiny_recipe({"train.steps=5"}), run_in(folder / "run", folder / "pictures")).finished);
  // The same pictures elsewhere are the same data.
  fs::rename(folder / "pictures", folder / "moved");
  TrainOptions options = run_in(folder / "run", folder / "moved");
  options.resume = true;
  CHECK(train(tiny_recipe({"train.steps=6"}), options).finished);
  write_pictures(folder / "moved", 6);
  CHECK_THROWS_WITH_AS(train(tiny_recipe({"train.steps=7"}), options),
                       doctest::Contains("the run's pictures are others (5 pictures"), Error);
  options.new_data = true;
  const TrainResult result = train(tiny_recipe({"train.steps=7"}), options);
  CHECK(result.finished);
  CHECK(result.best_score == result.validation.at("psnr_y"));
}

TEST_CASE("resume: every N-th checkpoint stays, and the run goes on from it to the same bytes") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 5);
  const fs::path run = folder / "run", checkpoints = run / "checkpoints";
  const Recipe recipe = tiny_recipe({"train.keep_every=5"});
  train(recipe, run_in(run, folder / "pictures"));
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(checkpoints)) names.insert(entry.path().filename().string());
  CHECK(names == std::set<std::string>{"latest.safetensors", "step-0000005.safetensors", "step-0000010.safetensors"});
  CHECK(read_safetensors(checkpoints / "step-0000005.safetensors").metadata.at("step") == "5");
  const Bytes model = read_file(run / "model.safetensors"), kept = read_file(checkpoints / "step-0000010.safetensors");
  // Back to step 5: as the README says it.
  fs::copy_file(checkpoints / "step-0000005.safetensors", checkpoints / "latest.safetensors",
                fs::copy_options::overwrite_existing);
  fs::remove(run / "model.safetensors");
  TrainOptions options = run_in(run, folder / "pictures");
  options.resume = true;
  train(recipe, options);
  CHECK(read_file(run / "model.safetensors") == model);
  CHECK(read_file(checkpoints / "step-0000010.safetensors") == kept);
}
