// The table of formats, and which one bytes are of.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "imaging/codecs.hpp"
#include "imaging/plugins.hpp"
#include "imaging/sniff.hpp"

namespace ganvas {

using codecs::Codec;
using codecs::marked;

namespace {

/// In the order of the enumerators; those that are written are all there.
std::vector<Codec> make_table() {
  std::vector<Codec> table = all_codec_plugins();
  std::sort(table.begin(), table.end(), [](const Codec& a, const Codec& b) { return a.format < b.format; });
  for (std::size_t i = 0; i < std::size(format_names); ++i)
    if (i >= table.size() || table[i].format != format_names[i].format)
      fail(ErrorKind::internal, "the format {} has no codec, or two", format_names[i].name);
  return table;
}

const std::vector<Codec>& table() {
  static const std::vector<Codec> table = make_table();
  return table;
}

const Codec* find_codec(Format format) {
  const auto found =
      std::find_if(table().begin(), table().end(), [&](const Codec& codec) { return codec.format == format; });
  return found == table().end() ? nullptr : &*found;
}

}  // namespace

const Codec& codecs::codec_of(Format format) {
  const Codec* codec = find_codec(format);
  if (!codec) fail(ErrorKind::internal, "this build has no codec of format {}", static_cast<int>(format));
  return *codec;
}

bool can_read(Format format) { return find_codec(format); }

std::optional<Format> sniff_format(std::span<const std::uint8_t> bytes) {
  for (const Codec& codec : table())
    if (codec.sniff(bytes)) return codec.format;
  return std::nullopt;
}

FileHead read_head(const std::filesystem::path& path) {
  FileHead head;
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return head;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return head;
  const ssize_t got = ::read(descriptor, head.data.data(), head.data.size());
  head.size = got > 0 ? static_cast<std::size_t>(got) : 0;
  ::close(descriptor);
  return head;
}

bool has_mark(std::span<const std::uint8_t> bytes, const ForeignFormat& foreign) {
  return !foreign.mark.empty() && marked(bytes, foreign.at, foreign.mark);
}

std::string refusal_of(const ForeignFormat& foreign) {
  if (!foreign.read_as) return fmt::format("is {}, which is not supported; convert it to PNG", foreign.label);
  if (find_codec(*foreign.read_as))
    return fmt::format("is {} by its name or its first bytes, but none that can be read; convert it to PNG",
                       foreign.label);
  return fmt::format("is {}, which this build doesn't read; configure with -D{}=ON ({}), or convert it to PNG",
                     foreign.label, foreign.option, foreign.package);
}

std::optional<Format> sniff_file(const std::filesystem::path& path) { return sniff_format(read_head(path).bytes()); }

const FormatCapacity& capacity_of(Format format) { return codecs::codec_of(format).holds; }

bool can_hold(Format format, Depth depth, int channels) {
  const FormatCapacity& holds = capacity_of(format);
  if (depth == Depth::u16 && !holds.u16) return false;
  if (depth == Depth::f32 && !holds.f32) return false;
  if (channels > 4) return holds.bands;
  return holds.alpha || channels == 1 || channels == 3;
}

}  // namespace ganvas
