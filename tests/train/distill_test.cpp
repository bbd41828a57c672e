// Distillation of a feature network: a small student of a small random teacher.
#include <torch/torch.h>

#include "ganvas/loss/lpips.hpp"
#include "support/refusal.hpp"
#include "train/criteria/agreement.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

void write_teacher(const fs::path& path) {
  torch::manual_seed(21);
  const auto teacher = make_feature_network("small-features", {{"channels", 8}, {"squeeze", 4}});
  StateDict heads;
  const auto layers = teacher->lpips_layers();
  for (std::size_t i = 0; i < layers.size(); ++i)
    heads.set(fmt::format("lin{}.model.1.weight", i), torch::rand({1, teacher->channels(layers[i]), 1, 1}));
  teacher->set_heads(heads);
  save_feature_network(path, *teacher);
}

Recipe distill_recipe(const fs::path& teacher, const std::vector<std::string>& overrides = {}) {
  Recipe recipe = Recipe::parse(R"(
task = "distill"
[student]
channels = 8
squeeze = 4
[teacher]
heads = ""
[distill]
generators = []
attack_share = 0.5
piecewise_steps = 20
[data]
crop = 12
hold_out = 1
[train]
steps = 40
batch = 2
precision = "fp32"
ema = 0.5
log_every = 1
validate_every = 20
checkpoint_every = 10
[optimiser.student]
lr = 3e-3
)",
                                "distill.toml");
  recipe.set("teacher.network=" + teacher.string());
  for (const auto& assignment : overrides) recipe.set(assignment);
  return recipe;
}

TrainOptions distill_in(const fs::path& out, const fs::path& pictures) {
  TrainOptions options = run_in(out, pictures);
  options.find_model = [](const std::string& name) { return fs::path(name); };
  return options;
}

}  // namespace

TEST_CASE("distill: the student comes nearer to its teacher, resumes exactly and carries the heads") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 4, 64, 60);
  write_teacher(folder / "teacher.safetensors");
  torch::set_num_threads(1);
  const Recipe recipe = distill_recipe(folder / "teacher.safetensors");
  const TrainResult whole = train(recipe, distill_in(folder / "whole", folder / "pictures"));
  CHECK(whole.finished);
  const auto lines = log_lines(folder / "whole", "train");
  REQUIRE(lines.size() == 40);
  const auto mean = [&](const char* name, std::size_t from) {
    double sum = 0;
    for (std::size_t i = from; i < from + 5; ++i) sum += lines[i].at(name).get<double>() / 5;
    return sum;
  };
  CHECK(mean("features", 35) < 0.8 * mean("features", 0));
  CHECK(whole.validation.at("pearson") <= 1);

  TrainOptions options = distill_in(folder / "parts", folder / "pictures");
  options.stop_at = 13;
  train(recipe, options);
  options.stop_at.reset();
  options.resume = true;
  train(recipe, options);
  CHECK(read_file(folder / "whole" / "model.safetensors") == read_file(folder / "parts" / "model.safetensors"));

  // The file alone measures; the teacher's heads came along (as fp16).
  const Lpips student = Lpips::load(folder / "whole" / "model.safetensors", {});
  const Lpips teacher = Lpips::load(folder / "teacher.safetensors", {});
  for (std::size_t i = 0; i < 7; ++i)
    CHECK((student.weights()[i] - teacher.weights()[i]).abs().max().item<double>() < 1e-3);
  const auto a = torch::rand({1, 3, 40, 40});
  CHECK(student(a, a).item<double>() == 0);
  CHECK(student(a, a * 0.5).item<double>() > 0);
}

TEST_CASE("distill: a dry run loads nothing, a teacher with other channels is refused") {
  const std::string resolved = resolve_recipe(distill_recipe("nowhere.safetensors"));
  CHECK(says(resolved, {"nowhere.safetensors", "attack_share = 0.5", "squeeze = 4"}));
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 2, 64, 60);
  const auto vgg = make_feature_network("vgg", {{"depth", 16}, {"width", 4}});
  StateDict heads;
  int i = 0;
  for (const auto& layer : vgg->lpips_layers())
    heads.set(fmt::format("lin{}.model.1.weight", i++), torch::rand({1, vgg->channels(layer), 1, 1}));
  vgg->set_heads(heads);
  save_feature_network(folder / "vgg.safetensors", *vgg);
  CHECK(says(refusal(ErrorKind::recipe,
                     [&] {
                       train(distill_recipe(folder / "vgg.safetensors"), distill_in(folder / "r", folder / "pictures"));
                     }),
             {"9", "0"}));
}

TEST_CASE("distill: agreement is 0 for a perfect student, and its terms are LPIPS's") {
  torch::manual_seed(2);
  const std::vector<torch::Tensor> weights{torch::rand({1, 5, 1, 1})};
  const auto teacher = torch::rand({4, 5, 6, 7}), student = torch::rand({4, 5, 6, 7});
  Agreement perfect(weights);
  perfect.add_layer(0, teacher * 3, teacher);  // a factor changes no direction
  CHECK(perfect.features().item<double>() < 1e-10);
  CHECK(perfect.difference().item<double>() < 1e-10);
  CHECK(perfect.distance().item<double>() < 1e-4);
  CHECK(perfect.magnitude().item<double>() == doctest::Approx(4).epsilon(1e-4));
  Agreement agreement(weights);
  agreement.add_layer(0, student, teacher);
  const auto unit = [](const torch::Tensor& x) { return x / x.norm(2, {1}, true); };
  const auto s = unit(student), t = unit(teacher);
  const auto weighted = [&](const torch::Tensor& x) { return ((x * x) * weights[0]).sum(1); };
  CHECK(agreement.features().item<double>() == doctest::Approx(weighted(s - t).mean().item<double>()).epsilon(1e-4));
  const auto change = [](const torch::Tensor& x) { return x.slice(0, 2) - x.slice(0, 0, 2); };
  CHECK(agreement.difference().item<double>() ==
        doctest::Approx(weighted(change(s) - change(t)).mean().item<double>()).epsilon(1e-4));
  const auto ds = weighted(change(s)).mean({1, 2}) + 0.01, dt = weighted(change(t)).mean({1, 2}) + 0.01;
  CHECK(agreement.distance().item<double>() ==
        doctest::Approx((ds / dt).log().abs().mean().item<double>()).epsilon(1e-4));
}

TEST_CASE("distill: correlation and ranks") {
  CHECK(correlation({1, 2, 3}, {2, 4, 6}) == doctest::Approx(1));
  CHECK(correlation({1, 2, 3}, {3, 2, 1}) == doctest::Approx(-1));
  CHECK(correlation({1, 2, 3, 4}, {1, -1, -1, 1}) == doctest::Approx(0));
  CHECK(ranks({30, 10, 20, 10}) == std::vector<double>{3, 0.5, 2, 0.5});
}
