// ONNX files, parsed by the ONNX library's own messages; no other part of that library, and nothing of the file, runs.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/onnx_pb.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "nn/netlist/graph_file.hpp"

namespace ganvas {

namespace {

namespace fs = std::filesystem;
using netlist::shown;
using torch::Tensor;

/// The message format's own limit is 2 GiB.
constexpr std::uintmax_t largest_file = (std::uintmax_t{1} << 31) - 1;

onnx::ModelProto parsed(const fs::path& path) {
  const std::string name = path.string();
  std::error_code code;
  const std::uintmax_t size = fs::file_size(path, code);
  if (code) fail(ErrorKind::file, "{}: {}", name, code.message());
  if (size > largest_file) fail(ErrorKind::model, "{}: an ONNX file of more than 2 GiB", name);
  std::ifstream file(path, std::ios::binary);
  google::protobuf::io::IstreamInputStream stream(&file);
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
  onnx::ModelProto model;
  if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage() || !model.has_graph())
    fail(ErrorKind::model, "{}: no ONNX file, or a damaged one", name);
  return model;
}

/// Weights beside the file: in its folder or below it, no link out of it.
std::string external_bytes(const onnx::TensorProto& tensor, const fs::path& file) {
  std::string location;
  double offset = 0, length = -1;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = std::strtod(entry.value().c_str(), nullptr);
    if (entry.key() == "length") length = std::strtod(entry.value().c_str(), nullptr);
  }
  const fs::path folder = fs::weakly_canonical(file.has_parent_path() ? file.parent_path() : fs::path("."));
  const fs::path target = fs::weakly_canonical(folder / location);
  const fs::path inside = target.lexically_relative(folder);
  if (location.empty() || fs::path(location).is_absolute() || inside.empty() || *inside.begin() == "..")
    fail(ErrorKind::model, "its weights '{}' lie in '{}', outside of the file's folder", shown(tensor.name()),
         shown(location));
  std::error_code code;
  const auto size = static_cast<double>(fs::file_size(target, code));
  if (code) fail(ErrorKind::file, "{}: {}", target.string(), code.message());
  if (length < 0) length = size - offset;
  if (!(offset >= 0 && length >= 0 && offset + length <= size))
    fail(ErrorKind::model, "its weights '{}' are not in '{}'", shown(tensor.name()), shown(location));
  std::ifstream stream(target, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  std::string bytes(static_cast<std::size_t>(length), '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!stream) fail(ErrorKind::file, "{}: can't be read", target.string());
  return bytes;
}

std::vector<std::int64_t> shape_of_tensor(const onnx::TensorProto& tensor) {
  constexpr int most_dims = 8;
  constexpr double most = 1U << 31;
  double count = 1;
  for (const std::int64_t side : tensor.dims()) {
    // Beside a side of 0 any other would make no difference to their product.
    if (side < 0 || static_cast<double>(side) > most)
      fail(ErrorKind::model, "constant '{}' has a side of {}", shown(tensor.name()), side);
    count *= static_cast<double>(side);
  }
  if (tensor.dims_size() > most_dims || count > most)
    fail(ErrorKind::model, "constant '{}' is too large", shown(tensor.name()));
  return {tensor.dims().begin(), tensor.dims().end()};
}

template <typename List>
Tensor from_list(const List& list, torch::ScalarType type) {
  Tensor values = torch::empty({list.size()}, torch::kDouble);
  auto* to = values.template data_ptr<double>();
  for (const auto value : list) *to++ = static_cast<double>(value);
  return values.to(type);
}

/// Fp32, or int64 for whole numbers and truths.
Tensor tensor_of(const onnx::TensorProto& tensor, const fs::path& file) {
  using Proto = onnx::TensorProto;
  const auto shape = shape_of_tensor(tensor);
  std::int64_t count = 1;
  for (const std::int64_t side : shape) count *= side;
  torch::ScalarType stored{}, wanted = torch::kFloat;
  switch (tensor.data_type()) {
    case Proto::FLOAT:
      stored = torch::kFloat;
      break;
    case Proto::FLOAT16:
      stored = torch::kHalf;
      break;
    case Proto::BFLOAT16:
      stored = torch::kBFloat16;
      break;
    case Proto::DOUBLE:
      stored = torch::kDouble;
      break;
    case Proto::INT64:
      stored = wanted = torch::kLong;
      break;
    case Proto::INT32:
      stored = torch::kInt, wanted = torch::kLong;
      break;
    case Proto::BOOL:
      stored = torch::kBool, wanted = torch::kLong;
      break;
    default:
      fail(ErrorKind::model, "constant '{}' has data type {}, which ganvas doesn't read", shown(tensor.name()),
           tensor.data_type());
  }
  Tensor values;
  const bool external = tensor.data_location() == Proto::EXTERNAL;
  if (external || tensor.has_raw_data()) {
    const std::string text = external ? external_bytes(tensor, file) : std::string();
    const std::string& bytes = external ? text : tensor.raw_data();
    const auto wanted_bytes = static_cast<std::uint64_t>(count) * c10::elementSize(stored);
    if (bytes.size() != wanted_bytes)
      fail(ErrorKind::model, "constant '{}' has {} bytes where its shape wants {}", shown(tensor.name()), bytes.size(),
           wanted_bytes);
    values = torch::empty({count}, torch::TensorOptions(stored));
    if (count > 0) std::memcpy(values.data_ptr(), bytes.data(), bytes.size());
  } else if (stored == torch::kFloat) {
    values = from_list(tensor.float_data(), stored);
  } else if (stored == torch::kLong) {
    values = torch::tensor(std::vector<std::int64_t>(tensor.int64_data().begin(), tensor.int64_data().end()));
  } else if (stored == torch::kDouble) {
    values = from_list(tensor.double_data(), stored);
  } else if (stored == torch::kInt || stored == torch::kBool) {
    values = from_list(tensor.int32_data(), torch::kLong);
  } else {
    fail(ErrorKind::model, "constant '{}' stores small floats one by one, which ganvas doesn't read",
         shown(tensor.name()));
  }
  if (values.numel() != count)
    fail(ErrorKind::model, "constant '{}' has {} values where its shape wants {}", shown(tensor.name()), values.numel(),
         count);
  return values.to(wanted).reshape(shape);
}

/// Attributes that are numbers, texts and lists of numbers. Graphs within graphs aren't known.
nlohmann::json attributes_of(const onnx::NodeProto& node) {
  nlohmann::json result = nlohmann::json::object();
  for (const auto& attribute : node.attribute()) {
    switch (attribute.type()) {
      case onnx::AttributeProto::INT:
        result[attribute.name()] = attribute.i();
        break;
      case onnx::AttributeProto::FLOAT:
        if (!std::isfinite(attribute.f())) result[attribute.name()] = attribute.f() > 0 ? 3.4e38 : -3.4e38;
        else result[attribute.name()] = attribute.f();
        break;
      case onnx::AttributeProto::STRING:
        result[attribute.name()] = attribute.s();
        break;
      case onnx::AttributeProto::INTS:
        result[attribute.name()] = std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end());
        break;
      case onnx::AttributeProto::FLOATS:
        result[attribute.name()] = std::vector<double>(attribute.floats().begin(), attribute.floats().end());
        break;
      default:
        fail(ErrorKind::model, "node '{}' ({}): attribute '{}' is of a kind that ganvas doesn't know",
             shown(node.name()), shown(node.op_type()), shown(attribute.name()));
    }
  }
  return result;
}

const onnx::AttributeProto* attribute_named(const onnx::NodeProto& node, const char* name) {
  for (const auto& attribute : node.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

/// A node that is a constant's value.
Tensor constant_of_node(const onnx::NodeProto& node, const fs::path& file) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == "value") return tensor_of(attribute.t(), file);
    if (attribute.name() == "value_float") return torch::tensor(attribute.f());
    if (attribute.name() == "value_int") return torch::tensor(attribute.i());
    if (attribute.name() == "value_ints")
      return torch::tensor(std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end()));
    if (attribute.name() == "value_floats")
      return torch::tensor(std::vector<float>(attribute.floats().begin(), attribute.floats().end()));
  }
  fail(ErrorKind::model, "node '{}' (Constant) has no value that ganvas reads", shown(node.name()));
}

netlist::Operation operation_of_node(const onnx::NodeProto& node, const fs::path& file) {
  if (!node.domain().empty() && node.domain() != "ai.onnx")
    fail(ErrorKind::model, "operator '{}.{}' of node '{}' is not known to ganvas", shown(node.domain()),
         shown(node.op_type()), shown(node.name()));
  if (node.op_type() == "ConstantOfShape") {
    netlist::Operation one{node.op_type(),
                           node.name(),
                           {node.input().begin(), node.input().end()},
                           {node.output().begin(), node.output().end()}};
    if (const auto* value = attribute_named(node, "value")) {
      const Tensor tensor = tensor_of(value->t(), file);
      if (tensor.numel() != 1) fail(ErrorKind::model, "node '{}' (ConstantOfShape): no one value", shown(node.name()));
      one.attributes = {{"value", tensor.item<double>()}, {"whole", tensor.is_floating_point() ? 0 : 1}};
    }
    return one;
  }
  if (!netlist::is_known(node.op_type()))
    fail(ErrorKind::model, "operator '{}' of node '{}' is not known to ganvas", shown(node.op_type()),
         shown(node.name()));
  return {node.op_type(),
          node.name(),
          {node.input().begin(), node.input().end()},
          {node.output().begin(), node.output().end()},
          attributes_of(node)};
}

/// Nodes stand in an order in which they can run, as the format demands; check() looks.
netlist::Netlist list_of(const onnx::GraphProto& graph, const fs::path& file) {
  netlist::Netlist list;
  std::set<std::string> constants;
  if (static_cast<std::size_t>(graph.initializer_size()) > netlist::most_values)
    fail(ErrorKind::model, "{} constants", graph.initializer_size());
  if (static_cast<std::size_t>(graph.node_size()) > netlist::most_operations)
    fail(ErrorKind::model, "{} operators, more than {}", graph.node_size(), netlist::most_operations);
  if (graph.sparse_initializer_size() > 0) fail(ErrorKind::model, "it has sparse weights, which ganvas doesn't read");
  // Unknown operators first, before gigabytes of weights are read.
  for (const auto& node : graph.node())
    if (node.op_type() != "Constant") list.operations.push_back(operation_of_node(node, file));
  const auto keep = [&](const std::string& name, const Tensor& tensor) {
    if (!constants.insert(name).second) fail(ErrorKind::model, "constant '{}' stands there twice", shown(name));
    list.constants.set(name, tensor);
  };
  for (const auto& tensor : graph.initializer()) keep(tensor.name(), tensor_of(tensor, file));
  for (const auto& node : graph.node())
    if (node.op_type() == "Constant") {
      if (node.output_size() != 1) fail(ErrorKind::model, "node '{}' (Constant) gives nothing", shown(node.name()));
      keep(node.output(0), constant_of_node(node, file));
    }
  for (const auto& input : graph.input()) {
    if (constants.contains(input.name())) continue;
    if (!list.input.empty())
      fail(ErrorKind::model, "it takes '{}' beside '{}'; ganvas knows networks of one picture", shown(input.name()),
           shown(list.input));
    list.input = input.name();
  }
  if (list.input.empty() || graph.output_size() == 0) fail(ErrorKind::model, "it has no picture as input and output");
  list.output = graph.output(0).name();
  return list;
}

}  // namespace

bool is_onnx(const fs::path& path) { return path.extension() == ".onnx"; }

LoadedGenerator load_onnx(const fs::path& path) {
  const torch::NoGradGuard no_grad;
  const std::string name = path.string();
  const onnx::ModelProto model = parsed(path);
  netlist::Netlist list;
  try {
    list = list_of(model.graph(), path);
  } catch (const Error& error) {
    const std::string text = error.what();
    if (error.kind() != ErrorKind::model || text.starts_with(name)) throw;
    fail(ErrorKind::model, "{}: {}", name, text);
  }
  netlist::GraphFile file{name, "onnx"};
  for (const auto& entry : model.metadata_props()) file.metadata[entry.key()] = entry.value();
  return netlist::explored_network(std::move(list), file);
}

}  // namespace ganvas
