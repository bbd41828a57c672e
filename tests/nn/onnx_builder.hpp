#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// ONNX files by hand, so that damaged and hostile ones can be made too.
namespace ganvas::test {

/// A message of the protocol buffers' format: fields by number.
inline std::string proto_varint(std::uint64_t value) {
  std::string text;
  for (; value > 127; value >>= 7) text += static_cast<char>(value | 128);
  return text + static_cast<char>(value);
}
inline std::string proto_field(int number, const std::string& text) {
  return proto_varint(static_cast<std::uint64_t>(number) * 8 + 2) + proto_varint(text.size()) + text;
}
inline std::string proto_field(int number, std::uint64_t value) {
  return proto_varint(static_cast<std::uint64_t>(number) * 8) + proto_varint(value);
}

inline std::string onnx_node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                             const std::string& attributes = {}) {
  std::string text;
  for (const auto& name : inputs) text += proto_field(1, name);
  return proto_field(
      1, text + proto_field(2, output) + proto_field(3, "node " + output) + proto_field(4, op) + attributes);
}
inline std::string onnx_model(const std::string& nodes, const std::string& constants = {}) {
  return proto_field(1, 8) + proto_field(7, nodes + constants + proto_field(11, proto_field(1, "x")) +
                                                proto_field(12, proto_field(1, "y")));
}
inline std::string onnx_constant(const std::string& name, const std::vector<std::int64_t>& shape,
                                 const std::string& rest) {
  std::string text;
  for (const auto side : shape) text += proto_field(1, static_cast<std::uint64_t>(side));
  return proto_field(5, text + proto_field(2, 1) + proto_field(8, name) + rest);
}

}  // namespace ganvas::test
