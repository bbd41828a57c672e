#include "ganvas/imaging/labels.hpp"

#include <cmath>
#include <limits>

#include "ganvas/core/setting_error.hpp"

namespace ganvas {

namespace {

/// Each number's colour is looked up once; most neighbours are of one class.
template <typename Number>
void color_rows(const Image& numbers, const LabelTable& table, Image& map) {
  int known = -1;
  LabelColor color{};
  for (int y = 0; y < numbers.height(); ++y) {
    const auto* in = numbers.pixels.ptr<Number>(y);
    auto* out = map.pixels.ptr(y);
    for (int x = 0; x < numbers.width(); ++x, out += 3) {
      if (in[x] != known) {
        const auto found = table.color_of(in[x]);
        if (!found) fail_setting(ErrorKind::data, "palette", "class {} at {},{} has no colour", in[x], x, y);
        known = in[x];
        color = *found;
      }
      std::copy(color.begin(), color.end(), out);
    }
  }
}

std::uint32_t packed(const std::uint8_t* color) { return color[0] << 16 | color[1] << 8 | color[2]; }

struct Nearest {
  const LabelTable::Entry* entry;
  double distance;
};

Nearest nearest_entry(const std::uint8_t* color, const LabelTable& table) {
  const LabelTable::Entry* best = nullptr;
  int least = std::numeric_limits<int>::max();
  for (const auto& entry : table.entries()) {
    int distance = 0;
    for (int c = 0; c < 3; ++c) distance += (entry.color[c] - color[c]) * (entry.color[c] - color[c]);
    if (distance < least) least = distance, best = &entry;
  }
  return {best, std::sqrt(least)};
}

/// The colours that belong to no class: the first ones in words, the rest counted.
struct Strangers {
  std::string named;
  std::size_t colors = 0, pixels = 0;

  void add(std::uint32_t color, int x, int y, const Nearest& nearest) {
    if (colors++ < 3)
      named += fmt::format("{}#{:06x} at {},{} (nearest: class {}, {:.1f} away)", named.empty() ? "" : ", ", color, x,
                           y, nearest.entry->index, nearest.distance);
  }
};

}  // namespace

Image color_labels(const Image& numbers, const LabelTable& table) {
  if (numbers.channels() != 1 || numbers.depth() == Depth::f32)
    fail(ErrorKind::data, "class numbers are gray pictures of 8 or 16 bits, or palette PNGs");
  Image map(numbers.width(), numbers.height(), 3, Depth::u8);
  if (numbers.depth() == Depth::u8) color_rows<std::uint8_t>(numbers, table, map);
  else color_rows<std::uint16_t>(numbers, table, map);
  return map;
}

Image label_colors(const Image& colors, const LabelTable& table, double tolerance) {
  if (table.entries().empty()) fail(ErrorKind::data, "a table without colours");
  const Image map = to_rgb(color_part(to_depth(colors, Depth::u8)));
  cv::Mat numbers(map.height(), map.width(), CV_16U);
  std::unordered_map<std::uint32_t, int> known;  // -1: a stranger
  Strangers strangers;
  for (int y = 0; y < map.height(); ++y) {
    const auto* in = map.pixels.ptr(y);
    auto* out = numbers.ptr<std::uint16_t>(y);
    for (int x = 0; x < map.width(); ++x, in += 3) {
      const auto [found, fresh] = known.try_emplace(packed(in), -1);
      if (fresh) {
        const Nearest nearest = nearest_entry(in, table);
        if (nearest.distance <= tolerance) found->second = nearest.entry->index;
        else strangers.add(found->first, x, y, nearest);
      }
      if (found->second < 0) ++strangers.pixels;
      out[x] = static_cast<std::uint16_t>(found->second);
    }
  }
  if (strangers.colors > 0)
    fail_setting(ErrorKind::data, "tolerance", "{} colours ({} pixels) belong to no class: {}{}", strangers.colors,
                 strangers.pixels, strangers.named, strangers.colors > 3 ? ", ..." : "");
  if (table.largest_index() > 255) return Image(numbers);
  // Numbers, not brightness: to_depth() would scale them.
  Image narrow;
  numbers.convertTo(narrow.pixels, CV_8U);
  return narrow;
}

}  // namespace ganvas
