// upscale_one MODEL IN OUT: the library in a few lines.
#include <cstdio>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/infer/upscaler.hpp"

int main(int argc, char** argv) try {
  if (argc != 4) ganvas::fail(ganvas::ErrorKind::usage, "usage: upscale_one MODEL IN OUT");
  ganvas::Upscaler upscaler(ganvas::load_generator(argv[1]), {});
  const ganvas::DecodedImage picture = ganvas::read_image(argv[2]);
  const int scale = upscaler.info().scale;
  const cv::Size size(picture.image.width() * scale, picture.image.height() * scale);
  const ganvas::Image large = upscaler.upscale(picture.image, size);
  ganvas::write_image(argv[3], large, picture.metadata);
  std::printf("%s: %d x %d\n", argv[3], large.width(), large.height());
} catch (const ganvas::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return ganvas::exit_code(error.kind());
}
