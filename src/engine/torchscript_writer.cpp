// From our graph to TorchScript: the source of forward(), which LibTorch compiles and stores together with the weights.
#include <fmt/format.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/export_metadata.hpp"
#include "engine/graph.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/engine/exporter.hpp"

namespace ganvas {

namespace {

using engine::Activation;
using engine::Border;
using engine::Node;
using engine::Op;
using torch::Tensor;

class ScriptWriter {
 public:
  ScriptWriter(const engine::Graph& graph, const GeneratorInfo& info) : graph_(graph), info_(info) {}

  torch::jit::Module write() {
    line("def forward(self, input):");
    line("    x0 = input");
    if (info_.multiple > 1) pad();
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i) {
      place_ = i;
      line("    x{} = {}", i, translated(graph_.nodes[i]));
    }
    if (info_.multiple > 1)
      line("    return x{0}[:, :, :input.size(2) * {1}, :input.size(3) * {1}]", graph_.output(), info_.scale);
    else line("    return x{}", graph_.output());
    module_.define(source_);
    module_.eval();
    return module_;
  }

 private:
  template <typename... Parts>
  void line(fmt::format_string<Parts...> format, Parts&&... parts) {
    source_ += fmt::format(format, std::forward<Parts>(parts)...) + "\n";
  }

  void pad() {
    // Place i of a longer side shows last - |last - i|, and what would lie before the first place, the first.
    for (const int axis : {2, 3}) {
      line("    last = input.size({}) - 1", axis);
      line("    places = torch.arange((last // {0} + 1) * {0}, device=input.device)", info_.multiple);
      line("    x0 = torch.index_select(x0, {}, torch.clamp(last - torch.abs(last - places), min=0))", axis);
    }
  }

  /// Keeps a tensor of the node at hand under a name of its own; its expression.
  std::string kept(const char* what, const Tensor& tensor) {
    if (!tensor.defined()) return "None";
    const std::string name = fmt::format("{}{}", what, place_);
    module_.register_parameter(name, tensor.to(torch::kFloat).contiguous(), /*is_buffer=*/false);
    return "self." + name;
  }
  std::string kept_per_channel(const char* what, const Tensor& tensor) { return kept(what, tensor.view({-1, 1, 1})); }

  static std::string input(const Node& node, std::size_t which = 0) { return fmt::format("x{}", node.inputs[which]); }
  static std::string scaled(const std::string& x, double factor) {
    return factor == 1 ? x : fmt::format("{} * {:.17g}", x, factor);
  }

  std::string translated(const Node& node) {
    switch (node.op) {
      case Op::input:
        break;
      case Op::convolution:
      case Op::transposed_convolution:
        return convolution(node);
      case Op::activation:
        return activated(input(node), node);
      case Op::add:
        return scaled(input(node), node.alpha) + " + " + scaled(input(node, 1), node.beta);
      case Op::multiply:
        return input(node) + " * " + input(node, 1);
      case Op::affine:
        return fmt::format("{} * {} + {}", input(node), kept_per_channel("scale", node.scale),
                           kept_per_channel("shift", node.shift));
      case Op::concat: {
        std::string parts;
        for (std::size_t i = 0; i < node.inputs.size(); ++i) parts += (i ? ", " : "") + input(node, i);
        return fmt::format("torch.cat([{}], 1)", parts);
      }
      case Op::pixel_shuffle:
        return shuffled(node);
      case Op::pixel_unshuffle:
        return fmt::format("torch.pixel_unshuffle({}, {})", input(node), node.factor);
      case Op::nearest:
        return enlarged(input(node), node.factor);
      case Op::bilinear:
        return fmt::format("torch.upsample_bilinear2d({0}, [{0}.size(2) * {1}, {0}.size(3) * {2}], {3})", input(node),
                           static_cast<int>(node.factor_down), static_cast<int>(node.factor_across),
                           node.align_corners ? "True" : "False");
      case Op::pad:
        return bordered(node);
      case Op::instance_norm:
        return fmt::format("torch.instance_norm({}, {}, {}, None, None, True, 0.0, {:.17g}, False)", input(node),
                           kept("scale", node.scale), kept("shift", node.shift), node.eps);
      case Op::mean:
        return fmt::format("torch.mean({}, [2, 3], True)", input(node));
    }
    return input(node);
  }

  std::string convolution(const Node& node) {
    const auto pair = [](const std::array<int, 2>& values) { return fmt::format("[{}, {}]", values[0], values[1]); };
    const std::string weight = kept("weight", node.weight), bias = kept("bias", node.bias);
    std::string result = node.op == Op::convolution
                             ? fmt::format("torch.conv2d({}, {}, {}, {}, {}, {}, {})", input(node), weight, bias,
                                           pair(node.stride), pair(node.padding), pair(node.dilation), node.groups)
                             : fmt::format("torch.conv_transpose2d({}, {}, {}, {}, {}, {}, {}, {})", input(node),
                                           weight, bias, pair(node.stride), pair(node.padding),
                                           pair(node.output_padding), node.groups, pair(node.dilation));
    if (node.inputs.size() > 1) result = "(" + result + " + " + scaled(input(node, 1), node.beta) + ")";
    return activated(result, node);
  }

  std::string activated(const std::string& x, const Node& node) {
    switch (node.activation) {
      case Activation::none:
        return x;
      case Activation::relu:
        return fmt::format("torch.relu({})", x);
      case Activation::leaky_relu:
        return fmt::format("torch.leaky_relu({}, {:.17g})", x, node.slope);
      case Activation::prelu:
        return fmt::format("torch.prelu({}, {})", x, kept("slopes", node.slopes));
      case Activation::silu:
        return fmt::format("torch.silu({})", x);
      case Activation::sigmoid:
        return fmt::format("torch.sigmoid({})", x);
      case Activation::tanh:
        return fmt::format("torch.tanh({})", x);
    }
    return x;
  }

  static std::string enlarged(const std::string& x, int factor) {
    return fmt::format("torch.upsample_nearest2d({0}, [{0}.size(2) * {1}, {0}.size(3) * {1}])", x, factor);
  }

  std::string shuffled(const Node& node) {
    std::string result = fmt::format("torch.pixel_shuffle({}, {})", input(node), node.factor);
    if (node.inputs.size() > 1) result += " + " + enlarged(input(node, 1), node.factor);
    return result;
  }

  static std::string bordered(const Node& node) {
    const std::string sides = fmt::format("[{}]", fmt::join(node.border, ", "));
    switch (node.border_kind) {
      case Border::reflect:
        return fmt::format("torch.reflection_pad2d({}, {})", input(node), sides);
      case Border::replicate:
        return fmt::format("torch.replication_pad2d({}, {})", input(node), sides);
      case Border::zero:
        break;
    }
    return fmt::format("torch.constant_pad_nd({}, {}, 0.0)", input(node), sides);
  }

  const engine::Graph& graph_;
  GeneratorInfo info_;
  torch::jit::Module module_{"ganvas"};
  std::string source_;
  std::size_t place_ = 0;  ///< of the node at hand
};

}  // namespace

void export_torchscript(Generator& network, const std::filesystem::path& path,
                        const std::map<std::string, std::string>& metadata) {
  const torch::NoGradGuard no_grad;
  const engine::Graph graph = engine::fold(engine::trace(network), engine::ShuffleOrder::published);
  const torch::jit::Module module = ScriptWriter(graph, network.info()).write();
  const nlohmann::json described = engine::export_metadata(network, metadata);
  std::ostringstream archive;
  module.save(archive, {{"ganvas.json", described.dump()}});
  write_file_atomically(path, archive.str());
}

}  // namespace ganvas
