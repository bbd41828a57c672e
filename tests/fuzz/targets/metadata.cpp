// What a picture carries beside its pixels: read, corrected, and put into pictures of every format.
#include <map>

#include "fuzz/fuzz.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/metadata/facts.hpp"

using namespace ganvas;

namespace {

/// A small picture without metadata, as our writers make it.
const Bytes& plain_picture(Format format) {
  static std::map<Format, Bytes> pictures;
  Bytes& bytes = pictures[format];
  if (bytes.empty()) {
    Image image(4, 3, 3, Depth::u8);
    image.pixels.setTo(cv::Scalar(1, 2, 3));
    bytes = encode_image(image, format, {});
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  set_log_level(LogLevel::error);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Metadata metadata = read_metadata({data, size});
  reset_orientation(metadata);
  scale_metadata(metadata, 3, 2);
  add_facts(metadata, {{"model", "m"}});
  std::vector<std::string> dropped;
  const Format format = format_names[data[size - 1] % std::size(format_names)].format;
  const Bytes with = embed_metadata(plain_picture(format), metadata, 4, 3, &dropped);
  try {
    if (decode_image(with, "own").image.width() != 4) fuzz::finding("metadata change a picture's size");
  } catch (const Error& error) {
    fuzz::finding("metadata make a picture unreadable", error.what());
  }
  // Damaged metadata are dropped with a word, never an error; once read they stay readable.
  for (const std::string& reason : dropped)
    if (reason.empty() || reason.find('\n') != reason.npos) fuzz::finding("a reason that is no line", reason);
  return 0;
}
