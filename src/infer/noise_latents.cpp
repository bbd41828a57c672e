#include "ganvas/infer/noise_latents.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/format/safetensors.hpp"

namespace ganvas {

using torch::Tensor;

namespace {

std::string shape_of(const Tensor& tensor) { return fmt::format("{}", fmt::join(tensor.sizes().vec(), "x")); }

/// N x layers x style from what the file has.
Tensor styles_in(const Tensor& stored, const NoiseGenerator& network, const std::string& name) {
  const NoiseGeneratorInfo info = network.info();
  if (info.style == 0) fail(ErrorKind::model, "{}: holds styles (w), and {} has none", name, network.architecture());
  const bool for_all = stored.dim() == 2;
  if ((!for_all && (stored.dim() != 3 || stored.size(1) != info.layers)) || stored.size(-1) != info.style ||
      stored.size(0) == 0)
    fail(ErrorKind::model, "{}: its w is {}, but the network takes N x {} x {}, or N x {} for all layers", name,
         shape_of(stored), info.layers, info.style, info.style);
  const Tensor styles = stored.to(torch::kFloat);
  return for_all ? styles.unsqueeze(1).repeat({1, info.layers, 1}) : styles;
}

std::vector<int> classes_in(const Tensor& stored, std::int64_t count, int known, const std::string& name) {
  std::vector<int> classes;
  const Tensor numbers = stored.to(torch::kLong).reshape({-1}).contiguous();
  if (numbers.numel() != count) fail(ErrorKind::model, "{}: {} classes for {} latents", name, numbers.numel(), count);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = numbers.data_ptr<std::int64_t>()[i];
    if (at < 0 || at >= known) fail(ErrorKind::model, "{}: class {} of a network that knows {}", name, at, known);
    classes.push_back(static_cast<int>(at));
  }
  return classes;
}

}  // namespace

NoiseLatents read_latents(const std::filesystem::path& path, const NoiseGenerator& network) {
  const std::string name = path.string();
  const StateDict file = read_model_file(path).weights;
  const NoiseGeneratorInfo info = network.info();
  NoiseLatents latents;
  if (const Tensor* w = file.find("w")) {
    latents.styles = styles_in(*w, network, name);
  } else if (const Tensor* ready = file.find("latent")) {
    if (info.style > 0 || ready->dim() != 3 || ready->size(0) == 0)
      fail(ErrorKind::model, "{}: its latent is {}, which {} doesn't take", name, shape_of(*ready),
           network.architecture());
    latents.styles = ready->to(torch::kFloat);
  } else if (const Tensor* z = file.find("z")) {
    if (z->dim() != 2 || z->size(1) != info.noise || z->size(0) == 0)
      fail(ErrorKind::model, "{}: its z is {}, but the network takes N x {}", name, shape_of(*z), info.noise);
    latents.noise = z->to(torch::kFloat);
    if (const Tensor* classes = file.find("class"))
      latents.classes = classes_in(*classes, z->size(0), info.classes, name);
  } else {
    fail(ErrorKind::model, "{}: holds no latents; they are tensors named w, z or latent", name);
  }
  for (const auto& [key, plane] : network.noise_planes()) {
    const Tensor* stored = file.find("noise." + key);
    if (!stored) continue;
    if (stored->sizes() != plane.sizes())
      fail(ErrorKind::model, "{}: noise.{} is {}, not {}", name, key, shape_of(*stored), shape_of(plane));
    latents.planes.emplace_back(key, stored->to(torch::kFloat));
  }
  for (const Tensor& values : {latents.styles, latents.noise})
    if (values.defined() && !values.isfinite().all().item<bool>())
      fail(ErrorKind::model, "{}: holds values that aren't finite", name);
  return latents;
}

void write_latents(const std::filesystem::path& path, const NoiseGenerator& network, const Tensor& styles,
                   const std::vector<std::pair<std::string, Tensor>>& planes) {
  StateDict file;
  file.set(network.info().style > 0 ? "w" : "latent", styles.detach().to(torch::kCPU).contiguous());
  for (const auto& [key, plane] : planes) file.set("noise." + key, plane.detach().to(torch::kCPU).contiguous());
  write_safetensors(path, file, {{"ganvas.architecture", network.architecture()}});
}

}  // namespace ganvas
