// torch.save's files, zip and legacy, and a pickle by itself: tensors found and loaded.
#include "format/cursor.hpp"
#include "format/pickle_reader.hpp"
#include "format/prefixes.hpp"
#include "format/pth_reader.hpp"
#include "format/unwrap.hpp"
#include "fuzz/fuzz.hpp"

using namespace ganvas;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const format::MemorySource source({data, size}, "x");
  fuzz::try_reading([&] {
    format::PthContent content =
        format::is_zip(source) ? format::read_zip_pth(source) : format::read_legacy_pth(source);
    StateDict weights;
    for (const auto& [key, tensor] : format::unwrap(content.pickle, "x").tensors)
      weights.set(std::string(key), content.storages.load(*tensor));
    format::strip_prefixes(weights);
  });
  fuzz::try_reading([&] {
    format::Cursor cursor(source, 0, size);
    const format::Pickle pickle = format::read_pickle(cursor);
    format::unwrap(pickle, "x");
  });
  return 0;
}
