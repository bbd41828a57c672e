#include "ganvas/metadata/facts.hpp"

#include "metadata/editor.hpp"

namespace ganvas {

namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        // XML has no control characters at all.
        result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  return result;
}

constexpr const char* kBegin =
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n";
constexpr const char* kEnd = "</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>";

}  // namespace

void add_facts(Metadata& metadata, const std::map<std::string, std::string>& facts) {
  if (facts.empty()) return;
  // Of a picture that was made before: a packet with a property twice is damaged.
  if (metadata.xmp.find(facts_namespace) != std::string::npos)
    metadata::erase_properties(metadata.xmp, facts_namespace);
  std::string part = "<rdf:Description rdf:about=\"\" xmlns:ganvas=\"" + std::string(facts_namespace) + "\"";
  for (const auto& [name, value] : facts) part += " ganvas:" + name + "=\"" + escaped(value) + "\"";
  part += "/>\n";
  // A packet may hold any number of descriptions of the same picture.
  const std::size_t end = metadata.xmp.rfind("</rdf:RDF>");
  if (end == std::string::npos) metadata.xmp = kBegin + part + kEnd;
  else metadata.xmp.insert(end, part);
}

}  // namespace ganvas
