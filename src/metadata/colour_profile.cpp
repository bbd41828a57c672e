#include "ganvas/metadata/colour_profile.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <optional>

#include "metadata/containers.hpp"

namespace ganvas {

using namespace metadata;

namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;  ///< rows

struct Chromaticities {
  double white_x, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y;
};
constexpr Chromaticities bt709{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

/// How samples become light: an exponent, or the sRGB curve.
struct Transfer {
  double exponent = 1;
  bool srgb = false;
};
struct Colours {
  Chromaticities chromaticities = bt709;
  Transfer transfer;
};

Vector product(const Matrix& m, const Vector& v) {
  Vector out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < 3; ++k) out[i] += m[i][k] * v[k];
  return out;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) out[i][j] += a[i][k] * b[k][j];
  return out;
}

Matrix inverse(const Matrix& m) {
  const auto minor = [&](std::size_t i, std::size_t j) {
    const std::size_t a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
    return m[a][c] * m[b][d] - m[a][d] * m[b][c];
  };
  const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  Matrix out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) out[j][i] = minor(i, j) / determinant;
  return out;
}

Vector xyz(double x, double y) { return {x / y, 1, (1 - x - y) / y}; }

/// XYZ of the primaries as columns, adapted from the white point to D50 by Bradford's matrix (ICC.1:2010, annex E).
Matrix colourants(const Chromaticities& c) {
  const Vector red = xyz(c.red_x, c.red_y), green = xyz(c.green_x, c.green_y), blue = xyz(c.blue_x, c.blue_y),
               white = xyz(c.white_x, c.white_y), d50{0.9642, 1, 0.8249};
  Matrix primaries{};
  for (std::size_t i = 0; i < 3; ++i) primaries[i] = {red[i], green[i], blue[i]};
  const Vector share = product(inverse(primaries), white);
  for (auto& row : primaries)
    for (std::size_t i = 0; i < 3; ++i) row[i] *= share[i];
  constexpr Matrix bradford{{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}};
  const Vector from = product(bradford, white), to = product(bradford, d50);
  Matrix scale{};
  for (std::size_t i = 0; i < 3; ++i) scale[i][i] = to[i] / from[i];
  return product(inverse(bradford), product(scale, product(bradford, primaries)));
}

const PngChunk* chunk(const Metadata& metadata, std::string_view type) {
  for (const PngChunk& one : metadata.png)
    if (one.type == type) return &one;
  return nullptr;
}

/// ITU-T H.273, tables 2 and 3.
std::optional<Colours> colours_of_codes(const Bytes& codes) {
  Colours colours;
  switch (codes[0]) {
    case 1:
      break;
    case 9:
      colours.chromaticities = {0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046};
      break;
    case 12:
      colours.chromaticities = {0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
      break;
    default:
      return std::nullopt;
  }
  switch (codes[1]) {
    case 4:
      colours.transfer.exponent = 2.2;
      return colours;
    case 8:
      return colours;
    case 13:
      colours.transfer.srgb = true;
      return colours;
    default:
      return std::nullopt;
  }
}

std::optional<Colours> colours_of(const Metadata& metadata) {
  if (const PngChunk* codes = chunk(metadata, "cICP")) return colours_of_codes(codes->data);
  const PngChunk *gamma = chunk(metadata, "gAMA"), *primaries = chunk(metadata, "cHRM");
  const auto value = [](const PngChunk& from, std::size_t i) {
    return static_cast<double>(big_endian(from.data, 4 * i, 4)) / 100000;
  };
  Colours colours;
  if (gamma && value(*gamma, 0) > 0) colours.transfer.exponent = 1 / value(*gamma, 0);
  else colours.transfer.srgb = true;
  if (!primaries) return colours;
  Chromaticities& c = colours.chromaticities;
  std::size_t i = 0;
  for (double* one : {&c.white_x, &c.white_y, &c.red_x, &c.red_y, &c.green_x, &c.green_y, &c.blue_x, &c.blue_y})
    *one = value(*primaries, i++);
  if (c.white_y <= 0 || c.red_y <= 0 || c.green_y <= 0 || c.blue_y <= 0) return std::nullopt;
  for (const auto& row : colourants(c))
    for (const double number : row)
      if (!(std::abs(number) < 4)) return std::nullopt;  // primaries in one line
  return colours;
}

void append_fixed(Bytes& out, double value) {
  append_big_endian(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(value * 65536))), 4);
}

Bytes xyz_tag(const Vector& value) {
  Bytes out;
  append(out, std::string_view("XYZ \0\0\0\0", 8));
  for (const double number : value) append_fixed(out, number);
  return out;
}

Bytes curve_tag(const Transfer& transfer) {
  Bytes out;
  append(out, std::string_view("curv\0\0\0\0", 8));
  constexpr int points = 1024;
  // An exponent alone has eight bits behind the point.
  append_big_endian(out, transfer.srgb ? points : 1, 4);
  if (!transfer.srgb) append_big_endian(out, static_cast<std::uint64_t>(std::lround(transfer.exponent * 256)), 2);
  for (int i = 0; transfer.srgb && i < points; ++i) {
    const double x = static_cast<double>(i) / (points - 1);
    const double light = x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
    append_big_endian(out, static_cast<std::uint64_t>(std::lround(light * 65535)), 2);
  }
  return out;
}

Bytes description_tag() {
  constexpr std::string_view text = "Colours as said in a PNG";
  Bytes out;
  append(out, std::string_view("desc\0\0\0\0", 8));
  append_big_endian(out, text.size() + 1, 4);
  append(out, text);
  out.resize(out.size() + 1 + 4 + 4 + 2 + 1 + 67);  // its end, and no text in Unicode or Macintosh's script
  return out;
}

Bytes copyright_tag() {
  Bytes out;
  append(out, std::string_view("text\0\0\0\0No copyright\0", 21));
  return out;
}

Bytes header(std::size_t size, bool gray) {
  Bytes out;
  append_big_endian(out, size, 4);
  append_big_endian(out, 0, 4);
  append_big_endian(out, 0x02100000, 4);
  append(out, gray ? "mntrGRAYXYZ " : "mntrRGB XYZ ");
  for (const int part : {2000, 1, 1, 0, 0, 0}) append_big_endian(out, static_cast<std::uint64_t>(part), 2);
  append(out, "acsp");
  out.resize(68);
  for (const double number : {0.9642, 1.0, 0.8249}) append_fixed(out, number);
  out.resize(128);
  return out;
}

Bytes make_profile(const Colours& colours, bool gray) {
  const Matrix m = colourants(colours.chromaticities);
  std::vector<std::pair<std::string_view, Bytes>> tags{
      {"desc", description_tag()}, {"cprt", copyright_tag()}, {"wtpt", xyz_tag({0.9642, 1, 0.8249})}};
  constexpr std::array<std::string_view, 3> places{"rXYZ", "gXYZ", "bXYZ"}, curves{"rTRC", "gTRC", "bTRC"};
  if (gray) tags.emplace_back("kTRC", curve_tag(colours.transfer));
  for (std::size_t i = 0; i < 3 && !gray; ++i) {
    tags.emplace_back(places[i], xyz_tag({m[0][i], m[1][i], m[2][i]}));
    tags.emplace_back(curves[i], curve_tag(colours.transfer));
  }
  Bytes table, data;
  const std::size_t begin = 128 + 4 + 12 * tags.size();
  append_big_endian(table, tags.size(), 4);
  for (auto& [name, content] : tags) {
    append(table, name);
    append_big_endian(table, begin + data.size(), 4);
    append_big_endian(table, content.size(), 4);
    content.resize((content.size() + 3) / 4 * 4);
    append(data, content);
  }
  Bytes profile = header(begin + data.size(), gray);
  append(profile, table);
  append(profile, data);
  return profile;
}

bool is_colour_chunk(const PngChunk& one) {
  return one.type == "cICP" || one.type == "gAMA" || one.type == "cHRM" || one.type == "sRGB";
}

}  // namespace

void turn_colours_into_profile(Metadata& metadata, bool gray) {
  const bool said = chunk(metadata, "cICP") || chunk(metadata, "gAMA") || chunk(metadata, "cHRM");
  // sRGB outranks gAMA and cHRM, which stand beside it for programs that don't know it.
  const bool srgb = chunk(metadata, "sRGB") && !chunk(metadata, "cICP");
  if (!metadata.icc.empty() || srgb) {
    // A profile, or that word, outranks them.
    std::erase_if(metadata.png, [](const PngChunk& one) { return is_colour_chunk(one) && one.type != "cICP"; });
    return;
  }
  if (!said) return;
  bool all_srgb = true;
  for (const PngChunk& one : metadata.png) all_srgb &= !is_colour_chunk(one) || says_srgb(one);
  if (all_srgb) return;
  const auto colours = colours_of(metadata);
  if (!colours) return;
  metadata.icc = make_profile(*colours, gray);
  std::erase_if(metadata.png, is_colour_chunk);
}

}  // namespace ganvas
