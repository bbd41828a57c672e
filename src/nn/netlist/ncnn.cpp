#include <torch/torch.h>

#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "nn/netlist/graph_file.hpp"
#include "nn/netlist/ncnn_translation.hpp"

namespace ganvas {

namespace {

using netlist::NcnnLayer;

/// The value that nobody takes; of several the last.
std::string result_of_ncnn(const std::vector<NcnnLayer>& layers, const std::string& name) {
  std::set<std::string> taken;
  for (const NcnnLayer& layer : layers) taken.insert(layer.inputs.begin(), layer.inputs.end());
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer)
    for (auto output = layer->outputs.rbegin(); output != layer->outputs.rend(); ++output)
      if (!taken.contains(*output)) return *output;
  fail(ErrorKind::model, "{}: every value is taken by a layer, none is the result", name);
}

netlist::Netlist translated_ncnn(const std::vector<NcnnLayer>& layers, const std::filesystem::path& weights) {
  if (!std::filesystem::exists(weights))
    fail(ErrorKind::file, "{}: there is no such file; an ncnn model is two files, and this has the weights",
         weights.string());
  netlist::NcnnWeights values(weights);
  netlist::NcnnTranslation translation(values);
  for (const NcnnLayer& layer : layers) translation.add(layer);
  values.check_end();
  return std::move(translation.list);
}

}  // namespace

bool is_ncnn(const std::filesystem::path& path) { return netlist::is_ncnn_text(path); }

LoadedGenerator load_ncnn(const std::filesystem::path& path) {
  const torch::NoGradGuard no_grad;
  const std::string name = path.string();
  const std::vector<NcnnLayer> layers = netlist::read_ncnn_text(path);
  netlist::Netlist list;
  try {
    list = translated_ncnn(layers, std::filesystem::path(path).replace_extension(".bin"));
  } catch (const Error& error) {
    const std::string text = error.what();
    if (error.kind() != ErrorKind::model || !text.starts_with("layer ")) throw;
    fail(ErrorKind::model, "{}: {}", name, text);
  }
  if (list.input.empty()) fail(ErrorKind::model, "{}: there is no Input layer", name);
  list.output = result_of_ncnn(layers, name);
  // waifu2x's own programs repeat the picture's edge, those of Real-CUGAN and Real-ESRGAN reflect it. waifu2x's files
  // come from Caffe, whose converter calls the picture so.
  const bool repeated_edge = list.input == "Input1";
  return netlist::explored_network(std::move(list), {name, "ncnn", repeated_edge});
}

}  // namespace ganvas
