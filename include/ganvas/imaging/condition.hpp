#pragma once

#include <string>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// What can be seen of a picture's earlier life without knowing the original.
struct PictureCondition {
  /// 1 to 100 on the scale of the Independent JPEG Group, by the file's table for luma; 0 for other formats.
  double jpeg_quality = 0;
  /// How much more neighbours differ across the borders of 8x8 blocks, wherever these lie, than inside blocks, relative
  /// to inside: near 0 where there are no blocks. What a JPEG leaves in other files too. (After Wang, Sheikh and Bovik
  /// 2002, with differences of third order, which a slope doesn't reach.)
  double blockiness = 0;
  /// Standard deviation of the noise in luma, in levels of 255: Immerkaer's estimate (1996) in the calmest tenth of the
  /// picture.
  double noise = 0;
};

/// Looks at some 2 megapixels of larger pictures. 1 channel or more; `jpeg_quality` as the decoder says it.
PictureCondition condition_of(const Image& image, double jpeg_quality);

/// What is wrong with a picture, in words, so that a network which removes blocks and noise serves it better than one
/// which keeps what it sees; empty: nothing. How the limits were found: README.
std::string degradation_of(const PictureCondition& condition);

}  // namespace ganvas
