// From LibTorch's tracer to our graph. Only networks whose operators are all known are taken; everything else runs in
// LibTorch.
#include "engine/graph/trace.hpp"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/torch.h>

#include <map>

#include "engine/graph/call.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/nn/generator.hpp"

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

/// Operators of LibTorch that do nothing to a picture.
void pass_on(Call& call) { call.pass_on(0); }

void pass_on_unless_training(Call& call) {
  if (call.truth(2)) call.refuse("is in training mode");
  call.pass_on(0);
}

/// Between pictures and tokens.
void permute(Call& call) {
  const std::vector<int> order = call.numbers(1);
  if (call.form() == Form::picture && order == std::vector<int>{0, 2, 3, 1}) return call.pass_on(0, Form::tokens);
  if (call.form() == Form::tokens && order == std::vector<int>{0, 3, 1, 2}) return call.pass_on(0, Form::picture);
  call.refuse("gives neither a picture nor its tokens");
}

using Translations = std::map<std::string, void (*)(Call&)>;

Translations all_translations() {
  Translations all{{"aten::to", pass_on},     {"aten::type_as", pass_on}, {"aten::contiguous", pass_on},
                   {"aten::detach", pass_on}, {"aten::permute", permute}, {"aten::dropout", pass_on_unless_training}};
  for (const Traced& traced : all_traced()) all[traced.name] = traced.translate;
  return all;
}

/// A node that only hands on, since the graph's last node is its result.
Node same_as(NodeId id, int channels) {
  Affine same;
  same.scale = torch::ones({1});
  same.shift = torch::zeros({1});
  return {same, {id}, channels};
}

Graph translated(const jit::Graph& source, int channels) {
  static const Translations translations = all_translations();
  Graph graph;
  TracedValues values;
  values[source.inputs()[0]] = {graph.add({Input(), {}, channels}), Form::picture};
  for (const jit::Node* node : source.nodes()) {
    const auto kind = node->kind();
    if (kind == c10::prim::Constant || kind == c10::prim::ListConstruct || kind == c10::prim::ListUnpack) continue;
    Call call(*node, graph, values);
    const auto found = translations.find(call.name());
    if (found == translations.end()) call.refuse("is not known to the engine");
    found->second(call);
  }
  const auto output = values.find(source.outputs()[0]);
  if (output == values.end()) fail(ErrorKind::model, "the network's result isn't made of the picture");
  if (output->second.form != Form::picture) fail(ErrorKind::model, "the network's result is no picture");
  const NodeId last = output->second.node;
  if (last != graph.output()) graph.add(same_as(last, graph[last].channels));
  return graph;
}

}  // namespace

Graph trace(Generator& network) {
  // Any size will do, since operators are kept with their factors; a multiple of what the network works on, so that it
  // doesn't pad, and large enough for reflections.
  const std::int64_t multiple = network.info().multiple;
  const std::int64_t side = (std::max<std::int64_t>(16, multiple) + multiple - 1) / multiple * multiple;
  return translated(*traced(network, side), network.info().in_channels);
}

}  // namespace ganvas::engine
