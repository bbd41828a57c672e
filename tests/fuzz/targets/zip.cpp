// The directory of an archive, and every file in it.
#include "format/zip_content.hpp"
#include "format/zip_reader.hpp"
#include "fuzz/fuzz.hpp"

using namespace ganvas;

namespace {

void unpack(const format::ByteSource& source, const std::string& name, const format::ZipEntry& entry) {
  constexpr std::uint64_t longest = 1 << 20;
  if (entry.offset > source.size() || entry.packed_length > source.size() - entry.offset)
    fuzz::finding("an entry outside", name);
  fuzz::try_reading([&] {
    if (format::read_entry(source, name, entry, longest).size() > longest) fuzz::finding("too much", name);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const format::MemorySource source({data, size}, "x");
  fuzz::try_reading([&] {
    for (const auto& [name, entry] : format::read_zip_directory(source)) unpack(source, name, entry);
  });
  return 0;
}
