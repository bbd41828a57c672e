#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ganvas/format/state_dict.hpp"

/// Networks that come with their graph, from ncnn's and ONNX's files: a list of operators under the names and with the
/// meaning that ONNX (opset 17) gives them, whose values have names.
namespace ganvas::netlist {

struct Operation {
  std::string op;                            ///< "Conv"; those that ONNX doesn't have: operators.hpp
  std::string name;                          ///< for messages
  std::vector<std::string> inputs, outputs;  ///< an input that isn't given: ""
  nlohmann::json attributes = nlohmann::json::object();
};

struct Netlist {
  std::string input, output;
  std::vector<Operation> operations;  ///< in an order in which they can run
  StateDict constants;                ///< weights (fp32) and numbers (int64), by the names of their values
};

/// What stands in a file that nobody needs, and beyond which a file is not a network but an attack.
constexpr std::size_t most_operations = 20'000, most_values = 100'000;
constexpr int longest_name = 1024;

/// Every value is given once and before it is taken, every operator is known, input and output are there; in one line
/// that names the first operation which isn't so. Throws Error(model), `name` being the file's.
void check(const Netlist& list, const std::string& name);

/// Without what the output isn't made of.
void drop_unused(Netlist& list);

/// A piece of a stranger's text for a message: short, one line.
std::string shown(const std::string& text);

}  // namespace ganvas::netlist
