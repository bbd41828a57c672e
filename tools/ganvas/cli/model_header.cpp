#include "cli/model_header.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

namespace fs = std::filesystem;
using nlohmann::json;

namespace ganvas::cli {

namespace {

constexpr std::uint64_t longest_header = 16 << 20;

struct Header {
  json entries;
  std::uint64_t data_bytes = 0;
};

std::optional<Header> read_header(const fs::path& path) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  std::uint64_t length = 0;
  if (error || !file.read(reinterpret_cast<char*>(&length), sizeof length)) return std::nullopt;
  if (length > longest_header || length > size - sizeof length) return std::nullopt;
  std::string text(length, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(length))) return std::nullopt;
  Header header{json::parse(text, nullptr, /*allow_exceptions=*/false), size - sizeof length - length};
  if (!header.entries.is_object()) return std::nullopt;
  return header;
}

/// Statistics of batch norms, and LPIPS heads beside a feature network: no parameters of the network.
bool is_parameter(const std::string& key) {
  return !key.starts_with("lpips.") && !key.ends_with(".running_mean") && !key.ends_with(".running_var") &&
         !key.ends_with(".num_batches_tracked") && !key.ends_with(".filt");
}

std::int64_t element_count(const json& entry) {
  std::int64_t count = 1;
  for (const auto& side : entry.at("shape")) count *= side.get<std::int64_t>();
  return count;
}

/// The row, from a header of the expected form. Throws json::exception for another.
std::optional<ModelRow> row_from(const std::string& name, const Header& header) {
  const json& metadata = header.entries.at("__metadata__");
  metadata.at("ganvas.config");
  ModelRow row{name, std::nullopt, metadata.at("ganvas.architecture").get<std::string>()};
  const auto known = std::ranges::find(architectures(), row.architecture, &Architecture::name);
  if (known == architectures().end()) return std::nullopt;
  if (known->kind == ArchitectureKind::generator) {
    const auto& text = metadata.at("ganvas.scale").get_ref<const std::string&>();
    int scale = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), scale).ec != std::errc()) return std::nullopt;
    row.scale = scale;
  }
  std::uint64_t end = 0;
  for (const auto& [key, entry] : header.entries.items()) {
    if (key == "__metadata__") continue;
    // Whole numbers are indices and counts.
    const bool floating = entry.at("dtype").get_ref<const std::string&>().find('F') != std::string::npos;
    if (floating && is_parameter(key)) row.parameters += element_count(entry);
    end = std::max(end, entry.at("data_offsets").at(1).get<std::uint64_t>());
  }
  if (end != header.data_bytes) return std::nullopt;  // cut off
  return row;
}

}  // namespace

std::optional<ModelRow> row_from_header(const std::string& name, const fs::path& path) {
  const auto header = read_header(path);
  if (!header) return std::nullopt;
  try {
    return row_from(name, *header);
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace ganvas::cli
