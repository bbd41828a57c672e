#include "ganvas/imaging/labels.hpp"

#include <cmath>
#include <limits>

#include "ganvas/core/setting_error.hpp"

namespace ganvas {

namespace {

/// Each number's colour is looked up once; most neighbours are of one class.
template <typename Number>
void colour_rows(const Image& numbers, const LabelTable& table, Image& map) {
  int known = -1;
  LabelColour colour{};
  for (int y = 0; y < numbers.height(); ++y) {
    const auto* in = numbers.pixels.ptr<Number>(y);
    auto* out = map.pixels.ptr(y);
    for (int x = 0; x < numbers.width(); ++x, out += 3) {
      if (in[x] != known) {
        const auto found = table.colour_of(in[x]);
        if (!found) fail_setting(ErrorKind::data, "palette", "class {} at {},{} has no colour", in[x], x, y);
        known = in[x];
        colour = *found;
      }
      std::copy(colour.begin(), colour.end(), out);
    }
  }
}

std::uint32_t packed(const std::uint8_t* colour) { return colour[0] << 16 | colour[1] << 8 | colour[2]; }

struct Nearest {
  const LabelTable::Entry* entry;
  double distance;
};

Nearest nearest_entry(const std::uint8_t* colour, const LabelTable& table) {
  const LabelTable::Entry* best = nullptr;
  int least = std::numeric_limits<int>::max();
  for (const auto& entry : table.entries()) {
    int distance = 0;
    for (int c = 0; c < 3; ++c) distance += (entry.colour[c] - colour[c]) * (entry.colour[c] - colour[c]);
    if (distance < least) least = distance, best = &entry;
  }
  return {best, std::sqrt(least)};
}

/// The colours that belong to no class: the first ones in words, the rest counted.
struct Strangers {
  std::string named;
  std::size_t colours = 0, pixels = 0;

  void add(std::uint32_t colour, int x, int y, const Nearest& nearest) {
    if (colours++ < 3)
      named += fmt::format("{}#{:06x} at {},{} (nearest: class {}, {:.1f} away)", named.empty() ? "" : ", ", colour, x,
                           y, nearest.entry->index, nearest.distance);
  }
};

}  // namespace

Image colour_labels(const Image& numbers, const LabelTable& table) {
  if (numbers.channels() != 1 || numbers.depth() == Depth::f32)
    fail(ErrorKind::data, "class numbers are gray pictures of 8 or 16 bits, or palette PNGs");
  Image map(numbers.width(), numbers.height(), 3, Depth::u8);
  if (numbers.depth() == Depth::u8) colour_rows<std::uint8_t>(numbers, table, map);
  else colour_rows<std::uint16_t>(numbers, table, map);
  return map;
}

Image label_colours(const Image& colours, const LabelTable& table, double tolerance) {
  if (table.entries().empty()) fail(ErrorKind::data, "a table without colours");
  const Image map = to_rgb(colour_part(to_depth(colours, Depth::u8)));
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
  if (strangers.colours > 0)
    fail_setting(ErrorKind::data, "tolerance", "{} colours ({} pixels) belong to no class: {}{}", strangers.colours,
                 strangers.pixels, strangers.named, strangers.colours > 3 ? ", ..." : "");
  if (table.largest_index() > 255) return Image(numbers);
  // Numbers, not brightness: to_depth() would scale them.
  Image narrow;
  numbers.convertTo(narrow.pixels, CV_8U);
  return narrow;
}

}  // namespace ganvas
