#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The picture formats by their names. Free of OpenCV: the command line needs them before anything else is loaded. What
/// a format can do stands in its own file in src/imaging/formats/; see codec.hpp.
namespace ganvas {

/// Those behind pnm are read only, and only by builds with their libraries.
enum class Format { png, jpeg, webp, tiff, bmp, pnm, tga, gif, heif, jxl };

struct FormatName {
  Format format;
  std::string_view name;                       ///< as options have it
  std::string_view label;                      ///< as people write it
  std::string_view extension, gray_extension;  ///< customary, without a dot
  std::array<std::string_view, 4> extensions;  ///< all, in lower case
};

/// Those that are written, in the order of the enumerators.
inline constexpr FormatName format_names[] = {
    {Format::png, "png", "PNG", "png", "png", {"png"}},
    {Format::jpeg, "jpeg", "JPEG", "jpg", "jpg", {"jpg", "jpeg", "jpe", "jfif"}},
    {Format::webp, "webp", "WebP", "webp", "webp", {"webp"}},
    {Format::tiff, "tiff", "TIFF", "tif", "tif", {"tif", "tiff"}},
    {Format::bmp, "bmp", "BMP", "bmp", "bmp", {"bmp", "dib"}},
    {Format::pnm, "pnm", "PNM", "ppm", "pgm", {"pnm", "ppm", "pgm", "pbm"}},
};

constexpr bool is_written(Format format) { return static_cast<std::size_t>(format) < std::size(format_names); }
/// Of a format that is written.
constexpr const FormatName& name_of(Format format) { return format_names[static_cast<int>(format)]; }
/// The format in which results of such pictures are written where nobody says otherwise: the same, or PNG.
constexpr Format written_for(Format input) { return is_written(input) ? input : Format::png; }

/// Of those that are written, by name or file extension with or without a dot ("JPG", ".jpeg", "a.tif", "pgm"); nullopt
/// when unknown.
std::optional<Format> format_from_name(std::string_view name);
/// Customary extension without a dot: png jpg webp tif bmp; pnm by channel count: pgm for gray, ppm for colour.
std::string extension_of(Format format, int channels = 3);

/// "png, jpeg, webp, tiff, bmp or pnm", for options and what they refuse.
std::string format_choices();
/// "PNG, JPEG, WebP, TIFF, BMP, PNM", and what this build reads besides, for texts.
std::string format_labels();

/// Pictures of a kind that is never written. Where no reader is built for it either, it is known only to be refused by
/// its name: better than passed over in silence.
struct ForeignFormat {
  std::string_view label;
  std::array<std::string_view, 4> extensions;
  std::string_view mark;               ///< how such files begin; empty where they have no mark
  std::size_t at = 0;                  ///< where the mark stands
  bool by_mark_alone = false;          ///< files of other kinds have this extension too
  std::optional<Format> read_as = {};  ///< by builds that have its reader
  /// The build's option for that, and Debian's package; empty: there is none.
  std::string_view option = {}, package = {};
};

std::span<const ForeignFormat> foreign_formats();
/// By file extension, with or without a dot; nullptr when unknown.
const ForeignFormat* foreign_format(std::string_view name);
/// Throws Error(usage) for an output's name that promises a foreign format.
void check_can_be_written(const std::string& name);

}  // namespace ganvas
