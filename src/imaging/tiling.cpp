#include "ganvas/imaging/tiling.hpp"

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "imaging/mirror.hpp"

namespace ganvas {
namespace {

/// One axis of a plan: equal regions, spread evenly from `edge` before the picture to `edge` behind it. The part of a
/// region that counts lies `overlap` inside it, except at the picture's own ends; neighbours share at least the
/// feather, so that every pixel that counts has its full context.
struct Axis {
  int region = 0, count = 1;
  std::vector<int> starts;

  Axis(int size, const TileOptions& options) {
    const int edge = options.edge, align = options.align;
    const auto aligned = [align](int length) { return (length + align - 1) / align * align; };
    const int padded = aligned(size + 2 * edge);
    region = padded;
    if (size > options.tile) {
      // count regions of core + 2 overlap, less what neighbours share, must cover the padded size. Aligned starts may
      // drift apart by up to align - 1.
      const int shared = 2 * options.overlap + options.feather + align - 1;
      const int step = std::max(1, options.tile - options.feather - align + 1);
      count = std::max(1, (padded - shared + step - 1) / step);
      region = std::min(padded, aligned((padded + (count - 1) * shared + count - 1) / count));
    }
    for (int i = 0; i < count; ++i) {
      const auto start = count == 1 ? 0 : static_cast<int>(std::int64_t{i} * (padded - region) / (count - 1));
      const int at = start / align * align - edge;
      // Where steps are smaller than the alignment, several regions would be the same one.
      if (starts.empty() || starts.back() != at) starts.push_back(at);
    }
    count = static_cast<int>(starts.size());
  }
};

/// What part of an axis each tile finishes: from its own seam up to the next one's. The seam's ramp begins there, in
/// the middle of what both neighbours know with full context.
std::vector<int> seams_of(const std::vector<int>& starts, int region, int size, const TileOptions& options) {
  std::vector<int> seams{0};
  for (std::size_t i = 1; i < starts.size(); ++i) {
    const int from = starts[i] + options.overlap, to = starts[i - 1] + region - options.overlap;
    seams.push_back(from + (to - from - options.feather) / 2);
  }
  seams.push_back(size);
  return seams;
}

/// The tile's pixels as floats in 0..1, reflected where it sticks out of the picture.
cv::Mat load_tile(const Image& image, const Tile& tile) {
  const cv::Rect whole(0, 0, image.width(), image.height());
  const cv::Rect inside = whole & cv::Rect(tile.x, tile.y, tile.width, tile.height);
  cv::Mat result(tile.height, tile.width, CV_32FC(image.channels()));
  const cv::Rect place(inside.x - tile.x, inside.y - tile.y, inside.width, inside.height);
  cv::Mat target = result(place);
  image.pixels(inside).convertTo(target, CV_32F, 1 / max_value(image.depth()));

  const std::size_t pixel = result.elemSize();
  for (int y = place.y; y < place.br().y; ++y) {
    std::uint8_t* row = result.ptr(y);
    const auto fill = [&](int x) {
      std::copy_n(row + (mirror(std::int64_t{tile.x} + x, image.width()) - tile.x) * pixel, pixel, row + x * pixel);
    };
    for (int x = 0; x < place.x; ++x) fill(x);
    for (int x = place.br().x; x < tile.width; ++x) fill(x);
  }
  for (int y = 0; y < tile.height; ++y)
    if (y < place.y || y >= place.br().y)
      std::copy_n(result.ptr(mirror(std::int64_t{tile.y} + y, image.height()) - tile.y), tile.width * pixel,
                  result.ptr(y));
  return result;
}

/// Weight of the newer tile at step `i` of a seam.
float ramp(int i, int length) { return (static_cast<float>(i) + 0.5f) / static_cast<float>(length); }

/// newer = older + (newer - older) * ramp, along x or y.
void blend(const cv::Mat& older, cv::Mat newer, bool along_x) {
  const int channels = newer.channels(), length = along_x ? newer.cols : newer.rows;
  for (int y = 0; y < newer.rows; ++y) {
    const auto* from = older.ptr<float>(y);
    auto* to = newer.ptr<float>(y);
    for (int x = 0; x < newer.cols; ++x) {
      const float weight = ramp(along_x ? x : y, length);
      for (int c = 0; c < channels; ++c, ++from, ++to) *to = *from + (*to - *from) * weight;
    }
  }
}

/// Joins finished tiles, which must come row by row. All members are in output pixels.
class Joiner {
 public:
  Joiner(const TilePlan& plan, int scale, Depth depth) : plan_(plan), scale_(scale), depth_(depth) {
    std::vector<int> lefts, tops;
    for (int i = 0; i < plan.columns; ++i) lefts.push_back(plan.tiles[i].x);
    for (int i = 0; i < plan.rows; ++i) tops.push_back(plan.tiles[std::size_t(i) * plan.columns].y);
    columns_ = seams_of(lefts, plan.tiles[0].width, plan.image_width, plan.options);
    rows_ = seams_of(tops, plan.tiles[0].height, plan.image_height, plan.options);
    for (auto* seams : {&columns_, &rows_})
      for (int& seam : *seams) seam *= scale;
    feather_ = plan.options.feather * scale;
  }

  void add(int index, const cv::Mat& tile) {
    const int column = index % plan_.columns, row = index / plan_.columns;
    check(index, tile);
    const bool right = column + 1 < plan_.columns, below = row + 1 < plan_.rows;
    // What this tile finishes, and that plus the ramps into its right and lower neighbours.
    const cv::Rect done(cv::Point(columns_[column], rows_[row]), cv::Point(columns_[column + 1], rows_[row + 1]));
    const cv::Rect used(done.x, done.y, done.width + (right ? feather_ : 0), done.height + (below ? feather_ : 0));
    cv::Mat part = tile(used - cv::Point(plan_.tiles[index].x * scale_, plan_.tiles[index].y * scale_));

    if (column > 0 && feather_ > 0) blend(right_edge_, part.colRange(0, feather_), true);
    if (right) right_edge_ = part.colRange(done.width, used.width).clone();
    part = part.colRange(0, done.width);
    cv::Mat strip = lower_edge_.colRange(done.x, done.x + done.width);
    if (row > 0 && feather_ > 0) blend(strip, part.rowRange(0, feather_), false);
    if (below) part.rowRange(done.height, used.height).copyTo(strip);

    cv::Mat target = output_.pixels(done);
    part.rowRange(0, done.height).convertTo(target, target.depth(), max_value(depth_));
  }

  Image take() { return std::move(output_); }

 private:
  void check(int index, const cv::Mat& tile) {
    const Tile& plan = plan_.tiles[index];
    if (tile.depth() != CV_32F || tile.cols != plan.width * scale_ || tile.rows != plan.height * scale_)
      fail(ErrorKind::internal, "a tile of {} x {} came back as {} x {} at scale {}", plan.width, plan.height,
           tile.cols, tile.rows, scale_);
    if (output_.empty()) {
      output_ = Image(plan_.image_width * scale_, plan_.image_height * scale_, tile.channels(), depth_);
      lower_edge_.create(feather_, output_.width(), tile.type());
    }
    if (tile.channels() != output_.channels()) fail(ErrorKind::internal, "tiles of different channel counts");
  }

  const TilePlan& plan_;
  int scale_, feather_ = 0;
  Depth depth_;
  std::vector<int> columns_, rows_;  ///< where seams begin, and the end
  cv::Mat right_edge_;               ///< ramp of the tile before in this row
  cv::Mat lower_edge_;               ///< ramps of the row before, already joined along x
  Image output_;
};

}  // namespace

TilePlan plan_tiles(int width, int height, const TileOptions& options) {
  if (width < 1 || height < 1) fail(ErrorKind::internal, "an empty picture can't be tiled");
  if (options.tile < 1 || options.overlap < 0 || options.feather < 0 || options.edge < 0 || options.align < 1)
    fail(ErrorKind::usage,
         "tile size {}, overlap {}, feather {}, edge {}: the size must be positive, the others not negative",
         options.tile, options.overlap, options.feather, options.edge);
  TilePlan plan{width, height, 1, 1, options, {}};
  // Wider ramps would run into each other, and more context at the edge than inside is of no use.
  plan.options.feather = std::min({options.feather, options.overlap, options.tile / 4});
  plan.options.edge = std::min(options.edge, options.overlap);
  const Axis across(width, plan.options), down(height, plan.options);
  plan.columns = across.count;
  plan.rows = down.count;
  for (const int y : down.starts)
    for (const int x : across.starts) plan.tiles.push_back({x, y, across.region, down.region});
  return plan;
}

Image run_tiled(const Image& image, const TilePlan& plan, int scale, Depth output_depth, const TileFunction& function,
                const std::function<void(int, int)>& progress) {
  if (image.width() != plan.image_width || image.height() != plan.image_height)
    fail(ErrorKind::internal, "a tile plan for {} x {} pixels used on {} x {}", plan.image_width, plan.image_height,
         image.width(), image.height());
  if (scale < 1 || std::int64_t{scale} * std::max(image.width(), image.height()) > INT32_MAX)
    fail(ErrorKind::usage, "{} x {} pixels can't be enlarged {} times", image.width(), image.height(), scale);
  Joiner joiner(plan, scale, output_depth);
  const int total = static_cast<int>(plan.tiles.size());
  for (int i = 0; i < total; ++i) {
    joiner.add(i, function(load_tile(image, plan.tiles[i])));
    if (progress) progress(i + 1, total);
  }
  return joiner.take();
}

}  // namespace ganvas
