// Points in the plane from a ring of Gaussians (as in Metz et al. 2017, section 3.1): the smallest game in which modes
// collapse. For seeing in seconds what a loss or a stabiliser does, and for the tests of all of them.
#include <torch/torch.h>

#include <cmath>
#include <numbers>

#include "ganvas/core/error.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/nn/registry.hpp"
#include "train/game/adversarial_task.hpp"

namespace ganvas::mixture_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int kNoise = 16;  ///< dimensions that the generator starts from

class Mixture final : public AdversarialTask {
 public:
  explicit Mixture(TaskContext context)
      : AdversarialTask(std::move(context), {.adversaries_first = true}),
        modes_(static_cast<int>(context_.recipe.integer("mixture.modes", 8, 1, 1000))),
        deviation_(context_.recipe.number("mixture.deviation", 0.02, 0.0, 10.0)) {
    const auto width = static_cast<int>(context_.recipe.integer("mixture.width", 64, 1, 4096));
    generator_ = nn::Sequential(nn::Linear(kNoise, width), nn::ReLU(), nn::Linear(width, width), nn::ReLU(),
                                nn::Linear(width, 2));
    generator_->to(context_.device);
    add_network({"generator", generator_.ptr(), true});
    add_adversary("discriminator", 2, 1);
    check_teaches(false);
  }

  void load_data() override {}
  /// Real points as N x 2 x 1 x 1.
  Batch make_batch(std::int64_t index) const override {
    Tensor points = torch::empty({context_.batch, 2, 1, 1});
    float* at = points.data_ptr<float>();
    for (int i = 0; i < context_.batch; ++i) {
      Rng rng = Rng::for_item(context_.seed, static_cast<std::uint64_t>(index * context_.batch + i));
      const double angle =
          2 * std::numbers::pi * static_cast<double>(rng.below(static_cast<std::uint64_t>(modes_))) / modes_;
      *at++ = static_cast<float>(std::cos(angle) + deviation_ * rng.normal());
      *at++ = static_cast<float>(std::sin(angle) + deviation_ * rng.normal());
    }
    return {{"real", points}};
  }

  /// modes: how many have at least a quarter of their share of 2048 samples within five deviations (or 0.1).
  /// close: share of samples that are near any mode.
  Scalars validate() override {
    const Tensor points = sample(2048).reshape({-1, 2}).to(torch::kCPU, torch::kDouble).contiguous();
    const double reach = std::max(5 * deviation_, 0.1);
    std::vector<int> hits(static_cast<std::size_t>(modes_));
    int near = 0;
    const double* at = points.data_ptr<double>();
    for (std::int64_t i = 0; i < points.size(0); ++i, at += 2)
      for (int mode = 0; mode < modes_; ++mode) {
        const double angle = 2 * std::numbers::pi * mode / modes_;
        if (std::hypot(at[0] - std::cos(angle), at[1] - std::sin(angle)) > reach) continue;
        ++hits[static_cast<std::size_t>(mode)];
        ++near;
        break;
      }
    int covered = 0;
    for (const int hit : hits) covered += 4 * hit * modes_ >= points.size(0);
    return {{"modes", covered}, {"close", static_cast<double>(near) / static_cast<double>(points.size(0))}};
  }
  double score(const Scalars& validation) const override { return validation.at("modes") + validation.at("close"); }
  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    ModelFile file;
    for (const auto& [key, tensor] : state_dict_of(*generator_))
      file.weights.set(key, tensor.to(torch::kCPU).contiguous());
    file.metadata = figures;
    write_model_file(path, file);
  }

 private:
  Tensor sample(std::int64_t count) {
    return generator_->forward(torch::randn({count, kNoise}, torch::TensorOptions(context_.device)))
        .reshape({count, 2, 1, 1});
  }

  std::vector<Contest> contests(const Batch& batch) override {
    const Tensor& real = batch.at("real");
    return {{real, sample(real.size(0))}};
  }
  Terms generator_terms(const Batch& batch, Scalars&) override {
    Terms terms;
    play(terms, 0, contests(batch).front());
    return terms;
  }

  int modes_;
  double deviation_;
  nn::Sequential generator_;
};

}  // namespace

TaskPlugin plugin() {
  return {.name = "mixture",
          .summary = "points from a ring of Gaussians: the smallest adversarial game",
          .make = [](TaskContext context) -> std::unique_ptr<Task> {
            return std::make_unique<Mixture>(std::move(context));
          }};
}

}  // namespace ganvas::mixture_plugin
