// ncnn's pairs: a text, a zero byte, and the file of weights. What is read is tried out as a network, as when a user
// names such a file.
#include "fuzz/graph_target.hpp"

using namespace ganvas;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::GraphFolder folder;
  const std::uint8_t* end = std::find(data, data + size, 0);
  folder.write("x.param", {data, end});
  folder.write("x.bin", {end == data + size ? end : end + 1, data + size});
  fuzz::try_reading([&] { load_ncnn(folder / "x.param"); });
  return 0;
}
