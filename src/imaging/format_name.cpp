#include "ganvas/imaging/format_name.hpp"

#include <cctype>
#include <string>

namespace ganvas {

std::string_view format_name(std::string_view name) {
  std::string extension(name.substr(name.find_last_of("./\\") + 1));
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (extension == "png") return "png";
  if (extension == "jpg" || extension == "jpeg" || extension == "jpe" || extension == "jfif") return "jpeg";
  if (extension == "webp") return "webp";
  if (extension == "tif" || extension == "tiff") return "tiff";
  if (extension == "bmp" || extension == "dib") return "bmp";
  if (extension == "pnm" || extension == "ppm" || extension == "pgm" || extension == "pbm") return "pnm";
  return {};
}

}  // namespace ganvas
