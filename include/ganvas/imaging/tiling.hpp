#pragma once

#include <functional>
#include <vector>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

struct TileOptions {
  int tile = 256;    ///< longest side of a tile without its context, in input pixels
  int overlap = 16;  ///< context on every side inside the picture, in input pixels
  int feather = 8;   ///< width of the blended seam, in input pixels; at most `overlap`
  int edge = 4;      ///< reflected context beyond the picture's border, at most `overlap`. The tiles of one picture and
                     ///< the whole see the same there. What a network does at its own border is hidden by it;
                     ///< the full overlap would cost a quarter of the work on a small picture.
  int align = 1;     ///< tiles start at multiples of this from the first one: for networks that work in such blocks
};

/// One tile, in input pixels. `x, y, width, height` is the region the network sees; it may stick out of the picture
/// (reflected there). All tiles of a plan have the same width and height, so that a network can be prepared once.
struct Tile {
  int x = 0, y = 0, width = 0, height = 0;
};

struct TilePlan {
  int image_width = 0, image_height = 0;
  int columns = 0, rows = 0;
  TileOptions options;
  std::vector<Tile> tiles;  ///< row by row
};

/// Cuts the picture into equal tiles; a picture smaller than a tile becomes one tile of its own size + the edges. Cores
/// share the feather, so that blended pixels too have `overlap` pixels of context in both tiles.
TilePlan plan_tiles(int width, int height, const TileOptions& options);

/// A network's work on one tile: f32 in (width x height x channels, 0..1), f32 out, exactly `scale` times as large.
using TileFunction = std::function<cv::Mat(const cv::Mat& tile)>;

/// Runs `function` over all tiles and blends them with linear feathers. The picture and the result stay in their own
/// depth; floats exist only for one tile and one strip of seams. `output_depth` of the result; rounding to nearest.
/// With an overlap that covers the network's receptive field the result equals the untiled one up to rounding.
/// Reflection beyond the picture's own size (tiny pictures) repeats the reflection.
Image run_tiled(const Image& image, const TilePlan& plan, int scale, Depth output_depth, const TileFunction& function,
                const std::function<void(int done, int total)>& progress = {});

}  // namespace ganvas
