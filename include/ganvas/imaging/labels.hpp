#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ganvas/imaging/image.hpp"

/// Pictures of class numbers and their coloured maps, which people and networks can see.
namespace ganvas {

using LabelColour = std::array<std::uint8_t, 3>;  ///< RGB

/// The colour of a class in PASCAL VOC's maps (Everingham et al., IJCV 2010; the development kit's rule): the number's
/// bits, from the lowest on, go to red, green and blue in turn, each filled from its highest bit down. All numbers
/// below 2^24 get colours of their own; the first 256 differ by at least 32 levels in a channel.
LabelColour voc_colour(std::uint32_t index);

/// Which class has which colour; class numbers 0..65535.
class LabelTable {
 public:
  /// voc_colour() of the numbers below `classes`.
  static LabelTable voc(int classes);
  /// From a text: a line "index r g b" (0..255) or "index #rrggbb" a class; behind a further # and on lines that begin
  /// with one stand comments. Throws Error(file) that names `name` and the line; a class given twice is an error.
  static LabelTable parse(std::string_view text, const std::string& name);

  struct Entry {
    int index;
    LabelColour colour;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  std::optional<LabelColour> colour_of(int index) const;
  int largest_index() const;
  /// Throws Error(data) that names two classes of one colour: from there no way leads back.
  void require_distinct() const;

 private:
  void add(int index, LabelColour colour);
  std::vector<Entry> entries_;
  std::unordered_map<int, LabelColour> colours_;
};

/// The coloured map (u8 RGB) of a picture of class numbers (one channel, u8 or u16; see DecodeOptions::numbers).
/// Throws Error(data) that names number and place where the table has no colour.
Image colour_labels(const Image& numbers, const LabelTable& table);

/// Back from colours (alpha is dropped, gray is R = G = B) to class numbers: one channel, u8, or u16 where the table
/// has numbers above 255. The nearest colour counts (Euclidean, in levels of 255; among equals the first entry's); one
/// farther than `tolerance` from all throws Error(data) that names the first such colours, each with its first place.
Image label_colours(const Image& colours, const LabelTable& table, double tolerance);

}  // namespace ganvas
