#include "ganvas/nn/torchscript_network.hpp"

#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/noise_picture.hpp"
#include "ganvas/nn/padding.hpp"

namespace ganvas {

namespace {

namespace jit = torch::jit;
using torch::Tensor;

/// LibTorch's reports of a failed program are many lines; the last one says what failed.
std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of("\n ");
  if (end == text.npos) return text;
  const auto begin = text.rfind('\n', end);
  return text.substr(begin == text.npos ? 0 : begin + 1, end - (begin == text.npos ? 0 : begin + 1) + 1);
}

class TorchscriptNetwork final : public Generator {
 public:
  TorchscriptNetwork(jit::Module module, GeneratorInfo info) : module_(std::move(module)), info_(info) {
    module_.eval();
    // Under names without dots, which LibTorch's modules reserve: for counting, moving to devices and tracing.
    std::size_t count = 0;
    for (const auto& parameter : module_.parameters()) {
      parameter.set_requires_grad(false);
      register_parameter(fmt::format("weight{}", count++), parameter, /*requires_grad=*/false);
    }
    for (const auto& buffer : module_.buffers()) register_buffer(fmt::format("buffer{}", count++), buffer);
  }

  Tensor forward(const Tensor& input) override {
    const Tensor output = run(pad_to_multiple(input, info_.multiple));
    if (info_.multiple == 1) return output;
    return output.slice(2, 0, input.size(2) * info_.scale).slice(3, 0, input.size(3) * info_.scale);
  }
  /// Without padding. Throws Error(model).
  Tensor run(const Tensor& input) {
    try {
      return module_.forward({input}).toTensor();
    } catch (const std::exception& error) {
      if (std::string(error.what()).find("alloc") != std::string::npos) throw;
      fail(ErrorKind::model, "the TorchScript program fails on {}x{} pixels: {}", input.size(3), input.size(2),
           last_line(first_part(error)));
    }
  }

  GeneratorInfo info() const override { return info_; }
  void set_info(const GeneratorInfo& info) { info_ = info; }
  std::string architecture() const override { return "torchscript"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }
  GeneratorPtr duplicate() const override { return std::make_shared<TorchscriptNetwork>(module_.deepcopy(), info_); }

 private:
  static std::string first_part(const std::exception& error) {
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    return torch_error ? torch_error->what_without_backtrace() : error.what();
  }

  jit::Module module_;
  GeneratorInfo info_;
};

/// What would run while LibTorch loads the archive.
void refuse_code_at_load(const std::filesystem::path& path) {
  const std::string sources = torchscript_sources(path);
  for (const char* word : {"__setstate__", "torch.classes"})
    if (sources.find(word) != sources.npos)
      fail(ErrorKind::model, "{}: refused: its program has '{}', which would run code while it is loaded",
           path.string(), word);
}

void check_operators(const jit::Block& block, const std::string& name) {
  static const std::set<std::string> outside{"aten::save", "aten::from_file"};
  for (const jit::Node* node : block.nodes()) {
    const std::string kind = node->kind().toQualString();
    const bool known = kind.starts_with("aten::") || kind.starts_with("prim::");
    if (!known || outside.contains(kind) || kind.find("rpc") != kind.npos)
      fail(ErrorKind::model, "{}: refused: its program uses '{}'", name, kind);
    for (const jit::Block* inner : node->blocks()) check_operators(*inner, name);
  }
}

std::shared_ptr<jit::Graph> inlined(const jit::Module& module) {
  auto graph = module.get_method("forward").graph()->copy();
  jit::Inline(*graph);
  return graph;
}

Tensor noise(std::int64_t channels, std::int64_t side) { return noise_picture(channels, side, side); }

/// What the program makes of side x side pixels; nothing where it refuses them.
Tensor attempt(TorchscriptNetwork& network, int channels, std::int64_t side) {
  try {
    const Tensor output = network.run(noise(channels, side));
    return output.dim() == 4 && output.size(0) == 1 && output.is_floating_point() ? output : Tensor();
  } catch (const Error&) {
    return {};
  }
}

/// How far from a changed pixel the result changes, in input pixels; `side` where it changes everywhere.
int seen_distance(TorchscriptNetwork& network, const GeneratorInfo& info, std::int64_t side) {
  const Tensor picture = noise(info.in_channels, side);
  const std::int64_t middle = side / 2;
  Tensor changed = picture.clone();
  changed.slice(2, middle, middle + 1).slice(3, middle, middle + 1) =
      1 - picture.slice(2, middle, middle + 1).slice(3, middle, middle + 1);
  const Tensor places = (network.run(picture) != network.run(changed)).any(1)[0].nonzero();
  if (places.numel() == 0) return 0;
  const auto first = places.amin(0).div(info.scale, "floor"), last = places.amax(0).div(info.scale, "floor");
  const auto distance =
      std::max((middle - first).max().item<std::int64_t>(), (last - middle).max().item<std::int64_t>());
  return static_cast<int>(distance);
}

/// Tries the program out.
GeneratorInfo explored(TorchscriptNetwork& network, const std::string& name) {
  GeneratorInfo info;
  info.fp32_only = true;
  // Whatever multiple up to 256 it needs.
  constexpr std::int64_t sides[] = {64, 256};
  Tensor output;
  std::int64_t side = 0;
  for (const std::int64_t candidate : sides)
    for (const int channels : {3, 1, 4}) {
      if (output.defined()) continue;
      output = attempt(network, channels, candidate);
      info.in_channels = channels;
      side = candidate;
    }
  if (!output.defined()) {
    network.run(noise(3, 256));  // its own words
    fail(ErrorKind::model, "{}: the TorchScript program gives no picture of 1 x C x H x W", name);
  }
  info.out_channels = static_cast<int>(output.size(1));
  info.scale = static_cast<int>(output.size(2) / side);
  if (info.scale < 1 || output.size(2) != info.scale * side || output.size(3) != info.scale * side)
    fail(ErrorKind::model, "{}: the TorchScript program makes {}x{} of {}x{} pixels, which is no whole scale", name,
         output.size(3), output.size(2), side, side);
  const auto fits = [&](int multiple) {
    const std::int64_t odd = side + multiple;
    const Tensor tried = attempt(network, info.in_channels, odd);
    return tried.defined() && tried.size(2) == odd * info.scale && tried.size(3) == odd * info.scale;
  };
  while (!fits(info.multiple)) {
    info.multiple *= 2;
    if (info.multiple > 256)
      fail(ErrorKind::model, "{}: the TorchScript program takes pictures of {}x{} pixels only", name, side, side);
  }
  const int distance = seen_distance(network, info, side);
  info.halo = distance;
  // Reaching both borders, it may as well see the whole picture.
  info.global = distance >= side / 2 - 1;
  return info;
}

/// What our own exports say of themselves; the metadata go to `metadata`.
void apply_description(const std::string& text, GeneratorInfo& info, std::map<std::string, std::string>& metadata) {
  const auto described = nlohmann::json::parse(text, nullptr, false);
  if (!described.is_object()) return;
  for (const auto& [key, value] : described.items())
    if (value.is_string()) metadata[key] = value.get<std::string>();
  const auto number = [&](const char* key) -> std::optional<double> {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return std::nullopt;
    char* end = nullptr;
    const double value = std::strtod(found->second.c_str(), &end);
    return end != found->second.c_str() && std::isfinite(value) ? std::optional(value) : std::nullopt;
  };
  if (const auto low = number("ganvas.value_low")) info.value_low = *low;
  if (const auto high = number("ganvas.value_range"); high && *high > info.value_low) info.value_range = *high;
  // Padded out here, tiny pictures fit too.
  if (const auto multiple = number("ganvas.multiple"))
    info.multiple = static_cast<int>(std::clamp(*multiple, 1.0, 4096.0));
  if (const auto halo = number("ganvas.halo")) {
    info.global = *halo < 0;
    info.halo = static_cast<int>(std::clamp(*halo, 0.0, 1e6));
  }
}

}  // namespace

LoadedGenerator load_torchscript(const std::filesystem::path& path) {
  const std::string name = path.string();
  refuse_code_at_load(path);
  const torch::NoGradGuard no_grad;
  LoadedGenerator loaded;
  jit::ExtraFilesMap extra{{"ganvas.json", ""}};
  std::optional<jit::Module> module;
  try {
    // Compiling anew for each size of tile takes longer than it saves.
    jit::setGraphExecutorOptimize(false);
    module = jit::load(name, torch::kCPU, extra);
    if (!module->find_method("forward")) fail(ErrorKind::model, "{}: the TorchScript program has no forward()", name);
  } catch (const c10::Error& error) {
    fail(ErrorKind::model, "{}: LibTorch can't load this TorchScript program: {}", name,
         last_line(error.what_without_backtrace()));
  }
  const auto graph = inlined(*module);
  check_operators(*graph->block(), name);

  auto network = std::make_shared<TorchscriptNetwork>(*module, GeneratorInfo{});
  GeneratorInfo info = explored(*network, name);
  if (graph->outputs()[0]->node()->kind() == c10::aten::tanh) info.value_low = -1;
  apply_description(extra["ganvas.json"], info, loaded.file.metadata);
  network->set_info(info);
  loaded.network = network;
  loaded.layout = "torchscript";
  loaded.file.container = "torchscript";
  return loaded;
}

}  // namespace ganvas
