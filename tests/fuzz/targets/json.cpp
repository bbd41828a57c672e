// JSON out of a stranger's metadata: bounded, and written down again without trouble.
#include "fuzz/fuzz.hpp"
#include "ganvas/core/bounded_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = ganvas::bounded_json({reinterpret_cast<const char*>(data), size});
  if (!parsed) return 0;
  // As the command prints it.
  const std::string text = parsed->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (!ganvas::bounded_json(text)) ganvas::fuzz::finding("what was read can't be read again", text);
  return 0;
}
