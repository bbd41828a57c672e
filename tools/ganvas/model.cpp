#include <torch/torch.h>

#include <cmath>
#include <cstdio>

#include "commands.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas::cli {

namespace {

struct Options {
  std::string first, second, out;
  double weight = 0.5, tolerance = 1e-4;
  bool json = false, half = false;
};

std::int64_t parameter_count(const torch::nn::Module& network) {
  std::int64_t count = 0;
  for (const auto& parameter : network.parameters()) count += parameter.numel();
  return count;
}

nlohmann::ordered_json describe(const std::string& name, const LoadedGenerator& model) {
  const GeneratorInfo info = model.network->info();
  nlohmann::ordered_json text{
      {"file", name},
      {"container", model.file.container},
      {"architecture", model.network->architecture()},
      {"layout", model.layout},
      {"config", model.network->config()},
      {"parameters", parameter_count(*model.network)},
      {"scale", info.scale},
      {"in_channels", info.in_channels},
      {"out_channels", info.out_channels},
      {"receptive_field", info.global ? nlohmann::ordered_json("global") : nlohmann::ordered_json(2 * info.halo + 1)},
      {"value_range", {0, info.value_range}}};
  if (!model.file.wrapper.empty()) text["wrapper"] = model.file.wrapper;
  if (!model.file.metadata.empty()) text["metadata"] = model.file.metadata;
  return text;
}

/// Whether a file says or shows that it holds a network for perceptual losses rather than a generator.
bool holds_features(const ModelFile& file) {
  const auto says = file.metadata.find("ganvas.architecture");
  for (const auto& plugin : feature_plugins()) {
    if (says != file.metadata.end()) {
      if (says->second == plugin.name) return true;
      continue;
    }
    try {
      if (plugin.detect(file.weights)) return true;
    } catch (const Error&) {
      return true;  // damaged: loading it will say how
    }
  }
  return false;
}

nlohmann::ordered_json describe_features(const std::string& name, const ModelFile& file) {
  const FeatureNetworkPtr network = feature_network_from(file, name);
  nlohmann::ordered_json text{{"file", name},
                              {"container", file.container},
                              {"architecture", network->architecture()},
                              {"config", network->config()},
                              {"parameters", parameter_count(*network)},
                              {"layers", network->layer_names()},
                              {"lpips_heads", network->heads().size()}};
  if (!file.metadata.empty()) text["metadata"] = file.metadata;
  return text;
}

nlohmann::ordered_json describe(const std::string& name, ModelFile file) {
  if (holds_features(file)) return describe_features(name, file);
  return describe(name, generator_from(std::move(file), name));
}

int run_info(const Options& options) {
  const std::filesystem::path path = find_model(options.first);
  const auto text = describe(path.string(), read_model_file(path));
  if (options.json) {
    fmt::print("{}\n", text.dump());
    return 0;
  }
  for (const auto& [key, value] : text.items()) {
    if (key == "metadata") {
      for (const auto& [name, entry] : value.items()) {
        std::string shown = entry.get<std::string>();
        for (std::size_t at = 0; (at = shown.find('\n', at)) != std::string::npos; at += 3)
          shown.replace(at, 1, "\n  ");
        fmt::print("{:<16} {}{}\n", name, shown.find('\n') == std::string::npos ? "" : "\n  ", shown);
      }
    } else {
      fmt::print("{:<16} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return 0;
}

int run_list(const Options& options) {
  for (const auto& name : shipped_models()) {
    const auto text = describe(name, read_model_file(find_model(name)));
    if (options.json) {
      fmt::print("{}\n", text.dump());
    } else {
      const std::string scale = text.contains("scale") ? fmt::format("x{}", text["scale"].get<int>()) : "";
      fmt::print("{:<20} {:<3} {:<14} {:>10} parameters\n", name, scale, text["architecture"].get<std::string>(),
                 text["parameters"].get<std::int64_t>());
    }
  }
  if (options.json) return 0;
  fmt::print("\nArchitectures that a model file may hold:\n");
  for (const auto& plugin : generator_plugins()) fmt::print("{:<20} {}\n", plugin.name, plugin.summary);
  fmt::print("\nNetworks for perceptual losses and LPIPS:\n");
  for (const auto& plugin : feature_plugins()) fmt::print("{:<20} {}\n", plugin.name, plugin.summary);
  return 0;
}

int run_convert(const Options& options) {
  ModelFile file = read_model_file(find_model(options.first));
  if (options.half) {
    StateDict half;
    for (const auto& [key, tensor] : file.weights) {
      const torch::Tensor small = tensor.is_floating_point() ? tensor.to(torch::kHalf) : tensor;
      if (tensor.is_floating_point() && !small.isinf().equal(tensor.isinf()))
        fail(ErrorKind::model, "{}: '{}' has weights beyond the range of fp16 (65504)", options.first, key);
      half.set(key, small);
    }
    file.weights = half;
  }
  write_model_file(options.second, file);
  fmt::print("{}\n", options.second);
  return 0;
}

/// (1 - weight) * a + weight * b, tensor by tensor (network interpolation, Wang et al. 2018, eq. 5).
StateDict blend(const StateDict& a, const StateDict& b, double weight, const Options& names) {
  StateDict result;
  for (const auto& [key, tensor] : a) {
    const torch::Tensor* other = b.find(key);
    if (!other || other->sizes() != tensor.sizes())
      fail(ErrorKind::model, "{} and {} can't be blended: '{}' is {} in the second", names.first, names.second, key,
           other ? "of another shape" : "missing");
    if (!tensor.is_floating_point()) {
      result.set(key, tensor);
      continue;
    }
    const torch::Tensor mixed = tensor.to(torch::kDouble) * (1 - weight) + other->to(torch::kDouble) * weight;
    result.set(key, mixed.to(tensor.scalar_type()));
  }
  if (b.size() != a.size())
    fail(ErrorKind::model, "{} and {} can't be blended: {} and {} tensors", names.first, names.second, a.size(),
         b.size());
  return result;
}

int run_blend(const Options& options) {
  if (!std::isfinite(options.weight)) fail(ErrorKind::usage, "--weight: not a number");
  ModelFile first = read_model_file(find_model(options.first));
  const ModelFile second = read_model_file(find_model(options.second));
  first.weights = blend(first.weights, second.weights, options.weight, options);
  // Figures were measured on the first model alone.
  std::erase_if(first.metadata, [](const auto& entry) {
    return entry.first.starts_with("ganvas.validation") || entry.first == "ganvas.recipe" ||
           entry.first == "ganvas.steps";
  });
  if (!first.metadata.empty())
    first.metadata["ganvas.blend"] =
        fmt::format("{} * {} + {} * {}", 1 - options.weight, options.first, options.weight, options.second);
  write_model_file(options.out, first);
  fmt::print("{}\n", options.out);
  return 0;
}

int run_check(const Options& options) {
  const LoadedGenerator model = load_generator(find_model(options.first));
  const Safetensors io = read_safetensors(options.second);
  const torch::Tensor input = io.tensors.at("input").to(torch::kFloat);
  const torch::Tensor expected = io.tensors.at("output").to(torch::kFloat);
  const GeneratorInfo info = model.network->info();
  if (input.dim() != 4 || input.size(1) != info.in_channels)
    fail(ErrorKind::data, "{}: 'input' must be N x {} x H x W", options.second, info.in_channels);
  const torch::InferenceMode inference;
  const torch::Tensor output = model.network->forward(input);
  if (output.sizes() != expected.sizes())
    fail(ErrorKind::data, "{}: the network gives another size than 'output' has (scale {})", options.second,
         info.scale);
  const double error = (output - expected).abs().max().item<double>();
  const double largest = expected.abs().max().item<double>();
  const double ratio = error / std::max(largest, 1e-30);
  const bool good = std::isfinite(ratio) && ratio <= options.tolerance;
  fmt::print("max_abs_error {:.3e}  ratio {:.3e}  {}\n", error, ratio, good ? "ok" : "over tolerance");
  return good ? 0 : 1;
}

}  // namespace

void add_model(CLI::App& app, Action& action) {
  CLI::App* model = app.add_subcommand("model", "Look into model files, convert, blend and check them");
  model->require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto command = [&](const char* name, const char* text, int (*run)(const Options&)) {
    CLI::App* sub = model->add_subcommand(name, text);
    sub->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
    return sub;
  };
  CLI::App* info = command("info", "Architecture, parameters, scale, receptive field, metadata", run_info);
  info->add_option("model", options->first, "File or shipped name")->required();
  info->add_flag("--json", options->json, "As one JSON line");
  CLI::App* list = command("list", "Shipped models, and the architectures that can be loaded", run_list);
  list->add_flag("--json", options->json, "One JSON line a model");
  CLI::App* convert = command("convert", "Between .safetensors and .pth, keys kept", run_convert);
  convert->add_option("in", options->first, "File or shipped name")->required();
  convert->add_option("out", options->second, "File; its extension chooses the container")->required();
  convert->add_flag("--half", options->half, "Store weights as fp16");
  CLI::App* blending = command("blend", "(1 - W) * A + W * B: network interpolation", run_blend);
  blending->add_option("a", options->first, "File or shipped name")->required();
  blending->add_option("b", options->second, "File or shipped name of the same architecture")->required();
  blending->add_option("--weight", options->weight, "Weight of B, 0..1")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  blending->add_option("-o,--output", options->out, "File; its extension chooses the container")->required();
  CLI::App* check = command("check", "Run tensor 'input' of a file and compare with its 'output'", run_check);
  check->add_option("model", options->first, "File or shipped name")->required();
  check->add_option("io", options->second, "safetensors file with 'input' and 'output'")->required();
  check->add_option("--tolerance", options->tolerance, "Largest error / largest output that passes")
      ->capture_default_str();
  add_model_fetch(*model, action);
}

}  // namespace ganvas::cli
