#pragma once

#include <tiffio.h>

#include "imaging/codecs.hpp"

namespace ganvas::codecs {

/// libtiff's view of bytes in memory: a file to read, or one that grows as it is written.
class TiffMemory {
 public:
  TiffMemory() = default;
  explicit TiffMemory(View bytes) : input_(bytes), reading_(true) {}
  ~TiffMemory() { close(); }
  TiffMemory(const TiffMemory&) = delete;
  TiffMemory& operator=(const TiffMemory&) = delete;

  /// nullptr where libtiff makes nothing of it. Owned by this object.
  TIFF* open(const char* mode);
  void close();
  Bytes take() { return std::move(output_); }

 private:
  static tmsize_t read(thandle_t handle, void* data, tmsize_t count);
  static tmsize_t write(thandle_t handle, void* data, tmsize_t count);
  static toff_t seek(thandle_t handle, toff_t offset, int whence);
  static toff_t size(thandle_t handle);

  View input_;
  Bytes output_;
  std::uint64_t position_ = 0;
  bool reading_ = false;
  TIFF* tiff_ = nullptr;
};

}  // namespace ganvas::codecs
