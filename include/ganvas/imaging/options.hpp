#pragma once

/// What callers may choose in this module, free of OpenCV: a command line binds these fields before it is loaded.
namespace ganvas {

struct EncodeOptions {
  int quality = 95;   ///< JPEG and WebP, 1..100; WebP at 100 is lossless
  int png_level = 1;  ///< 0..9; 3 is some 3 % smaller and takes 1.8 times as long
};

/// Correction of colour shifts that networks bring in, see fix_colour().
enum class ColourFix {
  none,
  mean,     ///< shifts each channel so that its mean equals the reference's
  wavelet,  ///< high frequencies of the result + low frequencies of the reference (5 a-trous levels, [1 2 1]^2/16)
};

}  // namespace ganvas
