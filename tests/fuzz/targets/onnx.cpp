// ONNX files, which are tried out as networks.
#include "fuzz/graph_target.hpp"

using namespace ganvas;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::GraphFolder folder;
  folder.write("x.onnx", {data, data + size});
  fuzz::try_reading([&] { load_onnx(folder / "x.onnx"); });
  return 0;
}
