#include <fstream>

#include "cli/program.hpp"
#include "ganvas/format/safetensors.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

TEST_CASE("train: killed in the middle and resumed, it ends with the same bytes, SIGINT leaves a checkpoint") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "hr");
  for (int i = 0; i < 3; ++i) write_image(folder / "hr" / fmt::format("{}.png", i), noise(40, 36, 3, Depth::u8, i));
  std::ofstream(folder / "tiny.toml")
      << "[generator]\nscale = 2\nchannels = 8\nconvs = 1\n[data]\ncrop = 8\nhold_out = 1\n"
         "[train]\nsteps = 400\nbatch = 2\ncheckpoint_every = 7\nvalidate_every = 100\n";
  const auto arguments = [&](const char* out, std::vector<std::string> more = {}) {
    std::vector<std::string> all{"train", (folder / "tiny.toml").string(), "--data",   (folder / "hr").string(),
                                 "-o",    (folder / out).string(),         "--device", "cpu"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Finished whole = run_ganvas(arguments("whole"));
  CHECK(whole.code == 0);
  CHECK(contains(whole.out, "model.safetensors"));

  const fs::path checkpoint = folder / "killed/checkpoints/latest.safetensors";
  const auto begun = [&] { return fs::exists(checkpoint); };
  {
    Program killed(arguments("killed"));
    killed.signal_when(begun, SIGKILL);
    CHECK(killed.finish().code == -SIGKILL);
  }
  CHECK_FALSE(fs::exists(folder / "killed/model.safetensors"));
  CHECK_NOTHROW(read_safetensors(checkpoint));
  const auto before = fs::last_write_time(checkpoint);
  {
    Program stopped(arguments("killed", {"--resume"}));
    stopped.signal_when([&] { return fs::last_write_time(checkpoint) != before; }, SIGINT);
    const Finished result = stopped.finish();
    CHECK(result.code == 130);
    CHECK(contains(result.err, "--resume"));
  }
  check_error(run_ganvas(arguments("killed", {"-q"})), 2, {"--resume"});
  CHECK(run_ganvas(arguments("killed", {"--resume"})).code == 0);
  for (const char* file : {"model.safetensors", "best.safetensors", "recipe.toml"})
    CHECK(read_file(folder / "whole" / file) == read_file(folder / "killed" / file));

  const Finished dry = run_ganvas(arguments("dry", {"--dry-run", "--set", "train.steps=77"}));
  CHECK(dry.code == 0);
  CHECK(contains(dry.out, "steps = 77"));
  CHECK(contains(dry.out, "ema = "));
  CHECK_FALSE(fs::exists(folder / "dry"));
  check_error(run_ganvas(arguments("dry", {"--set", "train.stepz=77"})), 2, {"train.steps?"});
  // Files that a recipe names: by key and command, before anything is trained.
  for (const char* key : {"perceptual.heads", "perceptual.network"})
    check_error(run_ganvas(arguments("dry", {"--dry-run", "--set", "perceptual.lpips_weight=1", "--set",
                                             std::string(key) + "=not-fetched"})),
                2, {key, "ganvas model fetch not-fetched"});
}

TEST_CASE("train: the environment's threads don't change the bytes") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "hr");
  for (int i = 0; i < 3; ++i) write_image(folder / "hr" / fmt::format("{}.png", i), noise(80, 76, 3, Depth::u8, i));
  const auto trained = [&](const char* out, const char* threads) {
    // A recipe with products large enough that OpenBLAS shares them among its threads.
    std::vector<std::string> command{
        "train", "srgan-mini", "--data", (folder / "hr").string(), "-o", (folder / out).string(), "--device",
        "cpu",   "--threads",  "1"};
    for (const char* key : {"train.steps=2", "train.batch=4", "data.crop=16", "data.hold_out=1", "train.precision=fp32",
                            "generator.blocks=2"})
      command.insert(command.end(), {"--set", key});
    const Finished finished = run_ganvas(command, {}, {.environment = {{"OPENBLAS_NUM_THREADS", threads}}});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    return read_file(folder / out / "model.safetensors");
  };
  CHECK(trained("one", "1") == trained("many", "4"));
}
