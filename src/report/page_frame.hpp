#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ganvas {

/// The files of src/report/page/ by name, put into the program by the build.
std::string_view page_asset(std::string_view name);

std::string escape_html(std::string_view text);
/// The text of escape_html.
std::string unescape_html(std::string_view text);

/// A self-contained page: the style sheet, `data` as JSON and the scripts, in this order. Nothing in the data can end
/// the element it stands in.
std::string html_page(const std::string& title, const nlohmann::ordered_json& data,
                      const std::vector<std::string_view>& scripts);

/// Writes such a page where the user wants it. Another page may be replaced; throws Error(file) where something else
/// has the name.
void write_page(const std::filesystem::path& file, const std::string& page);

/// Pictures of a page, each embedded once; other parts of the data name them by number.
class PictureTable {
 public:
  std::size_t number_of(const std::string& uri);
  nlohmann::ordered_json json() const;

 private:
  std::map<std::string, std::size_t> numbers_;
  std::vector<std::string> uris_;
};

/// A number with at most six significant digits; null where it isn't finite.
nlohmann::ordered_json short_number(double value);

}  // namespace ganvas
