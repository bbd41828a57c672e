#include <torch/torch.h>

#include <atomic>
#include <thread>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/metric/quality.hpp"
#include "ganvas/nn/registry.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

StateDict weights_in(const Safetensors& checkpoint, const std::string& prefix) {
  StateDict found;
  for (const auto& [key, tensor] : checkpoint.tensors)
    if (key.starts_with(prefix)) found.set(key.substr(prefix.size()), tensor);
  CHECK_FALSE(found.empty());
  return found;
}

bool equal(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, tensor] : a)
    if (!b.contains(key) || !torch::equal(b.at(key), tensor)) return false;
  return true;
}

bool all_finite(const StateDict& weights) {
  for (const auto& [key, tensor] : weights)
    if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>()) return false;
  return true;
}

}  // namespace

TEST_CASE("a run that was stopped and resumed ends with the same bytes as one that never was") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 5);
  const std::vector<std::vector<std::string>> variants{
      {"optimiser.generator.warm_up=4", "optimiser.generator.type=muon", "generator.channels=16", "generator.convs=2"},
      {"train.precision=bf16", "optimiser.generator.clip=0.1", "data.threads=3"},
      {"train.accumulation=2", "optimiser.generator.type=adamw", "optimiser.generator.weight_decay=0.1", "train.ema=0"},
      {"optimiser.generator.type=rmsprop", "optimiser.generator.weight_decay=0.01", "generator.slope=0.1",
       "optimiser.generator.schedule=multistep", "optimiser.generator.milestones=3,7", "loss.pixel=charbonnier"},
      {},  // another network, see below
  };
  for (std::size_t i = 0; i < variants.size(); ++i) {
    CAPTURE(i);
    torch::set_num_threads(i == 0 ? 2 : 1);  // sums over several threads are the same every time, too
    Recipe recipe = tiny_recipe(variants[i]);
    if (i == 4) {
      recipe = Recipe::parse(R"([generator]
architecture = "rrdbnet"
scale = 2
channels = 4
blocks = 1
growth = 4
[data]
crop = 8
[train]
steps = 12
batch = 2
precision = "fp32"
log_every = 5
validate_every = 5
checkpoint_every = 4
[optimiser.generator]
schedule = "linear"
)",
                             "rrdbnet.toml");
    }
    const fs::path whole = folder / fmt::format("whole{}", i), parts = folder / fmt::format("parts{}", i);
    const TrainResult result = train(recipe, run_in(whole, folder / "pictures"));
    CHECK(result.finished);
    CHECK(result.steps == 12);
    TrainOptions options = run_in(parts, folder / "pictures");
    options.resume = true;
    for (const std::int64_t stop : {1, 5, 6, 11}) {
      options.stop_at = stop;
      const TrainResult part = train(recipe, options);
      CHECK(part.steps == stop);
      CHECK_FALSE(part.finished);
      CHECK_FALSE(fs::exists(parts / "model.safetensors"));
    }
    options.stop_at.reset();
    const TrainResult resumed = train(recipe, options);
    CHECK(resumed.finished);
    CHECK(resumed.best_score == result.best_score);
    for (const char* file : {"model.safetensors", "best.safetensors", "recipe.toml"})
      CHECK(read_file(whole / file) == read_file(parts / file));
    const Safetensors a = read_safetensors(checkpoint_of(whole)), b = read_safetensors(checkpoint_of(parts));
    CHECK(equal(a.tensors, b.tensors));
    CHECK(a.metadata == b.metadata);
    // The log reads as that of one run, means over steps before and after a stop included.
    auto one = log_lines(whole, "train"), many = log_lines(parts, "train");
    CHECK(one.size() > 1);
    for (auto* lines : {&one, &many})
      for (auto& line : *lines)
        for (const char* of_the_clock : {"seconds", "wait_share"}) line.erase(of_the_clock);
    CHECK(one == many);
    CHECK(log_lines(whole, "validation") == log_lines(parts, "validation"));
    // Resuming what is finished changes nothing.
    const TrainResult again = train(recipe, options);
    CHECK(again.finished);
    CHECK(again.steps == 12);
    CHECK(again.validation == result.validation);
    CHECK(read_file(whole / "model.safetensors") == read_file(parts / "model.safetensors"));
    CHECK(read_file(whole / "best.safetensors") == read_file(parts / "best.safetensors"));
    CHECK(log_lines(whole, "validation") == log_lines(parts, "validation"));
    // Another seed is another run.
    if (i > 0) continue;
    recipe.set("train.seed=2");
    train(recipe, run_in(folder / "seed", folder / "pictures"));
    CHECK_FALSE(equal(read_safetensors(folder / "seed/model.safetensors").tensors,
                      read_safetensors(whole / "model.safetensors").tensors));
  }
}

TEST_CASE("the loss falls, the figures rise, and the exported model is what was validated") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 6);
  for (const char* precision : {"train.precision=fp32", "train.precision=bf16"}) {
    CAPTURE(precision);
    const fs::path out = folder / precision;
    const TrainResult result = train(tiny_recipe({"train.steps=80", "train.log_every=10", "train.validate_every=10",
                                                  "train.batch=4", precision, "optimiser.generator.lr=5e-3"}),
                                     run_in(out, folder / "pictures"));
    const auto lines = log_lines(out, "train");
    REQUIRE(lines.size() == 8);
    CHECK(lines.back().at("pixel").get<double>() < 0.7 * lines.front().at("pixel").get<double>());
    for (const auto& line : lines) {
      CHECK(line.at("generator.gradient_norm").get<double>() > 0);
      CHECK(line.at("generator.rate").get<double>() <= 5e-3);
      CHECK(line.at("wait_share").get<double>() >= 0);
    }
    const auto validations = log_lines(out, "validation");
    REQUIRE(validations.size() == 8);
    CHECK(validations.back().at("psnr_y").get<double>() > validations.front().at("psnr_y").get<double>() + 1);
    CHECK(validations.back().at("psnr_y").get<double>() == doctest::Approx(result.validation.at("psnr_y")));

    // The exported file describes itself and holds the recipe.
    const LoadedGenerator model = load_generator(out / "model.safetensors");
    CHECK(model.network->architecture() == "compact");
    CHECK(model.network->info().scale == 2);
    const Bytes recipe = read_file(out / "recipe.toml");
    const std::string text(recipe.begin(), recipe.end());
    CHECK(model.file.metadata.at("ganvas.recipe") == text);
    CHECK(model.file.metadata.at("ganvas.steps") == "80");
    CHECK(resolve_recipe(Recipe::parse(text, "recipe.toml")) == text);
    CHECK(std::stod(model.file.metadata.at("ganvas.validation.psnr_y")) ==
          doctest::Approx(result.validation.at("psnr_y")).epsilon(1e-4));
    // What was validated are the averaged weights, and those are what is exported.
    const Safetensors checkpoint = read_safetensors(checkpoint_of(out));
    CHECK(equal(weights_in(checkpoint, "average/generator/"), state_dict_of(*model.network)));
    CHECK_FALSE(equal(weights_in(checkpoint, "network/generator/"), state_dict_of(*model.network)));
  }
}

TEST_CASE("moving average against a slow twin") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 4);
  TrainOptions options = run_in(folder / "run", folder / "pictures");
  options.resume = true;
  StateDict twin;
  for (std::int64_t step = 1; step <= 12; ++step) {
    options.stop_at = step;
    train(tiny_recipe({"optimiser.generator.lr=0.02", "train.ema=0.5"}), options);
    const Safetensors checkpoint = read_safetensors(checkpoint_of(folder / "run"));
    const StateDict now = weights_in(checkpoint, "network/generator/"),
                    average = weights_in(checkpoint, "average/generator/");
    if (step == 1) {
      for (const auto& [key, tensor] : average) twin.set(key, tensor.to(torch::kDouble));
      continue;
    }
    // Early on it forgets faster; at step 8 the recipe's decay is reached.
    const double decay = step >= 8 ? 0.5 : (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step));
    for (const auto& [key, tensor] : now) {
      twin.set(key, twin.at(key) * decay + tensor.to(torch::kDouble) * (1 - decay));
      CHECK((twin.at(key) - average.at(key)).abs().max().item<double>() < 1e-6);
    }
    CHECK_FALSE(equal(now, average));
  }
}

TEST_CASE("a rate so large that the network explodes: one clear error, and the last checkpoint is sound") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 4);
  int failed = 0;
  for (const int convs : {1, 2, 3, 5, 9})
    for (const auto& [loss, clip] : {std::pair{"l1", "0"}, {"l1", "0.5"}, {"l2", "0"}, {"l2", "0.5"}}) {
      INFO(convs << " convs, " << loss << ", clip " << clip);
      const fs::path out = folder / fmt::format("{}-{}-{}", convs, loss, clip);
      const Recipe recipe = tiny_recipe({fmt::format("generator.convs={}", convs), "optimiser.generator.lr=1e6",
                                         fmt::format("loss.pixel={}", loss),
                                         fmt::format("optimiser.generator.clip={}", clip), "train.checkpoint_every=1",
                                         "train.validate_every=100", "optimiser.generator.schedule=constant"});
      try {
        train(recipe, run_in(out, folder / "pictures"));
      } catch (const Error& error) {
        ++failed;
        const std::string message = error.what();
        CAPTURE(message);
        CHECK(error.kind() == ErrorKind::data);
        CHECK(message.find("step ") != std::string::npos);
        CHECK(message.find("optimiser.generator.lr") != std::string::npos);
        CHECK(message.find('\n') == std::string::npos);
        CHECK_FALSE(fs::exists(out / "model.safetensors"));
      }
      CHECK(all_finite(read_safetensors(checkpoint_of(out)).tensors));
    }
  CHECK(failed >= 2);
}

TEST_CASE("Ctrl-C: a checkpoint, one clear error, and the run goes on as if nothing had happened") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 4);
  const Recipe recipe =
      tiny_recipe({"train.steps=1000000", "train.checkpoint_every=3", "train.validate_every=1000000"});
  TrainOptions options = run_in(folder / "run", folder / "pictures");
  std::atomic<std::int64_t> done = 0;
  options.after_step = [&](std::int64_t step) { done = step; };
  std::string message;
  {
    const std::jthread presser([&](const std::stop_token& stop) {
      while (!stop.stop_requested() && done < 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      set_interrupted(true);
    });
    try {
      train(recipe, options);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::interrupted);
      message = error.what();
    }
  }
  CHECK(interrupted());
  set_interrupted(false);
  CHECK(message.find("--resume") != std::string::npos);
  const Safetensors checkpoint = read_safetensors(checkpoint_of(folder / "run"));
  const std::int64_t step = std::stoll(checkpoint.metadata.at("step"));
  CHECK(step >= 3);
  CHECK(message.find(fmt::format("step {};", step)) != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "run" / "model.safetensors"));

  options.resume = true;
  options.stop_at = step + 2;
  CHECK(train(recipe, options).steps == step + 2);
  TrainOptions whole = run_in(folder / "whole", folder / "pictures");
  whole.stop_at = step + 2;
  train(recipe, whole);
  CHECK(equal(read_safetensors(checkpoint_of(folder / "whole")).tensors,
              read_safetensors(checkpoint_of(folder / "run")).tensors));

  // Pressed before the first step: nothing is lost, nothing is begun.
  set_interrupted(true);
  CHECK_THROWS_AS(train(recipe, run_in(folder / "early", folder / "pictures")), Error);
  set_interrupted(false);
  CHECK_FALSE(fs::exists(checkpoint_of(folder / "early")));
}

TEST_CASE("validation sets, start weights, and runs without validation") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 4);
  write_pictures(folder / "bench/hr", 2, 30, 26);
  fs::create_directories(folder / "bench/lr");
  for (const char* name : {"00.png", "01.png"})  // worthless partners: their figures tell that they were taken
    write_image(folder / "bench/lr" / name, noise(15, 13, 3, Depth::u8));

  // With a rate of 0 nothing is learnt: the start's weights come out again, also at another precision.
  train(tiny_recipe(), run_in(folder / "first", folder / "pictures"));
  const fs::path start = folder / "first/model.safetensors";
  TrainOptions options = run_in(folder / "second", folder / "pictures");
  options.data.validation = folder / "bench";
  const Recipe idle = tiny_recipe({"train.steps=1", "optimiser.generator.lr=0", "generator.start=" + start.string()});
  const TrainResult result = train(idle, options);
  CHECK(equal(read_safetensors(start).tensors, read_safetensors(folder / "second/model.safetensors").tensors));

  // The figures are those of the model on the given pairs.
  const LoadedGenerator model = load_generator(start);
  double psnr = 0;
  {
    const torch::NoGradGuard no_grad;
    for (const char* name : {"00.png", "01.png"}) {
      const Image lr = read_image(folder / "bench/lr" / name).image, hr = read_image(folder / "bench/hr" / name).image;
      torch::Tensor input = torch::empty({1, 3, 13, 15});
      for (int y = 0; y < 13; ++y)
        for (int x = 0; x < 15; ++x)
          for (int c = 0; c < 3; ++c) input[0][c][y][x] = lr.pixels.at<cv::Vec3b>(y, x)[c] / 255.0f;
      const torch::Tensor output = (model.network->forward(input).clamp(0, 1) * 255).round().contiguous();
      Image sr(30, 26, 3, Depth::u8);
      for (int y = 0; y < 26; ++y)
        for (int x = 0; x < 30; ++x)
          for (int c = 0; c < 3; ++c)
            sr.pixels.at<cv::Vec3b>(y, x)[c] = static_cast<std::uint8_t>(output[0][c][y][x].item<float>());
      psnr += compare_pictures(sr, hr, 2).psnr_y / 2;
    }
  }
  CHECK(result.validation.at("psnr_y") == doctest::Approx(psnr).epsilon(1e-4));

  // A slope that the recipe fixes stays what it is, so that the model is the network whose figures stand in it.
  const GeneratorPtr steep = make_generator("compact", model.network->config());
  for (auto& parameter : steep->named_parameters())
    if (parameter.value().dim() == 1 && parameter.key().find("weight") != std::string::npos)
      parameter.value().detach().fill_(-0.8);
  save_generator(folder / "steep.safetensors", *steep, {});
  TrainOptions flat = run_in(folder / "flat", folder / "pictures");
  flat.data.validation = folder / "bench";
  const TrainResult fixed = train(tiny_recipe({"train.steps=1", "optimiser.generator.lr=0", "generator.slope=0.1",
                                               "generator.start=" + (folder / "steep.safetensors").string()}),
                                  flat);
  const StateDict kept = read_safetensors(folder / "flat/model.safetensors").tensors;
  CHECK(torch::equal(kept.at("body.0.weight"),
                     read_safetensors(folder / "steep.safetensors").tensors.at("body.0.weight")));
  CHECK(torch::allclose(kept.at("body.1.weight"), torch::full({kept.at("body.1.weight").size(0)}, 0.1)));
  CHECK(fixed.finished);
  CHECK_THROWS_AS(train(tiny_recipe({"train.steps=1", "generator.channels=9", "generator.convs=5",
                                     "generator.start=" + (folder / "steep.safetensors").string()}),
                        run_in(folder / "none", folder / "pictures")),
                  Error);

  // Another scale shares all but the last layer.
  TrainOptions other = run_in(folder / "third", folder / "pictures");
  train(tiny_recipe({"train.steps=1", "optimiser.generator.lr=0", "generator.scale=4", "data.crop=4", "train.ema=0",
                     "generator.start=" + start.string()}),
        other);
  const StateDict a = read_safetensors(start).tensors, b = read_safetensors(folder / "third/model.safetensors").tensors;
  int shared = 0;
  for (const auto& [key, tensor] : a)
    if (tensor.sizes() == b.at(key).sizes()) shared += torch::equal(tensor, b.at(key));
  CHECK(shared == static_cast<int>(a.size()) - 2);  // weight and bias of the last

  // No validation at all: nothing is best, the model is still exported.
  const TrainResult blind = train(tiny_recipe({"data.hold_out=0"}), run_in(folder / "blind", folder / "pictures"));
  CHECK(blind.finished);
  CHECK(blind.validation.empty());
  CHECK(fs::exists(folder / "blind/model.safetensors"));
  CHECK_FALSE(fs::exists(folder / "blind/best.safetensors"));
  // One picture alone is trained on, not held out.
  write_pictures(folder / "one", 1);
  CHECK(train(tiny_recipe(), run_in(folder / "single", folder / "one")).finished);
}

TEST_CASE("super-resolution of gray, 16-bit and six-band pictures") {
  const TemporaryFolder folder;
  for (const auto& [channels, depth] : {std::pair{1, Depth::u8}, {3, Depth::u16}, {6, Depth::u16}}) {
    CAPTURE(channels);
    const fs::path place = folder / fmt::format("{}", channels);
    fs::create_directories(place);
    for (int i = 0; i < 4; ++i) write_image(place / fmt::format("{}.tif", i), gradient(40 + i, 36, channels, depth));
    const std::string count = fmt::format("{}", channels);
    TrainOptions options = run_in(folder / ("run" + count), place);
    options.find_model = [](const std::string& name) {
      return fs::path(GANVAS_SOURCE_DIR) / "models" / name / "model.safetensors";
    };
    const TrainResult result = train(tiny_recipe({"train.steps=5", "generator.in_channels=" + count,
                                                  "generator.out_channels=" + count, "validate.lpips=features"}),
                                     options);
    CHECK(result.finished);
    CHECK(std::isfinite(result.validation.at("psnr_y")));
    CHECK(result.validation.at("lpips") > 0);
  }
  CHECK_THROWS_WITH_AS(
      train(tiny_recipe({"generator.in_channels=3", "generator.out_channels=1"}), run_in(folder / "no", folder / "3")),
      doctest::Contains("keeps the channels"), Error);
}
