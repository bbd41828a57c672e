#include "report/page_frame.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/json_line.hpp"

namespace ganvas {

namespace {

constexpr std::array<std::pair<char, std::string_view>, 5> escapes{
    {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}};

/// Inside <script> only '<' is special to HTML; JSON has it in texts alone, where \u003c means the same.
std::string script_json(const nlohmann::ordered_json& data) {
  std::string safe;
  const std::string text = json_line(data);
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') safe += "\\u003c";
    else safe += c;
  }
  return safe;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    std::string_view written(&c, 1);
    for (const auto& [special, entity] : escapes)
      if (c == special) written = entity;
    escaped += written;
  }
  return escaped;
}

std::string unescape_html(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    std::pair<char, std::size_t> next(text.front(), 1);
    for (const auto& [special, entity] : escapes)
      if (text.starts_with(entity)) next = {special, entity.size()};
    plain += next.first;
    text.remove_prefix(next.second);
  }
  return plain;
}

std::string html_page(const std::string& title, const nlohmann::ordered_json& data,
                      const std::vector<std::string_view>& scripts) {
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n"
      "<style>\n{}</style>\n</head>\n<body>\n"
      "<main id=\"page\"><noscript>This page draws itself with a script; please allow it.</noscript></main>\n",
      escape_html(title), page_asset("style.css"));
  page += "<script type=\"application/json\" id=\"data\">" + script_json(data) + "</script>\n";
  for (const std::string_view script : scripts) page += fmt::format("<script>\n{}</script>\n", page_asset(script));
  return page + "</body>\n</html>\n";
}

void write_page(const std::filesystem::path& file, const std::string& page) {
  constexpr std::string_view begin = "<!DOCTYPE html>";
  std::error_code error;
  if (std::filesystem::is_regular_file(file, error) && std::filesystem::file_size(file, error) > 0) {
    std::string there(begin.size(), ' ');
    std::ifstream(file).read(there.data(), static_cast<std::streamsize>(there.size()));
    if (there != begin)
      fail(ErrorKind::file, "{}: is there already, and is no page; choose another name", file.string());
  }
  write_file_atomically(file, page);
}

std::size_t PictureTable::number_of(const std::string& uri) {
  const auto [place, added] = numbers_.try_emplace(uri, uris_.size());
  if (added) uris_.push_back(uri);
  return place->second;
}

nlohmann::ordered_json PictureTable::json() const { return uris_; }

nlohmann::ordered_json short_number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}

}  // namespace ganvas
