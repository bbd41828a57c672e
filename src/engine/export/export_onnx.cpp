// From our graph to ONNX (opset 17).
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <torch/torch.h>

#include "engine/export/metadata.hpp"
#include "engine/export/onnx_writer.hpp"
#include "engine/graph/trace.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/engine/exporter.hpp"

namespace ganvas {

namespace {

using engine::Names;
using engine::NodeId;

onnx::AttributeProto proto_of(const engine::OnnxWriter::Attribute& attribute) {
  onnx::AttributeProto proto;
  proto.set_name(attribute.name);
  if (const auto* integer = std::get_if<std::int64_t>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(*integer);
  } else if (const auto* number = std::get_if<double>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(static_cast<float>(*number));
  } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(*text);
  } else {
    proto.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : std::get<engine::OnnxWriter::Integers>(attribute.value)) proto.add_ints(value);
  }
  return proto;
}

class ModelWriter final : public engine::OnnxWriter {
 public:
  ModelWriter(const engine::Graph& graph, const GeneratorInfo& info) : source_(graph), info_(info) {}

  onnx::ModelProto write() {
    model_.set_ir_version(8);
    model_.set_producer_name("ganvas");
    onnx::OperatorSetIdProto& operators = *model_.add_opset_import();
    operators.set_domain("");
    operators.set_version(17);
    graph_.set_name("ganvas");
    declare(*graph_.add_input(), "input", info_.in_channels, true);
    declare(*graph_.add_output(), "output", info_.out_channels, false);

    engine::PerNode<std::string> results(source_.size());
    for (const NodeId id : source_.ids()) {
      const engine::Node& node = source_[id];
      channels_ = node.channels;
      Names inputs;
      for (const NodeId input : node.inputs) inputs.push_back(results[input]);
      results[id] = id == source_.input() ? padded("input") : node->onnx(*this, inputs);
    }
    std::string result = results.back();
    if (info_.multiple > 1) result = cut(result);
    onnx::NodeProto& last = *graph_.add_node();
    last.set_op_type("Identity");
    last.add_input(result);
    last.add_output("output");
    return std::move(model_);
  }

  std::string add(const char* op, const Names& inputs, const Attributes& attributes = {}) override {
    onnx::NodeProto& node = *graph_.add_node();
    const std::string result = fmt::format("x{}", graph_.node_size());
    node.set_op_type(op);
    node.set_name(fmt::format("{}_{}", op, graph_.node_size()));
    for (const auto& input : inputs) node.add_input(input);
    for (const auto& attribute : attributes) *node.add_attribute() = proto_of(attribute);
    node.add_output(result);
    return result;
  }
  std::string constant(const at::Tensor& values) override {
    const at::Tensor dense = values.to(torch::kFloat).contiguous();
    return constant(dense.data_ptr<float>(), dense.nbytes(), onnx::TensorProto::FLOAT, dense.sizes().vec());
  }
  std::string integers(const Integers& values) override {
    return constant(values.data(), values.size() * sizeof(std::int64_t), onnx::TensorProto::INT64,
                    {static_cast<std::int64_t>(values.size())});
  }
  int channels() const override { return channels_; }

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

  std::string constant(const void* data, std::size_t bytes, onnx::TensorProto::DataType type, const Integers& sizes) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(fmt::format("c{}", graph_.initializer_size()));
    tensor.set_data_type(type);
    for (const std::int64_t size : sizes) tensor.add_dims(size);
    tensor.set_raw_data(data, bytes);
    return tensor.name();
  }
  std::string scalar(std::int64_t value) { return constant(&value, sizeof value, onnx::TensorProto::INT64, {}); }

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

  const engine::Graph& source_;
  GeneratorInfo info_;
  onnx::ModelProto model_;
  onnx::GraphProto& graph_ = *model_.mutable_graph();
  int channels_ = 0;   ///< of the node at hand
  std::string sides_;  ///< of the input: height, width
};

}  // namespace

void export_onnx(Generator& network, const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata) {
  const GeneratorInfo info = network.info();
  // Other readers know pixel shuffles from PyTorch's own exports.
  const engine::Graph graph = engine::fold(engine::trace(network), engine::ShuffleOrder::published);
  onnx::ModelProto model = ModelWriter(graph, info).write();
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
