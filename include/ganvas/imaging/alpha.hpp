#pragma once

#include <optional>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Fills the colours of transparent pixels from their opaque neighbourhood, so that filters and networks don't pull
/// arbitrary hidden colours (usually black) into soft edges. Pixels that are not wholly transparent keep their values.
/// Returns the colour planes (1 or 3 channels); pictures of constant alpha give theirs unchanged.
Image bleed_colour(const Image& image_with_alpha);

/// The alpha value shared by all pixels, if there is one (in the picture's own range).
std::optional<double> constant_alpha(const Image& image_with_alpha);

/// Colours (1 or 3 channels) as they look on white, in float, rounded once. A picture without alpha as it is.
Image over_white(const Image& image);

}  // namespace ganvas
