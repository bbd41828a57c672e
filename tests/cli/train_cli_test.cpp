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

TEST_CASE("generate: the folder of a run stands for its last network, else its best, else it is refused in one line") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  fs::create_directories(run);
  std::ofstream(run / "recipe.toml") << "task = \"noise\"\n";
  const std::vector<std::string> arguments{"generate", run.string(), "-o", (folder / "out").string(), "--seeds", "1"};
  Finished refused = run_ganvas(arguments);
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "no network in it yet"));
  for (const char* file : {"best.safetensors", "model.safetensors"}) {
    std::ofstream(run / file) << "no network";
    refused = run_ganvas(arguments);
    CHECK(refused.code == 1);
    CHECK(contains(refused.err, file));
  }
  std::vector<std::string> both = arguments;
  both.insert(both.end(), {"--interpolate", "1,2"});
  refused = run_ganvas(both);
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "--interpolate names its seeds"));
}

TEST_CASE("generate: a name that ends in y4m is a stream's, and other films are refused with what makes them") {
  const TemporaryFolder folder;
  const auto generated = [&](const char* name) {
    return run_ganvas({"generate", "flowers", "-o", (folder / name).string(), "--interpolate", "1,2", "--frames", "3"});
  };
  REQUIRE(generated("walk.Y4M").code == 0);
  const Bytes film = read_file(folder / "walk.Y4M");
  CHECK(std::string(film.begin(), film.begin() + 9) == "YUV4MPEG2");
  const Finished refused = generated("walk.mp4");
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "--format y4m | ffmpeg"));
}

TEST_CASE("train: the example script goes from a labelled folder to synthetic pictures and their figures") {
  const TemporaryFolder folder;
  for (int i = 0; i < 16; ++i) {
    const fs::path kind = folder / "data" / (i % 2 == 0 ? "even" : "odd ones");
    fs::create_directories(kind);
    write_image(kind / fmt::format("{}.png", i), noise(16, 16, 3, Depth::u8, i));
  }
  std::string command =
      fmt::format("COUNT=3 GANVAS='{}' '{}/tools/examples/synthetic_data.sh' '{}' '{}'", GANVAS_BINARY,
                  GANVAS_SOURCE_DIR, (folder / "data").string(), (folder / "out").string());
  for (const char* set : {"generator.widths=[8,4]", "discriminator.widths=[4,8]", "generator.noise=4", "train.steps=2",
                          "train.batch=2", "data.hold_out=2", "validate.pictures=4"})
    command += fmt::format(" --set '{}'", set);
  command += " > '" + (folder / "stdout").string() + "' 2>&1";
  const int code = std::system(command.c_str());
  const Bytes said = read_file(folder / "stdout");
  const std::string text(said.begin(), said.end());
  CAPTURE(text);
  REQUIRE(code == 0);
  CHECK(fs::exists(folder / "out/run/report.html"));
  for (const char* kind : {"even", "odd ones"}) {
    CHECK(std::distance(fs::directory_iterator(folder.path() / "out/synthetic" / kind), {}) == 3);
    CHECK(std::distance(fs::directory_iterator(folder.path() / "out/training" / kind), {}) == 6);
    CHECK(std::distance(fs::directory_iterator(folder.path() / "out/held-out" / kind), {}) == 2);
  }
  CHECK(contains(text, "held-out against synthetic pictures"));
  CHECK(contains(text, "recall_features"));
}
