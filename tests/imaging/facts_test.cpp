// What a command records in its results' XMP, beside what is there already.
#include "ganvas/metadata/facts.hpp"

#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("facts: they reach the file and come back, and keep the packet that was there") {
  Metadata metadata;
  add_facts(metadata, {});
  CHECK(metadata.xmp.empty());
  add_facts(metadata, {{"mode", "train"}, {"model", "a<b & \"c\"\n"}});
  CHECK(metadata.xmp.find("ganvas:mode=\"train\"") != std::string::npos);
  CHECK(metadata.xmp.find("ganvas:model=\"a&lt;b &amp; &quot;c&quot; \"") != std::string::npos);
  Metadata painted;
  painted.xmp =
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
      "<rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmp:CreatorTool=\"brush\"/>"
      "</rdf:RDF></x:xmpmeta>";
  add_facts(painted, {{"seed", "7"}});
  if (!metadata_supported()) return;
  for (const Format format : {Format::png, Format::jpeg}) {
    const Bytes plain = encode_image(gradient(8, 8, 3, Depth::u8), format, metadata);
    CHECK(read_metadata(plain).xmp.find("train") != std::string::npos);
    const std::string kept = read_metadata(encode_image(gradient(8, 8, 3, Depth::u8), format, painted)).xmp;
    CHECK(kept.find("brush") != std::string::npos);
    CHECK(kept.find("seed") != std::string::npos);
    // A result of a result says what the last step was, in a packet that is still sound.
    Metadata again = read_metadata(encode_image(gradient(8, 8, 3, Depth::u8), format, painted));
    add_facts(again, {{"seed", "8"}});
    const Metadata last = read_metadata(encode_image(gradient(8, 8, 3, Depth::u8), format, again));
    CHECK(last.dropped.empty());
    CHECK(last.xmp.find("seed=\"8\"") != std::string::npos);
    CHECK(last.xmp.find("seed=\"7\"") == std::string::npos);
    CHECK(last.xmp.find("brush") != std::string::npos);
  }
}
