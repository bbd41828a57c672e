// From our graph to TorchScript: the source of forward(), which LibTorch compiles and stores together with the weights.
#include <fmt/format.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/export/metadata.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/trace.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/engine/exporter.hpp"

namespace ganvas {

namespace {

using engine::NodeId;

class ModuleWriter final : public engine::ScriptWriter {
 public:
  ModuleWriter(const engine::Graph& graph, const GeneratorInfo& info) : graph_(graph), info_(info) {}

  torch::jit::Module write() {
    line("def forward(self, input):");
    line("    x0 = input");
    if (info_.multiple > 1) pad();
    for (const NodeId id : graph_.ids()) {
      if (id == graph_.input()) continue;
      here_ = id;
      engine::Names inputs;
      for (const NodeId input : graph_[id].inputs) inputs.push_back(fmt::format("x{}", input.index()));
      line("    x{} = {}", id.index(), graph_[id]->script(*this, inputs));
    }
    const std::size_t result = graph_.output().index();
    if (info_.multiple > 1)
      line("    return x{0}[:, :, :input.size(2) * {1}, :input.size(3) * {1}]", result, info_.scale);
    else line("    return x{}", result);
    module_.define(source_);
    module_.eval();
    return module_;
  }

  std::string kept(const char* what, const at::Tensor& tensor) override {
    if (!tensor.defined()) return "None";
    const std::string name = fmt::format("{}{}", what, here_.index());
    module_.register_parameter(name, tensor.to(torch::kFloat).contiguous(), /*is_buffer=*/false);
    return "self." + name;
  }

  int channels() const override { return graph_[here_].channels; }

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

  const engine::Graph& graph_;
  GeneratorInfo info_;
  torch::jit::Module module_{"ganvas"};
  std::string source_;
  NodeId here_;  ///< the node at hand
};

}  // namespace

void export_torchscript(Generator& network, const std::filesystem::path& path,
                        const std::map<std::string, std::string>& metadata) {
  const torch::NoGradGuard no_grad;
  const engine::Graph graph = engine::fold(engine::trace(network), engine::ShuffleOrder::published);
  const torch::jit::Module module = ModuleWriter(graph, network.info()).write();
  const nlohmann::json described = engine::export_metadata(network, metadata);
  std::ostringstream archive;
  module.save(archive, {{"ganvas.json", described.dump()}});
  write_file_atomically(path, archive.str());
}

}  // namespace ganvas
