#include "ganvas/imaging/format_name.hpp"

#include <algorithm>
#include <filesystem>

#include "ganvas/core/error.hpp"
#include "ganvas/core/lower_case.hpp"

namespace ganvas {

namespace {

using namespace std::string_view_literals;

constexpr ForeignFormat foreign[] = {
    {"a GIF", {"gif"}, "GIF8", 0, false, Format::gif, "GANVAS_WITH_GIF", "libgif-dev"},
    {"a HEIF, AVIF or video file",
     {"heic", "heif", "avif"},
     "ftyp",
     4,
     false,
     Format::heif,
     "GANVAS_WITH_HEIF",
     "libheif-dev"},
    {"a JPEG XL file", {"jxl"}, "\xff\x0a", 0, false, Format::jxl, "GANVAS_WITH_JXL", "libjxl-dev"},
    {"a JPEG XL file", {}, "JXL ", 4, false, Format::jxl, "GANVAS_WITH_JXL", "libjxl-dev"},
    {"a JPEG 2000 file", {"jp2", "j2k", "jpx"}, "jP  ", 4},
    {"a JPEG 2000 file", {}, "\xff\x4f\xff\x51"},
    {"a Photoshop file", {"psd", "psb"}, "8BPS"},
    {"a PAM (P7)", {"pam"}, "P7\n"},
    {"a PFM", {"pfm"}, "PF\n"},
    {"a PFM", {}, "Pf\n"},
    {"an OpenEXR file", {"exr"}, "\x76\x2f\x31\x01"},
    {"a Radiance HDR", {"hdr"}, "#?R", 0, true},  // ENVI's headers too are called so
    {"a DDS texture", {"dds"}, "DDS "},
    {"an icon", {"ico", "cur"}, "\0\0\1\0"sv},
    {"a PCX", {"pcx"}, {}},
    {"a TGA", {"tga", "icb", "vda", "vst"}, {}, 0, false, Format::tga},
};

/// What stands behind the last dot, or all, in lower case.
std::string extension_in(std::string_view name) {
  return lower_case(std::string(name.substr(name.find_last_of("./\\") + 1)));
}

template <typename Row>
const Row* row_with(std::span<const Row> rows, std::string_view name) {
  const std::string extension = extension_in(name);
  if (extension.empty()) return nullptr;
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return std::find(row.extensions.begin(), row.extensions.end(), extension) != row.extensions.end();
  });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Format> format_from_name(std::string_view name) {
  const auto* row = row_with(std::span<const FormatName>(format_names), name);
  return row ? std::optional(row->format) : std::nullopt;
}

std::string extension_of(Format format, int channels) {
  const FormatName& row = name_of(format);
  return std::string(channels <= 2 ? row.gray_extension : row.extension);
}

std::string format_choices() {
  std::string text;
  for (const FormatName& row : format_names) {
    if (!text.empty()) text += &row == std::end(format_names) - 1 ? " or " : ", ";
    text += row.name;
  }
  return text;
}

std::string format_labels() {
  std::string text;
  for (const FormatName& row : format_names) text.append(text.empty() ? "" : ", ").append(row.label);
  return text + GANVAS_FURTHER_FORMATS;
}

std::span<const ForeignFormat> foreign_formats() { return foreign; }

const ForeignFormat* foreign_format(std::string_view name) {
  return row_with(std::span<const ForeignFormat>(foreign), name);
}

void check_can_be_written(const std::string& name) {
  const std::string extension = std::filesystem::path(name).extension().string();
  if (foreign_format(extension))
    fail(ErrorKind::usage, "{}: {} files can't be written; choose {}", name, extension, format_choices());
}

}  // namespace ganvas
