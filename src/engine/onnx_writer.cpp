// From our graph to ONNX (opset 17).
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <torch/torch.h>

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
using Names = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;

/// An attribute under its name.
struct Attribute {
  Attribute(const char* name, std::int64_t value) { of(name, onnx::AttributeProto::INT).set_i(value); }
  Attribute(const char* name, int value) : Attribute(name, std::int64_t{value}) {}
  Attribute(const char* name, double value) { of(name, onnx::AttributeProto::FLOAT).set_f(static_cast<float>(value)); }
  Attribute(const char* name, const char* value) { of(name, onnx::AttributeProto::STRING).set_s(value); }
  Attribute(const char* name, const Integers& values) {
    onnx::AttributeProto& made = of(name, onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) made.add_ints(value);
  }
  onnx::AttributeProto proto;

 private:
  onnx::AttributeProto& of(const char* name, onnx::AttributeProto::AttributeType type) {
    proto.set_name(name);
    proto.set_type(type);
    return proto;
  }
};

class OnnxWriter {
 public:
  OnnxWriter(const engine::Graph& graph, const GeneratorInfo& info) : source_(graph), info_(info) {}

  onnx::ModelProto write() {
    model_.set_ir_version(8);
    model_.set_producer_name("ganvas");
    onnx::OperatorSetIdProto& operators = *model_.add_opset_import();
    operators.set_domain("");
    operators.set_version(17);
    graph_.set_name("ganvas");
    declare(*graph_.add_input(), "input", info_.in_channels, true);
    declare(*graph_.add_output(), "output", info_.out_channels, false);

    results_.resize(source_.nodes.size());
    results_[0] = padded("input");
    for (std::size_t i = 1; i < source_.nodes.size(); ++i) results_[i] = translated(source_.nodes[i]);
    std::string result = results_.back();
    if (info_.multiple > 1) result = cut(result);
    onnx::NodeProto& last = *graph_.add_node();
    last.set_op_type("Identity");
    last.add_input(result);
    last.add_output("output");
    return std::move(model_);
  }

 private:
  static void declare(onnx::ValueInfoProto& value, const char* name, int channels, bool named_sides) {
    value.set_name(name);
    onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    onnx::TensorShapeProto& shape = *type.mutable_shape();
    shape.add_dim()->set_dim_param("batch");
    shape.add_dim()->set_dim_value(channels);
    for (const char* side : {"height", "width"}) {
      auto* dim = shape.add_dim();
      dim->set_dim_param(named_sides ? side : std::string("output_") + side);
    }
  }

  std::string add(const char* op, const Names& inputs, const std::vector<Attribute>& attributes = {}) {
    onnx::NodeProto& node = *graph_.add_node();
    const std::string result = fmt::format("x{}", graph_.node_size());
    node.set_op_type(op);
    node.set_name(fmt::format("{}_{}", op, graph_.node_size()));
    for (const auto& input : inputs) node.add_input(input);
    for (const auto& attribute : attributes) *node.add_attribute() = attribute.proto;
    node.add_output(result);
    return result;
  }

  std::string constant(const void* data, std::size_t bytes, onnx::TensorProto::DataType type, const Integers& sizes) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(fmt::format("c{}", graph_.initializer_size()));
    tensor.set_data_type(type);
    for (const std::int64_t size : sizes) tensor.add_dims(size);
    tensor.set_raw_data(data, bytes);
    return tensor.name();
  }
  std::string constant(const Tensor& values) {
    const Tensor dense = values.to(torch::kFloat).contiguous();
    return constant(dense.data_ptr<float>(), dense.nbytes(), onnx::TensorProto::FLOAT, dense.sizes().vec());
  }
  std::string constant(double value) { return constant(torch::full({1}, value)); }
  std::string integers(const Integers& values) {
    return constant(values.data(), values.size() * sizeof(std::int64_t), onnx::TensorProto::INT64,
                    {static_cast<std::int64_t>(values.size())});
  }
  std::string scalar(std::int64_t value) { return constant(&value, sizeof value, onnx::TensorProto::INT64, {}); }
  /// Values of one a channel, or one for all, that multiply pictures.
  std::string per_channel(const Tensor& values) { return constant(values.view({-1, 1, 1})); }

  /// The picture mirrored at the bottom and right up to what the network works on.
  std::string padded(const std::string& input) {
    if (info_.multiple == 1) return input;
    const std::string shape = add("Shape", {input});
    sides_ = add("Slice", {shape, integers({2}), integers({4})});
    return extended(extended(input, shape, 2), shape, 3);
  }
  /// Place i of a longer side shows last - |last - i|, and what would lie before the first place, the first.
  std::string extended(const std::string& x, const std::string& shape, std::int64_t axis) {
    const std::string side = add("Gather", {shape, scalar(axis)});
    const std::string last = add("Sub", {side, scalar(1)});
    // The remainder has the divisor's sign.
    const std::string whole = add("Add", {side, add("Mod", {add("Neg", {side}), scalar(info_.multiple)})});
    const std::string places = add("Range", {scalar(0), whole, scalar(1)});
    const std::string mirrored = add("Sub", {last, add("Abs", {add("Sub", {last, places})})});
    return add("Gather", {x, add("Max", {mirrored, scalar(0)})}, {{"axis", axis}});
  }
  std::string cut(const std::string& result) {
    const std::string ends = add("Mul", {sides_, integers({info_.scale})});
    return add("Slice", {result, integers({0, 0}), ends, integers({2, 3})});
  }

  const std::string& input(const Node& node, std::size_t which = 0) const {
    return results_[static_cast<std::size_t>(node.inputs[which])];
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
        return add("Add", {scaled(input(node), node.alpha), scaled(input(node, 1), node.beta)});
      case Op::multiply:
        return add("Mul", {input(node), input(node, 1)});
      case Op::affine:
        return affine(input(node), node);
      case Op::concat: {
        Names parts;
        for (std::size_t i = 0; i < node.inputs.size(); ++i) parts.push_back(input(node, i));
        return add("Concat", parts, {{"axis", 1}});
      }
      case Op::pixel_shuffle:
        return shuffled(node);
      case Op::pixel_unshuffle:
        return unshuffled(node);
      case Op::nearest:
        return enlarged(input(node), node.factor);
      case Op::bilinear:
        return resized(input(node), node.factor_down, node.factor_across,
                       {{"mode", "linear"},
                        {"coordinate_transformation_mode", node.align_corners ? "align_corners" : "half_pixel"}});
      case Op::pad:
        return bordered(node);
      case Op::instance_norm: {
        const Tensor scale = node.scale.defined() ? node.scale : torch::ones({node.channels});
        const Tensor shift = node.shift.defined() ? node.shift : torch::zeros({node.channels});
        return add("InstanceNormalization", {input(node), constant(scale), constant(shift)}, {{"epsilon", node.eps}});
      }
      case Op::mean:
        return add("GlobalAveragePool", {input(node)});
    }
    return input(node);
  }

  std::string convolution(const Node& node) {
    const bool transposed = node.op == Op::transposed_convolution;
    const auto pair = [](const std::array<int, 2>& values) { return Integers{values[0], values[1]}; };
    Names inputs{input(node), constant(node.weight)};
    if (node.bias.defined()) inputs.push_back(constant(node.bias));
    std::vector<Attribute> attributes{
        {"kernel_shape", Integers{node.weight.size(2), node.weight.size(3)}},  // optional, but not for all readers
        {"strides", pair(node.stride)},
        {"pads", Integers{node.padding[0], node.padding[1], node.padding[0], node.padding[1]}},
        {"dilations", pair(node.dilation)},
        {"group", node.groups}};
    if (transposed) attributes.emplace_back("output_padding", pair(node.output_padding));
    std::string result = add(transposed ? "ConvTranspose" : "Conv", inputs, attributes);
    if (node.inputs.size() > 1) result = add("Add", {result, scaled(input(node, 1), node.beta)});
    return activated(result, node);
  }

  std::string activated(const std::string& x, const Node& node) {
    switch (node.activation) {
      case Activation::none:
        return x;
      case Activation::relu:
        return add("Relu", {x});
      case Activation::leaky_relu:
        return add("LeakyRelu", {x}, {{"alpha", node.slope}});
      case Activation::prelu:
        return add("PRelu", {x, per_channel(node.slopes)});
      case Activation::silu:
        return add("Mul", {x, add("Sigmoid", {x})});
      case Activation::sigmoid:
        return add("Sigmoid", {x});
      case Activation::tanh:
        return add("Tanh", {x});
    }
    return x;
  }

  std::string scaled(const std::string& x, double factor) {
    return factor == 1 ? x : add("Mul", {x, constant(factor)});
  }
  std::string affine(const std::string& x, const Node& node) {
    return add("Add", {add("Mul", {x, per_channel(node.scale)}), per_channel(node.shift)});
  }

  std::string shuffled(const Node& node) {
    const std::string result = add("DepthToSpace", {input(node)}, {{"blocksize", node.factor}, {"mode", "CRD"}});
    if (node.inputs.size() == 1) return result;
    return add("Add", {result, enlarged(input(node, 1), node.factor)});
  }
  /// ONNX gathers channels as (row, column, channel), LibTorch as (channel, row, column).
  std::string unshuffled(const Node& node) {
    const std::int64_t cells = std::int64_t{node.factor} * node.factor;
    const std::int64_t channels = node.channels / cells;
    Integers order;
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t cell = 0; cell < cells; ++cell) order.push_back(cell * channels + c);
    const std::string deep = add("SpaceToDepth", {input(node)}, {{"blocksize", node.factor}});
    return add("Gather", {deep, integers(order)}, {{"axis", 1}});
  }

  std::string resized(const std::string& x, double down, double across, const std::vector<Attribute>& attributes) {
    // The empty name: no region of interest.
    return add("Resize", {x, "", constant(torch::tensor({1.0, 1.0, down, across}))}, attributes);
  }
  std::string enlarged(const std::string& x, int factor) {
    return resized(x, factor, factor,
                   {{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
  }

  std::string bordered(const Node& node) {
    const auto& [left, right, top, bottom] = node.border;
    const char* mode = node.border_kind == Border::reflect     ? "reflect"
                       : node.border_kind == Border::replicate ? "edge"
                                                               : "constant";
    return add("Pad", {input(node), integers({0, 0, top, left, 0, 0, bottom, right})}, {{"mode", mode}});
  }

  const engine::Graph& source_;
  GeneratorInfo info_;
  onnx::ModelProto model_;
  onnx::GraphProto& graph_ = *model_.mutable_graph();
  Names results_;      ///< of the source's nodes
  std::string sides_;  ///< of the input: height, width
};

}  // namespace

void export_onnx(Generator& network, const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata) {
  const GeneratorInfo info = network.info();
  // Other readers know pixel shuffles from PyTorch's own exports.
  const engine::Graph graph = engine::fold(engine::trace(network), engine::ShuffleOrder::published);
  onnx::ModelProto model = OnnxWriter(graph, info).write();
  for (const auto& [key, value] : engine::export_metadata(network, metadata)) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  std::string bytes;
  if (!model.SerializeToString(&bytes))  // its limit is 2 GB
    fail(ErrorKind::model, "{}: too large for one ONNX file", path.string());
  try {
    onnx::checker::check_model(model);
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), {true, 1, true});
  } catch (const std::exception& error) {
    fail(ErrorKind::model, "{}: the ONNX library refuses the translated network: {}", path.string(), error.what());
  }
  write_file_atomically(path, std::string_view(bytes));
}

}  // namespace ganvas
