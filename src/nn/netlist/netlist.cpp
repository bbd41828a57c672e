#include "nn/netlist/netlist.hpp"

#include <set>
#include <unordered_set>

#include "ganvas/core/error.hpp"
#include "nn/netlist/operators.hpp"

namespace ganvas::netlist {

std::string shown(const std::string& text) {
  constexpr std::size_t longest = 60;
  std::string result = text.substr(0, longest);
  for (char& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return result;
}

void check(const Netlist& list, const std::string& name) {
  if (list.operations.size() > most_operations)
    fail(ErrorKind::model, "{}: {} operators, more than {}", name, list.operations.size(), most_operations);
  std::unordered_set<std::string> known{list.input};
  for (const auto& [key, tensor] : list.constants) known.insert(key);
  for (const Operation& one : list.operations) {
    if (!is_known(one.op))
      fail(ErrorKind::model, "{}: operator '{}' of node '{}' is not known to ganvas", name, shown(one.op),
           shown(one.name));
    for (const std::string& input : one.inputs)
      if (!input.empty() && !known.contains(input))
        fail(ErrorKind::model, "{}: node '{}' ({}) takes '{}', which nothing before it gives", name, shown(one.name),
             shown(one.op), shown(input));
    if (one.outputs.empty()) fail(ErrorKind::model, "{}: node '{}' gives nothing", name, shown(one.name));
    for (const std::string& output : one.outputs)
      if (!output.empty() && !known.insert(output).second)
        fail(ErrorKind::model, "{}: node '{}' gives '{}', which is there already", name, shown(one.name),
             shown(output));
    if (known.size() > most_values) fail(ErrorKind::model, "{}: more than {} values", name, most_values);
  }
  if (list.output == list.input || !known.contains(list.output))
    fail(ErrorKind::model, "{}: nothing gives its result '{}'", name, shown(list.output));
}

void drop_unused(Netlist& list) {
  std::set<std::string> needed{list.output};
  std::vector<Operation> kept;
  for (auto one = list.operations.rbegin(); one != list.operations.rend(); ++one) {
    const bool used = std::any_of(one->outputs.begin(), one->outputs.end(),
                                  [&](const std::string& output) { return needed.contains(output); });
    if (!used) continue;
    needed.insert(one->inputs.begin(), one->inputs.end());
    kept.push_back(std::move(*one));
  }
  list.operations.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  StateDict constants;
  for (const auto& [key, tensor] : list.constants)
    if (needed.contains(key)) constants.set(key, tensor);
  list.constants = std::move(constants);
}

}  // namespace ganvas::netlist
