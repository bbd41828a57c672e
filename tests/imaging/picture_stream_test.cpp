#include "ganvas/imaging/picture_stream.hpp"

#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("streams of pictures: where one ends is known as soon as it is there, and not before") {
  for (const Format format : {Format::png, Format::jpeg, Format::pnm})
    for (const int channels : {1, 3}) {
      CAPTURE(extension_of(format, channels));
      Metadata metadata;
      metadata.comments = {"an end mark: \xff\xd9 IEND"};
      const Bytes first = encode_image(noise(37, 21, channels, Depth::u8), format, metadata),
                  second = encode_image(noise(8, 9, channels, Depth::u8, 2), format, {});
      for (std::size_t length = 0; length < first.size(); length += 7)
        CHECK_FALSE(picture_end(std::span(first).first(length)));
      CHECK(picture_end(first) == first.size());
      CHECK_FALSE(holds_several_pictures(first));
      Bytes both = first;
      put(both, second);
      CHECK(picture_end(both) == first.size());
      CHECK(holds_several_pictures(both));
      Bytes tail = first;
      put(tail, bytes_of("\nwhatever else"));
      CHECK(picture_end(tail) == first.size());
      CHECK_FALSE(holds_several_pictures(tail));
    }
  const Bytes deep = encode_image(noise(5, 4, 3, Depth::u16), Format::pnm, {});
  CHECK(picture_end(deep) == deep.size());
  for (const Format format : {Format::webp, Format::tiff, Format::bmp})
    CHECK(picture_end(encode_image(noise(5, 4, 3, Depth::u8), format, {})) == SIZE_MAX);
  // A JPEG whose index names other pictures keeps them.
  Bytes indexed = encode_image(noise(8, 8, 3, Depth::u8), Format::jpeg, {});
  const Bytes index{0xff, 0xe2, 0, 8, 'M', 'P', 'F', 0, 1, 2};
  indexed.insert(indexed.begin() + 20, index.begin(), index.end());
  CHECK(picture_end(indexed) == SIZE_MAX);
}
