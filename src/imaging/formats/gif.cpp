// GIF by giflib; stills only.
#include <gif_lib.h>

#include <memory>

#include "imaging/codecs.hpp"

namespace ganvas::gif_plugin {
namespace {

using namespace codecs;

[[noreturn]] void reject_unreadable() { reject("is truncated or damaged; get an intact copy of the file"); }

/// A file in memory, and giflib's view of it.
class Reader {
 public:
  explicit Reader(View bytes) : bytes_(bytes) {
    int error = 0;
    file_ = DGifOpen(this, &Reader::read, &error);
    if (!file_) reject_unreadable();
  }
  ~Reader() { DGifCloseFile(file_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  GifFileType* operator->() const { return file_; }
  GifFileType* get() const { return file_; }

  GifRecordType next() {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(file_, &type) == GIF_ERROR) reject_unreadable();
    return type;
  }
  /// Calls with each block of the extension that comes; its code first.
  template <typename Take>
  void extension(const Take& take) {
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(file_, &code, &block) == GIF_ERROR) reject_unreadable();
    while (block) {
      take(code, View(block + 1, block[0]));
      if (DGifGetExtensionNext(file_, &block) == GIF_ERROR) reject_unreadable();
    }
  }
  void skip_pixels() {
    int size = 0;
    GifByteType* block = nullptr;
    if (DGifGetCode(file_, &size, &block) == GIF_ERROR) reject_unreadable();
    while (block)
      if (DGifGetCodeNext(file_, &block) == GIF_ERROR) reject_unreadable();
  }

 private:
  static int read(GifFileType* file, GifByteType* out, int count) {
    Reader& self = *static_cast<Reader*>(file->UserData);
    const std::size_t got = std::min<std::size_t>(count, self.bytes_.size() - self.at_);
    std::copy_n(self.bytes_.begin() + static_cast<std::ptrdiff_t>(self.at_), got, out);
    self.at_ += got;
    return static_cast<int>(got);
  }
  View bytes_;
  std::size_t at_ = 0;
  GifFileType* file_ = nullptr;
};

bool sniff(View head) { return marked(head, 0, "GIF87a") || marked(head, 0, "GIF89a"); }

Facts inspect(View bytes) {
  Reader reader(bytes);
  Facts facts{reader->SWidth, reader->SHeight};
  int pictures = 0;
  for (GifRecordType type = reader.next(); type != TERMINATE_RECORD_TYPE; type = reader.next()) {
    if (type == EXTENSION_RECORD_TYPE) reader.extension([](int, View) {});
    if (type != IMAGE_DESC_RECORD_TYPE) continue;
    if (++pictures == 2) break;
    if (DGifGetImageDesc(reader.get()) == GIF_ERROR) reject_unreadable();
    reader.skip_pixels();
  }
  if (pictures == 0) reject_damaged();
  facts.several = pictures > 1;
  return facts;
}

/// The palette's numbers of the one picture, on a ground of `nothing` where it leaves the screen free.
cv::Mat read_indices(const Reader& reader, int nothing) {
  const GifImageDesc& place = reader->Image;
  if (place.Width < 1 || place.Height < 1 || place.Left < 0 || place.Top < 0 ||
      place.Left + place.Width > reader->SWidth || place.Top + place.Height > reader->SHeight)
    reject_damaged();
  cv::Mat indices(reader->SHeight, reader->SWidth, CV_16SC1, cv::Scalar(nothing));
  std::vector<GifPixelType> row(place.Width);
  // Interlaced rows come in four passes (GIF89a, appendix E).
  constexpr int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  const int passes = place.Interlace ? 4 : 1;
  for (int pass = 0; pass < passes; ++pass)
    for (int y = place.Interlace ? starts[pass] : 0; y < place.Height; y += place.Interlace ? steps[pass] : 1) {
      if (DGifGetLine(reader.get(), row.data(), place.Width) == GIF_ERROR) reject_unreadable();
      std::copy(row.begin(), row.end(), indices.ptr<std::int16_t>(place.Top + y) + place.Left);
    }
  return indices;
}

Image coloured(const cv::Mat& indices, const ColorMapObject& palette, int transparent) {
  bool alpha = false;
  for (int y = 0; y < indices.rows && !alpha; ++y) {
    const auto* in = indices.ptr<std::int16_t>(y);
    alpha = std::any_of(in, in + indices.cols, [&](int index) { return index < 0 || index == transparent; });
  }
  Image image(indices.cols, indices.rows, alpha ? 4 : 3, Depth::u8);
  for (int y = 0; y < indices.rows; ++y) {
    const auto* in = indices.ptr<std::int16_t>(y);
    std::uint8_t* out = image.pixels.ptr(y);
    for (int x = 0; x < indices.cols; ++x, out += image.channels()) {
      if (in[x] >= palette.ColorCount) reject_damaged();
      const GifColorType colour = in[x] < 0 ? GifColorType{} : palette.Colors[in[x]];
      out[0] = colour.Red;
      out[1] = colour.Green;
      out[2] = colour.Blue;
      if (alpha) out[3] = in[x] < 0 || in[x] == transparent ? 0 : 255;
    }
  }
  return image;
}

/// What stands in extensions beside the picture.
struct Notes {
  int transparent = -1;
  Metadata metadata;
  std::string application;  ///< whose blocks are being read

  void take(int code, View block) {
    if (code == GRAPHICS_EXT_FUNC_CODE && block.size() >= 4) transparent = block[0] & 1 ? block[3] : -1;
    if (code == COMMENT_EXT_FUNC_CODE) metadata.comments.back().append(block.begin(), block.end());
    if (code != APPLICATION_EXT_FUNC_CODE) return;
    if (application.empty()) application.assign(block.begin(), block.end());
    else if (application == "ICCRGBG1012") metadata.icc.insert(metadata.icc.end(), block.begin(), block.end());
  }
  void end() {
    if (application == "XMP DataXMP") metadata.dropped.emplace_back("XMP of a GIF isn't read");
    application.clear();
  }
};

Image decode(View bytes, Decoding& decoding) {
  Reader reader(bytes);
  Notes notes;
  Image image;
  for (GifRecordType type = reader.next(); type != TERMINATE_RECORD_TYPE; type = reader.next()) {
    if (type == EXTENSION_RECORD_TYPE) {
      notes.metadata.comments.emplace_back();
      reader.extension([&](int code, View block) { notes.take(code, block); });
      if (notes.metadata.comments.back().empty()) notes.metadata.comments.pop_back();
      notes.end();
    }
    if (type != IMAGE_DESC_RECORD_TYPE) continue;
    if (DGifGetImageDesc(reader.get()) == GIF_ERROR) reject_unreadable();
    const ColorMapObject* palette = reader->Image.ColorMap ? reader->Image.ColorMap : reader->SColorMap;
    if (!palette) reject("has no palette, and so no colours; get an intact copy of the file");
    image = coloured(read_indices(reader, /*nothing=*/-1), *palette, notes.transparent);
  }
  decoding.metadata = std::move(notes.metadata);
  return image;
}

}  // namespace

Codec plugin() { return {Format::gif, sniff, inspect, decode, nullptr, {}}; }

}  // namespace ganvas::gif_plugin
