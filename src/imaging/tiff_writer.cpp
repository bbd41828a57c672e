#include <cstdio>
#include <cstring>
#include <mutex>
#include <vector>

#include "imaging/tiff_memory.hpp"

namespace ganvas::codecs {

tmsize_t TiffMemory::read(thandle_t handle, void* data, tmsize_t count) {
  auto& self = *static_cast<TiffMemory*>(handle);
  const View bytes = self.reading_ ? self.input_ : View(self.output_);
  if (count <= 0 || self.position_ >= bytes.size()) return 0;
  const std::size_t taken = std::min<std::size_t>(count, bytes.size() - self.position_);
  std::memcpy(data, bytes.data() + self.position_, taken);
  self.position_ += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t TiffMemory::write(thandle_t handle, void* data, tmsize_t count) {
  auto& self = *static_cast<TiffMemory*>(handle);
  if (self.reading_ || count <= 0) return 0;
  try {
    if (self.position_ + count > self.output_.size()) self.output_.resize(self.position_ + count);
  } catch (const std::bad_alloc&) {
    return 0;  // C code must not see an exception; libtiff reports the failed write
  }
  std::memcpy(self.output_.data() + self.position_, data, count);
  self.position_ += count;
  return count;
}

toff_t TiffMemory::seek(thandle_t handle, toff_t offset, int whence) {
  auto& self = *static_cast<TiffMemory*>(handle);
  if (whence == SEEK_CUR) offset += self.position_;
  if (whence == SEEK_END) offset += size(handle);
  return self.position_ = offset;
}

toff_t TiffMemory::size(thandle_t handle) {
  const auto& self = *static_cast<TiffMemory*>(handle);
  return self.reading_ ? self.input_.size() : self.output_.size();
}

TIFF* TiffMemory::open(const char* mode) {
  static std::once_flag silenced;
  std::call_once(silenced, [] {
    TIFFSetErrorHandler(nullptr);
    TIFFSetWarningHandler(nullptr);
  });
  close();
  position_ = 0;
  tiff_ = TIFFClientOpen(
      "memory", mode, this, read, write, seek, [](thandle_t) { return 0; }, size,
      [](thandle_t, void**, toff_t*) { return 0; }, [](thandle_t, void*, toff_t) {});
  return tiff_;
}

void TiffMemory::close() {
  if (tiff_) TIFFClose(tiff_);
  tiff_ = nullptr;
}

namespace {

void set_fields(TIFF* tiff, const Image& image) {
  const bool bands = image.channels() > 4, gray = image.channels() <= 2 || bands,
             floating = image.depth() == Depth::f32;
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(image.width()));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(image.height()));
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, image.channels());
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * image.pixels.elemSize1()));
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, floating ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, gray ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
  TIFFSetField(tiff, TIFFTAG_PREDICTOR, floating ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL);
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, TIFFDefaultStripSize(tiff, 0));
  // Bands are a gray picture's extra samples of no kind, as remote sensing stores them.
  if (bands || image.has_alpha()) {
    const std::vector<std::uint16_t> kinds(bands ? static_cast<std::size_t>(image.channels()) - 1 : 1,
                                           bands ? EXTRASAMPLE_UNSPECIFIED : EXTRASAMPLE_UNASSALPHA);
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, static_cast<int>(kinds.size()), kinds.data());
  }
}

}  // namespace

Bytes encode_tiff(const Image& image) {
  // The classic format's offsets end at 4 GiB; BigTIFF is for pictures that may not fit.
  const std::uint64_t raw = std::uint64_t{image.pixels.elemSize()} * image.width() * image.height();
  TiffMemory memory;
  TIFF* tiff = memory.open(raw > 3'900'000'000U ? "w8" : "w");
  if (!tiff) fail(ErrorKind::internal, "the TIFF writer failed to start");
  set_fields(tiff, image);
  Bytes row(image.pixels.elemSize() * image.width());  // predictors work in place
  for (int y = 0; y < image.height(); ++y) {
    std::memcpy(row.data(), image.pixels.ptr(y), row.size());
    if (TIFFWriteScanline(tiff, row.data(), y, 0) != 1) fail(ErrorKind::internal, "the TIFF writer failed");
  }
  if (!TIFFFlush(tiff)) fail(ErrorKind::internal, "the TIFF writer failed");
  memory.close();
  return memory.take();
}

}  // namespace ganvas::codecs
