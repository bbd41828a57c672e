#include "ganvas/core/error.hpp"
#include "support/refusal.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

TEST_CASE("shipped recipes resolve, and their resolved text resolves to itself") {
  int count = 0;
  for (const auto& file : list_files(fs::path(GANVAS_SOURCE_DIR) / "models" / "recipes", true)) {
    if (file.extension() != ".toml") continue;
    CAPTURE(file.string());
    const std::string resolved = resolve_recipe(Recipe::load(file));
    CHECK(resolved.find("[optimiser.") != std::string::npos);
    CHECK(resolve_recipe(Recipe::parse(resolved, "resolved")) == resolved);
    ++count;
  }
  CHECK(count >= 2);
  // Every default spelt out: a recipe of nothing resolves to the same as its own text.
  const std::string defaults = resolve_recipe(Recipe());
  CHECK(resolve_recipe(Recipe::parse(defaults, "defaults")) == defaults);
  for (const char* key : {"steps = ", "batch = ", "ema = ", "seed = ", "crop = ", "lr = ", "channels = ", "pixel = "}) {
    CAPTURE(key);
    CHECK(defaults.find(key) != std::string::npos);
  }
}

TEST_CASE("wrong recipes are refused before any data is read, by key and with the nearest known one") {
  const auto with = [](const std::string& assignment) {
    return refusal(ErrorKind::recipe, [&] { resolve_recipe(tiny_recipe({assignment})); });
  };
  says(with("train.stepz=5"), {"tiny.toml", "train.stepz", "train.steps?"});
  says(with("optimiser.generator.learning_rate=5"), {"optimiser.generator.learning_rate"});
  says(with("optimizer.generator.lr=5"), {"optimizer.generator.lr", "optimiser.generator.lr?"});
  says(with("data.holdout=5"), {"data.hold_out?"});
  says(with("task=super_resolution"), {"task", "'super_resolution'", "super-resolution"});
  says(with("generator.architecture=compakt"), {"compakt", "compact"});
  says(with("generator.chanels=5"), {"chanels", "channels"});
  says(with("generator.channels=0"), {"channels", "0"});
  says(with("generator.channels=many"), {"channels"});
  says(with("generator.init=zero"), {"generator.init", "'zero'", "identity"});
  says(with("loss.pixel=l3"), {"loss.pixel", "'l3'", "charbonnier"});
  for (const char* out_of_range :
       {"train.steps=0", "train.batch=0", "train.batch=-2", "train.accumulation=0", "train.ema=1", "train.ema=-0.1",
        "train.seed=-1", "train.log_every=0", "train.validate_every=0", "train.checkpoint_every=0", "data.crop=3",
        "data.hold_out=-1", "data.threads=0", "optimiser.generator.lr=-1", "optimiser.generator.clip=-1",
        "optimiser.generator.beta1=1.5", "optimiser.generator.eps=-1"}) {
    CAPTURE(out_of_range);
    const std::string key = std::string(out_of_range).substr(0, std::string(out_of_range).find('='));
    says(with(out_of_range), {"tiny.toml", key.c_str(), "is not in"});
  }
  says(with("train.steps=ten"), {"train.steps", "'ten'"});
  says(with("train.precision=fp16"), {"train.precision", "bf16"});
  says(with("data.augment=yes"), {"data.augment", "'yes'"});
  says(with("optimiser.generator.type=sgd"), {"optimiser.generator.type", "rmsprop"});
  // A key that the choice of another key leaves unread.
  says(refusal(ErrorKind::recipe,
               [] {
                 resolve_recipe(tiny_recipe({"optimiser.generator.type=rmsprop", "optimiser.generator.beta1=0.5"}));
               }),
       {"optimiser.generator.beta1"});
  CHECK(refusal(ErrorKind::recipe, [] { train(tiny_recipe({"train.stepz=5"}), run_in("/no/such", "/no/such")); }) !=
        "was accepted");
}

TEST_CASE("data that can't be trained on") {
  const TemporaryFolder folder;
  const auto run = [&](const fs::path& pictures, const std::vector<std::string>& overrides = {}) {
    return refusal(ErrorKind::data, [&] { train(tiny_recipe(overrides), run_in(folder / "run", pictures)); });
  };
  fs::create_directories(folder / "empty");
  says(run(folder / "empty"), {"empty", "no pictures"});
  says(run(folder / "absent"), {"absent"});
  write_pictures(folder / "pictures", 4, 40, 36);
  says(run(folder / "pictures", {"data.crop=19"}), {"38x38", "data.crop"});
  // Nothing of a run that never began.
  CHECK_FALSE(fs::exists(folder / "run" / "recipe.toml"));
  CHECK_FALSE(fs::exists(folder / "run" / "model.safetensors"));
  // A folder of validation pictures and a folder of LR partners are checked too.
  TrainOptions options = run_in(folder / "run", folder / "pictures");
  options.data.validation = folder / "empty";
  says(refusal(ErrorKind::data, [&] { train(tiny_recipe(), options); }), {"empty", "no pictures"});
  options = run_in(folder / "run", folder / "pictures");
  options.data.lr = folder / "empty";
  says(refusal(ErrorKind::data, [&] { train(tiny_recipe(), options); }), {"00.png", "empty"});
  if (::geteuid() != 0) {
    fs::create_directories(folder / "locked");
    fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec);
    refusal(ErrorKind::file, [&] { train(tiny_recipe(), run_in(folder / "locked" / "run", folder / "pictures")); });
  }
  std::ofstream(folder / "file") << "x";
  says(refusal(ErrorKind::file, [&] { train(tiny_recipe(), run_in(folder / "file" / "run", folder / "pictures")); }),
       {"file"});
}

TEST_CASE("a run's folder: an existing run, another recipe's checkpoint, no checkpoint, a damaged one") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 4);
  TrainOptions options = run_in(folder / "run", folder / "pictures");
  options.stop_at = 3;
  CHECK(train(tiny_recipe(), options).steps == 3);
  const Bytes kept = read_file(checkpoint_of(folder / "run"));
  says(refusal(ErrorKind::usage, [&] { train(tiny_recipe(), options); }), {"run", "--resume"});
  options.resume = true;
  for (const char* other : {"train.seed=2", "train.batch=4", "generator.channels=9", "optimiser.generator.beta1=0.5"}) {
    CAPTURE(other);
    says(refusal(ErrorKind::recipe, [&] { train(tiny_recipe({other}), options); }),
         {"latest.safetensors", "another recipe", "there", "here"});
  }
  CHECK(read_file(checkpoint_of(folder / "run")) == kept);
  // What another run or somebody's hand left there is not replaced, before any data are read.
  const auto refused_beside = [&](const char* name, bool resume) {
    fs::create_directories(folder / "other");
    std::ofstream(folder / "other" / name) << "mine";
    TrainOptions there = run_in(folder / "other", folder / "absent");
    there.resume = resume;
    says(refusal(ErrorKind::usage, [&] { train(tiny_recipe(), there); }), {name});
    CHECK(read_file(folder / "other" / name) == Bytes{'m', 'i', 'n', 'e'});
    fs::remove_all(folder / "other");
  };
  for (const bool resume : {false, true})
    for (const char* name : {"recipe.toml", "best.safetensors", "model.safetensors", "sweep.json", "holiday.jpg"})
      refused_beside(name, resume);
  // Resuming where nothing began yet is a start.
  TrainOptions fresh = run_in(folder / "fresh", folder / "pictures");
  fresh.resume = true;
  fresh.stop_at = 3;
  CHECK(train(tiny_recipe(), fresh).steps == 3);
  CHECK(read_safetensors(checkpoint_of(folder / "fresh")).metadata == parse_safetensors(kept, "kept").metadata);

  const fs::path path = checkpoint_of(folder / "run");
  for (const std::size_t length : {std::size_t{0}, std::size_t{100}, kept.size() / 2, kept.size() - 1}) {
    write_file_atomically(path, std::span(kept).first(length));
    says(refusal(ErrorKind::model, [&] { train(tiny_recipe(), options); }), {"latest.safetensors", "an earlier one"});
  }
  Safetensors whole = parse_safetensors(kept, "kept");
  const auto refused_with = [&](const Safetensors& file) {
    write_safetensors(path, file.tensors, file.metadata);
    return refusal(ErrorKind::model, [&] { train(tiny_recipe(), options); });
  };
  Safetensors changed = whole;
  changed.metadata.erase("step");
  says(refused_with(changed), {"no checkpoint"});
  changed = whole;
  changed.tensors.erase("optimiser/generator/updates");
  says(refused_with(changed), {"optimiser"});
  changed = whole;
  changed.tensors.set("optimiser/generator/0.first", torch::zeros({100}));
  says(refused_with(changed), {"0.first"});
  changed = whole;
  changed.metadata["monitor"] = "{";
  says(refused_with(changed), {"monitor"});
  changed = whole;
  changed.tensors.erase("network/generator/body.0.weight");
  says(refused_with(changed), {"body.0.weight"});
  changed = whole;
  changed.tensors.erase("random/cpu");
  says(refused_with(changed), {"random/cpu"});
  changed = whole;
  // A run of an earlier version, which knew fewer keys, goes on; one with a key that is no more says which.
  changed = whole;
  std::string& recipe = changed.metadata.at("recipe");
  const auto line = recipe.find("tv_weight = 0\n");
  REQUIRE(line != std::string::npos);
  recipe.erase(line, std::string("tv_weight = 0\n").size());
  write_safetensors(path, changed.tensors, changed.metadata);
  CHECK(train(tiny_recipe(), options).steps == 3);
  changed = whole;
  changed.metadata.at("recipe") += "gone = 1\n";
  write_safetensors(path, changed.tensors, changed.metadata);
  says(refusal(ErrorKind::recipe, [&] { train(tiny_recipe(), options); }), {"gone: 1 there"});
  changed = whole;
  changed.metadata["step"] = "soon";
  says(refused_with(changed), {"latest.safetensors"});
  CHECK(refused_with(changed) != "was accepted");
}
