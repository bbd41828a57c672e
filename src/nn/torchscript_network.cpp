#include "ganvas/nn/torchscript_network.hpp"

#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdio>

#include "ganvas/core/bounded_json.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/padding.hpp"
#include "nn/explore.hpp"
#include "nn/memory_limit.hpp"
#include "nn/script/evaluator.hpp"

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

UntrustedProgram foreign_program(const script::Foreign& foreign) {
  constexpr std::size_t longest = 400;
  std::string what = foreign.what.substr(0, longest);
  // Names out of the archive.
  for (char& c : what)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return UntrustedProgram(fmt::format("the TorchScript program has {}, which ganvas doesn't run by itself", what));
}

/// What a network takes and gives, without its padding.
class ScriptRunner {
 public:
  virtual ~ScriptRunner() = default;
  virtual Tensor run(const Tensor& input) = 0;
  virtual std::vector<Tensor> tensors() const = 0;
  virtual std::shared_ptr<ScriptRunner> copy() const = 0;
  virtual bool ends_in_tanh() const = 0;
};

/// Our own evaluation of a program of known operators.
class OwnRunner final : public ScriptRunner {
 public:
  using Clock = script::Evaluator::Clock;

  /// Throws script::Foreign.
  explicit OwnRunner(const ScriptArchive& archive)
      : program_(std::make_shared<script::Program>(script::compile(archive.sources))),
        root_(script::instantiate(*program_, *archive.root)) {
    for (const ScriptValue& constant : archive.constants)
      constants_.push_back(script::instantiate(*program_, constant).data);
  }

  Tensor run(const Tensor& input) override {
    // More than networks take for their activations; a program that makes more out of a picture is a bomb.
    constexpr std::size_t base = std::size_t{1} << 30, a_pixel = std::size_t{32} << 10;
    constexpr double base_work = 1e11, work_a_pixel = 2e7;  // of one operator
    const std::int64_t pixels = input.size(2) * input.size(3);
    const TensorMemoryLimit limit(base + a_pixel * static_cast<std::size_t>(pixels));
    const double most_work = base_work + work_a_pixel * static_cast<double>(pixels);
    try {
      return script::Evaluator(*program_, constants_, deadline_, most_work).forward(root_, input);
    } catch (const c10::Error&) {
      if (limit.reached()) throw script::Foreign{"a hunger for more memory than pictures need"};
      throw;
    }
  }
  void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }

  std::vector<Tensor> tensors() const override {
    std::vector<Tensor> result = script::tensors_of(*root_);
    for (const c10::IValue& constant : constants_)
      if (constant.isTensor()) result.push_back(constant.toTensor());
    return result;
  }
  std::shared_ptr<ScriptRunner> copy() const override {
    auto result = std::make_shared<OwnRunner>(*this);
    result->root_ = script::deep_copy(*root_);
    for (c10::IValue& constant : result->constants_)
      if (constant.isTensor()) constant = constant.toTensor().clone();
    return result;
  }
  bool ends_in_tanh() const override { return script::ends_in(*root_, "torch.tanh"); }

 private:
  std::shared_ptr<const script::Program> program_;
  std::shared_ptr<script::Object> root_;
  std::vector<c10::IValue> constants_;
  Clock::time_point deadline_ = Clock::time_point::max();
};

/// LibTorch's interpreter, for files that the user trusts.
class TrustedRunner final : public ScriptRunner {
 public:
  explicit TrustedRunner(jit::Module module) : module_(std::move(module)) { module_.eval(); }
  Tensor run(const Tensor& input) override { return module_.forward({input}).toTensor(); }
  std::vector<Tensor> tensors() const override {
    std::vector<Tensor> result;
    for (const auto& parameter : module_.parameters()) result.push_back(parameter);
    for (const auto& buffer : module_.buffers()) result.push_back(buffer);
    return result;
  }
  std::shared_ptr<ScriptRunner> copy() const override { return std::make_shared<TrustedRunner>(module_.deepcopy()); }
  bool ends_in_tanh() const override {
    auto graph = module_.get_method("forward").graph()->copy();
    jit::Inline(*graph);
    return graph->outputs()[0]->node()->kind() == c10::aten::tanh;
  }

 private:
  jit::Module module_;
};

class TorchscriptNetwork final : public Generator {
 public:
  TorchscriptNetwork(std::shared_ptr<ScriptRunner> runner, GeneratorInfo info)
      : runner_(std::move(runner)), info_(info) {
    // Under names without dots, which LibTorch's modules reserve: for counting, moving to devices and tracing.
    std::size_t count = 0;
    for (Tensor& tensor : runner_->tensors()) {
      if (tensor.is_floating_point()) tensor.set_requires_grad(false);
      const std::string name = fmt::format("weight{}", count++);
      if (tensor.is_floating_point()) register_parameter(name, tensor, /*requires_grad=*/false);
      else register_buffer(name, tensor);
    }
  }

  Tensor forward(const Tensor& input) override {
    const Tensor output = run(pad_to_multiple(input, info_.multiple));
    if (info_.multiple == 1) return output;
    return output.slice(2, 0, input.size(2) * info_.scale).slice(3, 0, input.size(3) * info_.scale);
  }
  /// Without padding. Throws Error(model).
  Tensor run(const Tensor& input) {
    try {
      return runner_->run(input);
    } catch (const Error&) {
      throw;
    } catch (const script::Foreign& foreign) {
      throw foreign_program(foreign);
    } catch (const std::exception& error) {
      if (first_part(error).find("alloc") != std::string::npos) throw;
      fail(ErrorKind::model, "the TorchScript program fails on {}x{} pixels: {}", input.size(3), input.size(2),
           last_line(first_part(error)));
    }
  }

  GeneratorInfo info() const override { return info_; }
  void set_info(const GeneratorInfo& info) { info_ = info; }
  std::string architecture() const override { return "torchscript"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }
  GeneratorPtr duplicate() const override { return std::make_shared<TorchscriptNetwork>(runner_->copy(), info_); }

 private:
  static std::string first_part(const std::exception& error) {
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    return torch_error ? torch_error->what_without_backtrace() : error.what();
  }

  std::shared_ptr<ScriptRunner> runner_;
  GeneratorInfo info_;
};

/// Tries the program out.
GeneratorInfo tried_out(TorchscriptNetwork& network, const std::string& name) {
  const Explored found =
      explored({name, "the TorchScript program", [&](const Tensor& picture) { return network.run(picture); }});
  if (found.margin != 0 || found.cut != 0)
    fail(ErrorKind::model, "{}: the TorchScript program cuts off the picture's border, which is no whole scale", name);
  return found.info;
}

/// What our own exports say of themselves; the metadata go to `metadata`.
void apply_description(const std::string& text, GeneratorInfo& info, std::map<std::string, std::string>& metadata) {
  const auto described = bounded_json(text);
  if (!described || !described->is_object()) return;
  for (const auto& [key, value] : described->items())
    if (value.is_string()) metadata[key] = value.get<std::string>();
  apply_described(metadata, info);
}

}  // namespace

namespace {

/// The program under our own evaluation, tried out. Throws UntrustedProgram.
std::shared_ptr<TorchscriptNetwork> own_network(const ScriptArchive& archive, const std::string& name,
                                                GeneratorInfo& info) {
  try {
    if (!archive.foreign.empty()) throw script::Foreign{archive.foreign};
    const auto runner = std::make_shared<OwnRunner>(archive);
    auto network = std::make_shared<TorchscriptNetwork>(runner, GeneratorInfo{});
    constexpr std::chrono::minutes patience{1};
    runner->set_deadline(OwnRunner::Clock::now() + patience);
    info = tried_out(*network, name);
    runner->set_deadline(OwnRunner::Clock::time_point::max());
    if (runner->ends_in_tanh()) info.value_low = -1;
    return network;
  } catch (const script::Foreign& foreign) {
    throw UntrustedProgram(name + ": refused: " + foreign_program(foreign).what());
  } catch (const UntrustedProgram& error) {
    throw UntrustedProgram(name + ": refused: " + error.what());
  }
}

/// The program in LibTorch's hands, tried out.
std::shared_ptr<TorchscriptNetwork> trusted_network(const std::string& path, GeneratorInfo& info) {
  try {
    // Standard output is for results.
    jit::setPrintHandler([](const std::string& text) { std::fputs(text.c_str(), stderr); });
    // Compiling anew for each size of tile takes longer than it saves.
    jit::setGraphExecutorOptimize(false);
    jit::Module module = jit::load(path, torch::kCPU);
    if (!module.find_method("forward")) fail(ErrorKind::model, "{}: the TorchScript program has no forward()", path);
    const auto runner = std::make_shared<TrustedRunner>(std::move(module));
    auto network = std::make_shared<TorchscriptNetwork>(runner, GeneratorInfo{});
    info = tried_out(*network, path);
    if (runner->ends_in_tanh()) info.value_low = -1;
    return network;
  } catch (const c10::Error& error) {
    fail(ErrorKind::model, "{}: LibTorch can't load this TorchScript program: {}", path,
         last_line(error.what_without_backtrace()));
  }
}

}  // namespace

LoadedGenerator load_torchscript(const std::filesystem::path& path, const LoadOptions& options) {
  const torch::NoGradGuard no_grad;
  const ScriptArchive archive = read_torchscript(path);
  LoadedGenerator loaded;
  GeneratorInfo info;
  std::shared_ptr<TorchscriptNetwork> network;
  try {
    network = own_network(archive, path.string(), info);
  } catch (const UntrustedProgram&) {
    if (!options.trust) throw;
    network = trusted_network(path.string(), info);
  }
  apply_description(archive.description, info, loaded.file.metadata);
  network->set_info(info);
  loaded.network = network;
  loaded.layout = "torchscript";
  loaded.file.container = "torchscript";
  return loaded;
}

}  // namespace ganvas
