// The front of TorchScript: an archive's objects and sources, or a source by itself, parsed and every call looked at.
#include "format/pth_reader.hpp"
#include "format/torchscript_source.hpp"
#include "fuzz/fuzz.hpp"
#include "nn/script/program.hpp"

using namespace ganvas;

namespace {

void compile(const std::map<std::string, std::string>& sources) {
  try {
    script::compile(sources);
  } catch (const script::Foreign& foreign) {
    if (foreign.what.empty() || foreign.what.size() > 2000) fuzz::finding("a refusal without measure", foreign.what);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const format::MemorySource source({data, size}, "x");
  fuzz::try_reading([&] {
    if (format::is_zip(source)) compile(format::read_torchscript(source).sources);
    else compile({{"__torch__", std::string(reinterpret_cast<const char*>(data), size)}});
  });
  return 0;
}
