#include "nn/netlist/graph_file.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/graph_files.hpp"

namespace ganvas {

namespace netlist {

namespace {

/// Operators that see the whole picture, however small the pictures of the trials are.
bool sees_all(const Netlist& list) {
  static const std::set<std::string> global{"GlobalAveragePool",  "GlobalMaxPool", "InstanceNormalization",
                                            "GroupNormalization", "MatMul",        "Softmax"};
  return std::any_of(list.operations.begin(), list.operations.end(),
                     [](const Operation& one) { return global.contains(one.op) || one.op.starts_with("Reduce"); });
}

}  // namespace

LoadedGenerator explored_network(Netlist list, const GraphFile& file) {
  const torch::NoGradGuard no_grad;
  check(list, file.name);
  drop_unused(list);
  const auto shared = std::make_shared<const Netlist>(std::move(list));
  const auto network = std::make_shared<Network>(shared, Frame{});
  network->eval();
  LoadedGenerator loaded;
  loaded.layout = file.container;
  loaded.file.container = file.container;
  loaded.file.metadata = file.metadata;
  Known known;
  try {
    const Explored found = explored({file.name, "the graph", [&](const torch::Tensor& x) { return network->run(x); }});
    Frame frame{found.info, found.margin, found.cut, file.repeated_edge};
    frame.info.global = frame.info.global || sees_all(*shared);
    apply_described(file.metadata, frame.info);
    network->set_frame(frame);
    known = known_network(*shared, *network, file.repeated_edge);
  } catch (const Error& error) {
    const std::string text = error.what();
    if (error.kind() != ErrorKind::model || text.starts_with(file.name)) throw;
    fail(ErrorKind::model, "{}: {}", file.name, text);
  }
  loaded.network = known.network && !known.clamps ? known.network : network;
  if (known.clamps) loaded.layout += fmt::format(", the graph of {} without its clamp", known.network->architecture());
  return loaded;
}

}  // namespace netlist

bool has_graph(const std::filesystem::path& path) { return is_torchscript(path) || is_ncnn(path) || is_onnx(path); }

}  // namespace ganvas
