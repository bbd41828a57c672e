#include "nn/netlist/network.hpp"

#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/torch.h>

#include <unordered_map>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/padding.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/memory_limit.hpp"

namespace ganvas::netlist {

namespace {

using torch::Tensor;

std::string first_line(const std::exception& error) {
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = of_torch ? of_torch->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

bool is_whole(const Tensor& tensor) { return !tensor.is_floating_point(); }

}  // namespace

Network::Network(std::shared_ptr<const Netlist> list, Frame frame) : list_(std::move(list)), frame_(frame) {
  std::unordered_map<std::string, int> places;
  const auto place_of = [&](const std::string& name) {
    return name.empty() ? -1 : places.emplace(name, static_cast<int>(places.size())).first->second;
  };
  int weights = 0;
  for (const auto& [key, tensor] : list_->constants) {
    place_of(key);
    // Numbers of sizes stand in the config.
    constants_.push_back(is_whole(tensor) ? tensor : register_parameter(fmt::format("w{}", weights++), tensor, false));
  }
  input_ = place_of(list_->input);
  std::vector<int> last_use;
  for (const Operation& operation : list_->operations) {
    Step step{&operation, find_operator(operation.op), {}, {}, {}};
    for (const std::string& name : operation.inputs) step.inputs.push_back(place_of(name));
    for (const std::string& name : operation.outputs) step.outputs.push_back(place_of(name));
    last_use.resize(places.size(), -1);
    for (const int place : step.inputs)
      if (place >= 0) last_use[static_cast<std::size_t>(place)] = static_cast<int>(steps_.size());
    steps_.push_back(std::move(step));
  }
  places_ = static_cast<int>(places.size());
  output_ = place_of(list_->output);
  for (std::size_t place = constants_.size(); place < last_use.size(); ++place)
    if (last_use[place] >= 0 && static_cast<int>(place) != output_)
      steps_[static_cast<std::size_t>(last_use[place])].ends.push_back(static_cast<int>(place));
}

Tensors Network::computed(const Step& step, const std::vector<Value>& values, bool of_picture) const {
  Tensors inputs;
  for (const int place : step.inputs)
    inputs.push_back(place < 0 ? Tensor() : values[static_cast<std::size_t>(place)].tensor);
  const Arguments arguments(*step.operation, inputs);
  if (of_picture) return step.compute(arguments);
  // Constants, sizes among them, are the trace's constants.
  const at::tracer::impl::NoTracerDispatchMode untraced;
  return step.compute(arguments);
}

Tensor Network::run(const Tensor& input) {
  // More than networks take for their activations; a graph that makes more out of a picture is a bomb.
  constexpr std::size_t base = std::size_t{1} << 30, a_pixel = std::size_t{64} << 10;
  const TensorMemoryLimit limit(base + a_pixel * static_cast<std::size_t>(input.size(2) * input.size(3)));
  std::vector<Value> values(static_cast<std::size_t>(places_));
  for (std::size_t i = 0; i < constants_.size(); ++i) values[i].tensor = constants_[i];
  values[static_cast<std::size_t>(input_)] = {input, true};
  for (const Step& step : steps_) {
    const auto fails = [&](const std::string& why) {
      fail(ErrorKind::model, "node '{}' ({}) fails on {}x{} pixels: {}", shown(step.operation->name),
           step.operation->op, input.size(3), input.size(2), why);
    };
    try {
      const bool of_picture =
          step.operation->op != "Shape" && std::any_of(step.inputs.begin(), step.inputs.end(), [&](int place) {
            return place >= 0 && values[static_cast<std::size_t>(place)].of_picture;
          });
      Tensors results = computed(step, values, of_picture);
      for (std::size_t i = 0; i < step.outputs.size() && i < results.size(); ++i)
        if (step.outputs[i] >= 0)
          values[static_cast<std::size_t>(step.outputs[i])] = {std::move(results[i]), of_picture};
      for (const int place : step.ends) values[static_cast<std::size_t>(place)].tensor.reset();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::model) throw;
      fails(error.what());
    } catch (const std::exception& error) {
      if (limit.reached()) fails("it takes more memory than pictures need");
      if (first_line(error).find("alloc") != std::string::npos) throw;
      fails(first_line(error));
    }
  }
  const Tensor result = values[static_cast<std::size_t>(output_)].tensor;
  if (!result.defined() || result.dim() != 4 || !result.is_floating_point())
    fail(ErrorKind::model, "the graph gives no picture of {}x{} pixels", input.size(3), input.size(2));
  return result;
}

Tensor Network::forward(const Tensor& input) {
  const GeneratorInfo& info = frame_.info;
  const Tensor* weight = nullptr;
  for (const Tensor& constant : constants_)
    if (!weight && !is_whole(constant)) weight = &constant;
  const Tensor x = weight ? input.to(weight->scalar_type()) : input;
  const Tensor result =
      run(pad_around(x, frame_.margin, info.multiple, frame_.repeated_edge ? Border::repeated : Border::reflected));
  const std::int64_t height = input.size(2) * info.scale, width = input.size(3) * info.scale;
  const std::int64_t below = result.size(2) - frame_.cut - height, right = result.size(3) - frame_.cut - width;
  if (result.size(1) != info.out_channels || below < 0 || right < 0)
    fail(ErrorKind::model, "the graph makes {}x{} pixels of {}x{}, not {} times as many", result.size(3),
         result.size(2), input.size(3), input.size(2), info.scale);
  return result.narrow(2, frame_.cut, height).narrow(3, frame_.cut, width);
}

nlohmann::json Network::config() const {
  nlohmann::json operations = nlohmann::json::array(), constants = nlohmann::json::array();
  for (const Operation& one : list_->operations)
    operations.push_back({{"op", one.op},
                          {"name", one.name},
                          {"inputs", one.inputs},
                          {"outputs", one.outputs},
                          {"attributes", one.attributes}});
  for (const auto& [key, tensor] : list_->constants) {
    nlohmann::json entry{{"name", key}, {"shape", tensor.sizes().vec()}};
    if (is_whole(tensor)) {
      const Tensor flat = tensor.to(torch::kLong).reshape({-1}).contiguous();
      const auto* first = flat.data_ptr<std::int64_t>();
      entry["numbers"] = std::vector<std::int64_t>(first, first + flat.numel());
    }
    constants.push_back(std::move(entry));
  }
  const GeneratorInfo& info = frame_.info;
  return {{"input", list_->input},
          {"output", list_->output},
          {"operations", operations},
          {"constants", constants},
          {"scale", info.scale},
          {"in_channels", info.in_channels},
          {"out_channels", info.out_channels},
          {"multiple", info.multiple},
          {"halo", info.halo},
          {"global", info.global},
          {"value_low", info.value_low},
          {"value_range", info.value_range},
          {"margin", frame_.margin},
          {"cut", frame_.cut},
          {"repeated_edge", frame_.repeated_edge}};
}

namespace {

[[noreturn]] void no_graph(const std::string& why) { fail(ErrorKind::recipe, "the graph's description: {}", why); }

std::vector<std::string> words(const nlohmann::json& list) {
  if (!list.is_array() || list.size() > 4096) no_graph("inputs or outputs are no list of names");
  std::vector<std::string> result;
  for (const auto& entry : list) {
    if (!entry.is_string()) no_graph("a name is no text");
    result.push_back(entry.get<std::string>());
  }
  return result;
}

Operation operation_of(const nlohmann::json& entry) {
  if (!entry.is_object() || !entry.contains("inputs") || !entry.contains("outputs")) no_graph("an operation is none");
  Operation one{word(entry, "op", ""), word(entry, "name", ""), words(entry.at("inputs")), words(entry.at("outputs")),
                entry.value("attributes", nlohmann::json::object())};
  if (!one.attributes.is_object()) no_graph("attributes are no object");
  return one;
}

Tensor constant_of(const nlohmann::json& entry) {
  if (!entry.is_object() || !entry.contains("shape") || !entry.at("shape").is_array() || entry.at("shape").size() > 8)
    no_graph("a constant has no shape");
  std::vector<std::int64_t> shape;
  double count = 1;
  for (const auto& side : entry.at("shape")) {
    if (!side.is_number_integer() || side < 0 || side > (1 << 28)) no_graph("a constant's shape is out of range");
    shape.push_back(side.get<std::int64_t>());
    count *= side.get<double>();
  }
  if (!entry.contains("numbers")) {
    if (count > (1 << 30)) no_graph("a constant is too large");
    WeightBudget::spend(static_cast<std::int64_t>(count) + 16);
    return torch::zeros(shape);
  }
  const auto& list = entry.at("numbers");
  if (!list.is_array() || static_cast<double>(list.size()) != count) no_graph("numbers that don't fit their shape");
  std::vector<std::int64_t> values;
  for (const auto& value : list) {
    if (!value.is_number_integer()) no_graph("a number isn't whole");
    values.push_back(value.get<std::int64_t>());
  }
  return torch::tensor(values, torch::kLong).reshape(shape);
}

Frame frame_of(const nlohmann::json& config) {
  Frame frame;
  frame.info.scale = positive(config, "scale", 1);
  check_scale(frame.info.scale);
  frame.info.in_channels = positive(config, "in_channels", 3);
  frame.info.out_channels = positive(config, "out_channels", 3);
  frame.info.multiple = positive(config, "multiple", 1);
  frame.info.halo = whole(config, "halo", 0);
  frame.info.global = truth(config, "global", false);
  frame.info.value_low = real(config, "value_low", 0);
  frame.info.value_range = real(config, "value_range", 1);
  frame.info.fp32_only = true;
  if (!(frame.info.value_range > frame.info.value_low)) no_graph("an empty range of values");
  frame.margin = whole(config, "margin", 0);
  frame.cut = whole(config, "cut", 0);
  frame.repeated_edge = truth(config, "repeated_edge", false);
  return frame;
}

}  // namespace

std::shared_ptr<Network> network_of(const nlohmann::json& config) {
  check_keys(config, {"input", "output", "operations", "constants", "scale", "in_channels", "out_channels", "multiple",
                      "halo", "global", "value_low", "value_range", "margin", "cut", "repeated_edge"});
  const Frame frame = frame_of(config);
  auto list = std::make_shared<Netlist>();
  list->input = word(config, "input", "");
  list->output = word(config, "output", "");
  for (const char* key : {"operations", "constants"})
    if (!config.contains(key) || !config.at(key).is_array()) no_graph(fmt::format("'{}' is missing", key));
  for (const auto& entry : config.at("operations")) list->operations.push_back(operation_of(entry));
  for (const auto& entry : config.at("constants")) {
    const std::string name = word(entry, "name", "");
    if (list->constants.contains(name)) no_graph("a constant stands there twice");
    list->constants.set(name, constant_of(entry));
  }
  try {
    check(*list, "the graph's description");
  } catch (const Error& error) {
    fail(ErrorKind::recipe, "{}", error.what());
  }
  return std::make_shared<Network>(std::move(list), frame);
}

}  // namespace ganvas::netlist
