// From LibTorch's tracer to our graph. Only networks whose operators are all known are taken; everything else runs in
// LibTorch.
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/torch.h>

#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

#include "engine/graph.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::engine {

namespace {

namespace jit = torch::jit;
using torch::Tensor;

/// The tracer keeps no weights that want gradients.
class WithoutGradients {
 public:
  explicit WithoutGradients(const torch::nn::Module& network) : parameters_(network.parameters()) {
    for (auto& parameter : parameters_) {
      wanted_.push_back(parameter.requires_grad());
      parameter.set_requires_grad(false);
    }
  }
  ~WithoutGradients() {
    for (std::size_t i = 0; i < wanted_.size(); ++i) parameters_[i].set_requires_grad(wanted_[i]);
  }
  WithoutGradients(const WithoutGradients&) = delete;
  WithoutGradients& operator=(const WithoutGradients&) = delete;

 private:
  std::vector<Tensor> parameters_;
  std::vector<bool> wanted_;
};

std::shared_ptr<jit::Graph> traced(Generator& network, std::int64_t side) {
  const torch::NoGradGuard no_grad;
  const WithoutGradients frozen(network);
  const GeneratorInfo info = network.info();
  const Tensor picture = torch::zeros({1, info.in_channels, side, side});
  // The tracer warns of in-place operators on the logs of LibTorch; ours work on temporaries.
  jit::tracer::setWarn([](const std::string&) {});
  const auto result = jit::tracer::trace(
      {picture}, [&](jit::Stack inputs) { return jit::Stack{network.forward(inputs[0].toTensor())}; },
      [](const torch::autograd::Variable&) { return std::string(); }, /*strict=*/true, /*force_outplace=*/true);
  auto graph = result.first->graph;
  jit::ConstantPropagation(graph);
  jit::EliminateDeadCode(graph);
  return graph;
}

std::vector<std::int64_t> sizes_of(const jit::Value* value) {
  const auto type = value->type()->cast<c10::TensorType>();
  const auto sizes = type ? type->sizes().concrete_sizes() : c10::nullopt;
  if (!sizes) fail(ErrorKind::model, "a traced value has no known shape");
  return *sizes;
}

/// One traced operator while it is translated.
class Call {
 public:
  explicit Call(const jit::Node& node) : node_(node), name_(node.kind().toQualString()) {}

  const std::string& name() const { return name_; }
  const jit::Value* value(std::size_t i) const { return node_.input(i); }
  const jit::Value* result() const { return node_.output(); }
  std::size_t count() const { return node_.inputs().size(); }

  /// The constant at place `i`, lists included; nothing for a value that depends on the picture.
  std::optional<c10::IValue> constant(std::size_t i) const {
    if (auto value = jit::toIValue(node_.input(i))) return *value;
    const jit::Node* maker = node_.input(i)->node();
    if (maker->kind() != c10::prim::ListConstruct) return std::nullopt;
    c10::List<double> numbers;
    for (const jit::Value* item : maker->inputs()) {
      const auto number = jit::toIValue(item);
      if (!number || !number->isScalar()) return std::nullopt;
      numbers.push_back(number->toScalar().toDouble());
    }
    return c10::IValue(numbers);
  }
  double number(std::size_t i) const {
    const auto value = constant(i);
    if (!value || !value->isScalar()) refuse("an argument is no constant number");
    return value->toScalar().toDouble();
  }
  bool truth(std::size_t i) const { return number(i) != 0; }
  std::vector<int> numbers(std::size_t i) const {
    const auto value = constant(i);
    if (!value) refuse("an argument is no constant list");
    std::vector<int> result;
    if (value->isDoubleList())
      for (const double x : value->toDoubleVector()) result.push_back(static_cast<int>(x));
    else if (value->isIntList())
      for (const std::int64_t x : value->toIntVector()) result.push_back(static_cast<int>(x));
    else refuse("an argument is no list of numbers");
    return result;
  }
  /// A constant tensor in fp32; undefined for None.
  Tensor tensor(std::size_t i) const {
    const auto value = constant(i);
    if (!value) refuse("an argument depends on the picture");
    if (value->isNone()) return {};
    if (value->isScalar()) return torch::tensor({value->toScalar().toDouble()}).to(torch::kFloat);
    if (!value->isTensor()) refuse("an argument is no tensor");
    return value->toTensor().detach().to(torch::kFloat).contiguous();
  }
  [[noreturn]] void refuse(const std::string& why) const { fail(ErrorKind::model, "{}: {}", name_, why); }

 private:
  const jit::Node& node_;
  std::string name_;
};

class Translator {
 public:
  Graph translate(const jit::Graph& source) {
    Node input;
    input.channels = static_cast<int>(sizes_of(source.inputs()[0])[1]);
    add(source.inputs()[0], input);
    for (const jit::Node* node : source.nodes()) {
      if (node->kind() == c10::prim::Constant || node->kind() == c10::prim::ListConstruct) continue;
      const Call call(*node);
      const auto found = operators().find(call.name());
      if (found == operators().end()) call.refuse("is not known to the engine");
      (this->*found->second)(call);
    }
    const int output = index_of(source.outputs()[0]);
    if (output != graph_.output()) {
      // The graph's last node is its result by definition.
      Node same;
      same.op = Op::affine;
      same.inputs = {output};
      same.channels = graph_.nodes[static_cast<std::size_t>(output)].channels;
      same.scale = torch::ones({1});
      same.shift = torch::zeros({1});
      graph_.nodes.push_back(same);
    }
    return std::move(graph_);
  }

 private:
  using Method = void (Translator::*)(const Call&);
  static const std::map<std::string, Method>& operators() {
    static const std::map<std::string, Method> known{{"aten::_convolution", &Translator::convolution},
                                                     {"aten::batch_norm", &Translator::batch_norm},
                                                     {"aten::instance_norm", &Translator::instance_norm},
                                                     {"aten::relu", &Translator::activation},
                                                     {"aten::relu_", &Translator::activation},
                                                     {"aten::leaky_relu", &Translator::activation},
                                                     {"aten::leaky_relu_", &Translator::activation},
                                                     {"aten::prelu", &Translator::activation},
                                                     {"aten::silu", &Translator::activation},
                                                     {"aten::sigmoid", &Translator::activation},
                                                     {"aten::tanh", &Translator::activation},
                                                     {"aten::add", &Translator::sum},
                                                     {"aten::add_", &Translator::sum},
                                                     {"aten::sub", &Translator::difference},
                                                     {"aten::mul", &Translator::product},
                                                     {"aten::mul_", &Translator::product},
                                                     {"aten::div", &Translator::quotient},
                                                     {"aten::cat", &Translator::concat},
                                                     {"aten::pixel_shuffle", &Translator::shuffle},
                                                     {"aten::pixel_unshuffle", &Translator::shuffle},
                                                     {"aten::upsample_nearest2d", &Translator::resize},
                                                     {"aten::upsample_bilinear2d", &Translator::resize},
                                                     {"aten::mean", &Translator::mean},
                                                     {"aten::adaptive_avg_pool2d", &Translator::mean},
                                                     {"aten::reflection_pad2d", &Translator::pad},
                                                     {"aten::replication_pad2d", &Translator::pad},
                                                     {"aten::constant_pad_nd", &Translator::pad},
                                                     {"aten::to", &Translator::same},
                                                     {"aten::contiguous", &Translator::same},
                                                     {"aten::detach", &Translator::same},
                                                     {"aten::dropout", &Translator::same},
                                                     {"aten::narrow", &Translator::crop},
                                                     {"aten::slice", &Translator::crop}};
    return known;
  }

  int index_of(const jit::Value* value) const {
    const auto found = index_.find(value);
    if (found == index_.end()) fail(ErrorKind::model, "a traced value is neither constant nor known");
    return found->second;
  }
  bool is_dynamic(const jit::Value* value) const { return index_.contains(value); }

  void add(const jit::Value* result, Node node) {
    graph_.nodes.push_back(std::move(node));
    index_[result] = graph_.output();
  }
  /// A node of one input, for the result of `call`.
  Node on(const Call& call, Op op, std::size_t input = 0) const {
    Node node;
    node.op = op;
    node.inputs = {index_of(call.value(input))};
    const auto sizes = sizes_of(call.result());
    if (sizes.size() != 4 || sizes[0] != 1) call.refuse("gives no picture");
    node.channels = static_cast<int>(sizes[1]);
    return node;
  }
  void affine(const Call& call, const Tensor& scale, const Tensor& shift, std::size_t input = 0) {
    Node node = on(call, Op::affine, input);
    for (const Tensor& values : {scale, shift}) {
      const bool per_channel =
          values.numel() == node.channels && (values.dim() == 1 || values.size(values.dim() - 3) == node.channels);
      if (values.numel() != 1 && !per_channel) call.refuse("a constant is neither one number nor one a channel");
    }
    node.scale = scale.flatten();
    node.shift = shift.flatten();
    add(call.result(), node);
  }

  void same(const Call& call) {
    if (is_dynamic(call.value(0))) index_[call.result()] = index_of(call.value(0));
    if (call.name() == "aten::dropout" && call.truth(2)) call.refuse("is in training mode");
  }

  /// Networks cut off what they padded, which in the trace is nothing.
  void crop(const Call& call) {
    if (sizes_of(call.value(0)) != sizes_of(call.result())) call.refuse("cuts");
    same(call);
  }

  void convolution(const Call& call) {
    Node node = on(call, call.truth(6) ? Op::transposed_convolution : Op::convolution);
    node.weight = call.tensor(1);
    node.bias = call.tensor(2);
    const auto pair = [&](std::size_t i) {
      const std::vector<int> values = call.numbers(i);
      return std::array<int, 2>{values.at(0), values.at(values.size() - 1)};
    };
    if (node.weight.dim() != 4) call.refuse("is not two-dimensional");
    node.stride = pair(3);
    node.padding = pair(4);
    node.dilation = pair(5);
    node.output_padding = pair(7);
    node.groups = static_cast<int>(call.number(8));
    add(call.result(), node);
  }

  void batch_norm(const Call& call) {
    if (call.truth(5)) call.refuse("is in training mode");
    const Tensor mean = call.tensor(3), variance = call.tensor(4);
    Tensor scale = torch::rsqrt(variance + call.number(7));
    if (const Tensor weight = call.tensor(1); weight.defined()) scale = scale * weight;
    Tensor shift = -mean * scale;
    if (const Tensor bias = call.tensor(2); bias.defined()) shift = shift + bias;
    affine(call, scale, shift);
  }

  void instance_norm(const Call& call) {
    if (!call.truth(5)) call.refuse("has statistics of its own");
    Node node = on(call, Op::instance_norm);
    node.eps = call.number(7);
    node.scale = call.tensor(1);
    node.shift = call.tensor(2);
    add(call.result(), node);
  }

  void activation(const Call& call) {
    Node node = on(call, Op::activation);
    const std::string& name = call.name();
    if (name.starts_with("aten::relu")) node.activation = Activation::relu;
    if (name == "aten::silu") node.activation = Activation::silu;
    if (name == "aten::sigmoid") node.activation = Activation::sigmoid;
    if (name == "aten::tanh") node.activation = Activation::tanh;
    if (name.starts_with("aten::leaky_relu")) {
      node.activation = Activation::leaky_relu;
      node.slope = call.number(1);
    }
    if (name == "aten::prelu") {
      node.activation = Activation::prelu;
      node.slopes = call.tensor(1).expand({node.channels}).contiguous();
    }
    add(call.result(), node);
  }

  void sum(const Call& call) { add_scaled(call, call.count() > 2 ? call.number(2) : 1.0); }
  void difference(const Call& call) { add_scaled(call, -(call.count() > 2 ? call.number(2) : 1.0)); }
  void add_scaled(const Call& call, double factor) {
    const bool first = is_dynamic(call.value(0)), second = is_dynamic(call.value(1));
    if (first && second) {
      Node node = on(call, Op::add);
      node.inputs.push_back(index_of(call.value(1)));
      if (sizes_of(call.value(0)) != sizes_of(call.value(1))) call.refuse("adds different shapes");
      node.beta = factor;
      add(call.result(), node);
    } else if (first) {
      affine(call, torch::ones({1}), call.tensor(1) * factor);
    } else {
      affine(call, torch::full({1}, factor), call.tensor(0), 1);
    }
  }

  void product(const Call& call) {
    const bool first = is_dynamic(call.value(0)), second = is_dynamic(call.value(1));
    if (!first || !second) return affine(call, call.tensor(first ? 1 : 0), torch::zeros({1}), first ? 0 : 1);
    const auto a = sizes_of(call.value(0)), b = sizes_of(call.value(1));
    if (a[1] != b[1] || (a != b && (b[2] != 1 || b[3] != 1))) call.refuse("multiplies different shapes");
    Node node = on(call, Op::multiply);
    node.inputs.push_back(index_of(call.value(1)));
    add(call.result(), node);
  }

  void quotient(const Call& call) { affine(call, 1 / call.tensor(1), torch::zeros({1})); }

  void concat(const Call& call) {
    if (call.number(1) != 1) call.refuse("is not along the channels");
    Node node;
    node.op = Op::concat;
    node.channels = static_cast<int>(sizes_of(call.result())[1]);
    for (const jit::Value* part : call.value(0)->node()->inputs()) node.inputs.push_back(index_of(part));
    add(call.result(), node);
  }

  void shuffle(const Call& call) {
    Node node = on(call, call.name() == "aten::pixel_shuffle" ? Op::pixel_shuffle : Op::pixel_unshuffle);
    node.factor = static_cast<int>(call.number(1));
    add(call.result(), node);
  }

  void resize(const Call& call) {
    const auto from = sizes_of(call.value(0)), to = sizes_of(call.result());
    const bool nearest = call.name() == "aten::upsample_nearest2d";
    Node node = on(call, nearest ? Op::nearest : Op::bilinear);
    node.factor_down = static_cast<double>(to[2]) / static_cast<double>(from[2]);
    node.factor_across = static_cast<double>(to[3]) / static_cast<double>(from[3]);
    node.factor = static_cast<int>(node.factor_down);
    if (node.factor_down != node.factor || node.factor_across != node.factor) call.refuse("its factor is no integer");
    if (!nearest) node.align_corners = call.truth(2);
    add(call.result(), node);
  }

  void mean(const Call& call) {
    const bool pool = call.name() == "aten::adaptive_avg_pool2d";
    const std::vector<int> expected = pool ? std::vector<int>{1, 1} : std::vector<int>{2, 3};
    if (call.numbers(1) != expected || (!pool && !call.truth(2))) call.refuse("is not over all pixels");
    add(call.result(), on(call, Op::mean));
  }

  void pad(const Call& call) {
    Node node = on(call, Op::pad);
    const std::vector<int> sides = call.numbers(1);
    if (sides.size() != 4) call.refuse("is not two-dimensional");
    std::copy(sides.begin(), sides.end(), node.border.begin());
    if (call.name() == "aten::reflection_pad2d") node.border_kind = Border::reflect;
    if (call.name() == "aten::replication_pad2d") node.border_kind = Border::replicate;
    if (call.name() == "aten::constant_pad_nd" && call.number(2) != 0) call.refuse("fills with another value than 0");
    for (const int side : sides)
      if (side < 0) call.refuse("crops");
    add(call.result(), node);
  }

  Graph graph_;
  std::unordered_map<const jit::Value*, int> index_;
};

}  // namespace

Graph trace(Generator& network) {
  // Any size will do, since operators are kept with their factors; a multiple of what the network works on, so that it
  // doesn't pad, and large enough for reflections.
  const std::int64_t multiple = network.info().multiple;
  const std::int64_t side = (std::max<std::int64_t>(16, multiple) + multiple - 1) / multiple * multiple;
  return Translator().translate(*traced(network, side));
}

std::vector<int> use_counts(const Graph& graph) {
  std::vector<int> uses(graph.nodes.size(), 0);
  for (const auto& node : graph.nodes)
    for (const int input : node.inputs) ++uses[static_cast<std::size_t>(input)];
  ++uses.back();
  return uses;
}

}  // namespace ganvas::engine
