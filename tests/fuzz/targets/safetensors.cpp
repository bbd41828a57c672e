// safetensors: header and tensors.
#include "format/safetensors_source.hpp"
#include "fuzz/fuzz.hpp"

using namespace ganvas;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::try_reading([&] {
    const Safetensors file = format::parse_safetensors(format::MemorySource({data, size}, "x"));
    std::size_t bytes = 0;
    for (const auto& [key, tensor] : file.tensors) bytes += tensor.nbytes();
    if (bytes > size) fuzz::finding("more tensors than bytes");
  });
  return 0;
}
