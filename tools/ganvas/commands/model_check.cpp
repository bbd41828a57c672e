#include <torch/torch.h>

#include <cmath>

#include "commands/agreement.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

namespace {

using torch::Tensor;

/// Compares what a network gives with the tensors of a file.
class Check {
 public:
  Check(const ModelCheckRequest& request, StateDict io) : request_(request), io_(std::move(io)) {}

  bool has(const std::string& key) const { return io_.contains(key); }
  Tensor at(const std::string& key) const {
    if (!has(key)) fail(ErrorKind::data, "{}: no tensor '{}'", request_.io, key);
    return io_.at(key).to(torch::kFloat);
  }
  /// N x classes, one-hot; the file may hold numbers of classes. Undefined without any.
  Tensor classes(int known) const {
    if (!has("label") || known == 0) return {};
    const Tensor label = at("label");
    if (label.dim() == 2 && label.size(1) == known) return label;
    if (label.dim() != 1 || label.min().item<double>() < 0 || label.max().item<double>() >= known)
      fail(ErrorKind::data, "{}: 'label' fits no network of {} classes", request_.io, known);
    return torch::one_hot(label.to(torch::kLong), known).to(torch::kFloat);
  }
  void compare(const std::string& key, const Tensor& got) {
    const Tensor expected = at(key);
    if (got.numel() != expected.numel() || got.size(0) != expected.size(0))
      fail(ErrorKind::data, "{}: the network gives {}, '{}' is {}", request_.io, fmt::join(got.sizes().vec(), "x"), key,
           fmt::join(expected.sizes().vec(), "x"));
    const double error = (got.reshape(expected.sizes()) - expected).abs().max().item<double>();
    const std::string label = key == "output" ? std::string() : key + ": ";
    good_ = report_agreement(label, error, expected.abs().max().item<double>(), request_.tolerance) && good_;
    compared_ = true;
  }
  /// Levels of progressive growing: `at_level(level, fade)` is compared with output_step<level> and with
  /// output_step<level>_alpha0.3, which fades in.
  template <typename AtLevel>
  void compare_levels(AtLevel at_level) {
    for (int level = 0; level < 10; ++level)
      for (const auto& [tail, fade] : {std::pair{"", 1.0}, {"_alpha0.3", 0.3}})
        if (const std::string key = fmt::format("output_step{}{}", level, tail); has(key))
          compare(key, at_level(level, fade));
  }
  bool good() const {
    if (!compared_) fail(ErrorKind::data, "{}: no tensor 'output'", request_.io);
    return good_;
  }
  const std::string& file() const { return request_.io; }

 private:
  const ModelCheckRequest& request_;
  StateDict io_;
  bool good_ = true, compared_ = false;
};

void need(const Check& check, const char* key, bool fits, const std::string& wanted) {
  if (!fits) fail(ErrorKind::data, "{}: '{}' must be {}", check.file(), key, wanted);
}

/// 'input' is noise; beside 'output' the file may hold what styles, truncation, mixing and missing noise planes give.
void check(NoiseGenerator& network, Check& check) {
  const torch::InferenceMode inference;
  const NoiseGeneratorInfo info = network.info();
  const auto noise = [&](const char* key) {
    const Tensor values = check.at(key);
    need(check, key, values.dim() > 1 && values.numel() == values.size(0) * info.noise,
         fmt::format("N x {}", info.noise));
    return values.flatten(1);
  };
  const Tensor styles = network.map(noise("input"), check.classes(info.classes));
  const auto made = [&](const Tensor& of, LayerNoise planes) { return network.synthesise(of, planes); };
  if (check.has("output")) check.compare("output", made(styles, LayerNoise::constant));
  if (check.has("w")) check.compare("w", styles.select(1, 0));
  if (check.has("output_no_noise")) check.compare("output_no_noise", made(styles, LayerNoise::none));
  if (const char* key = "output_truncation_0.7"; check.has(key)) {
    const Tensor mean = check.has("mean_latent") ? check.at("mean_latent") : network.mean_style();
    check.compare(key, made(truncated(styles, mean.flatten(), 0.7), LayerNoise::constant));
  }
  if (const char* key = "output_mixed_at_3"; check.has(key)) {
    const Tensor others = network.map(noise("input2"), {});
    check.compare(key, made(torch::cat({styles.narrow(1, 0, 3), others.narrow(1, 3, others.size(1) - 3)}, 1),
                            LayerNoise::constant));
  }
  check.compare_levels([&](int level, double fade) { return network.at_level(styles, level, fade); });
}

/// 'input' are pictures. The published DCGAN ends with a sigmoid, which is no weight: outputs from 0 to 1 are its.
void check(Discriminator& network, Check& check) {
  const torch::InferenceMode inference;
  const int channels = network.config().at("channels").get<int>();
  const auto pictures = [&](const std::string& key) {
    const Tensor values = check.at(key);
    need(check, key.c_str(), values.dim() == 4 && values.size(1) == channels, fmt::format("N x {} x H x W", channels));
    return values;
  };
  const Tensor classes = check.classes(network.classes());
  if (check.has("output")) {
    const Tensor input = pictures("input"), expected = check.at("output");
    const Tensor logits = classes.defined() ? network.given(input, classes) : network.forward(input);
    const bool shares =
        network.architecture() == "dcgan" && expected.min().item<double>() >= 0 && expected.max().item<double>() <= 1;
    check.compare("output", shares ? torch::sigmoid(logits) : logits);
  }
  check.compare_levels([&](int level, double fade) {
    return network.at_level(pictures(fmt::format("input_step{}", level)), level, fade);
  });
}

void check(Generator& network, Check& check) {
  const torch::InferenceMode inference;
  const int channels = network.info().in_channels;
  const Tensor input = check.at("input");
  need(check, "input", input.dim() == 4 && input.size(1) == channels, fmt::format("N x {} x H x W", channels));
  check.compare("output", network.forward(input));
}

}  // namespace

int run(const ModelCheckRequest& request) {
  const std::filesystem::path path = find_model(request.model);
  Check tensors(request, read_safetensors(request.io).tensors);
  if (has_graph(path)) {
    check(*load_generator(path, {request.trust}).network, tensors);
    return tensors.good() ? 0 : 1;
  }
  const ModelFile file = read_model_file(path);
  if (const DiscriminatorPtr judge = discriminator_from(file.weights, path.string())) check(*judge, tensors);
  else if (const auto maker = noise_generator_from(file, path.string())) check(*maker->network, tensors);
  else check(*generator_from(file, path.string()).network, tensors);
  return tensors.good() ? 0 : 1;
}

}  // namespace ganvas::cli
