#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ganvas/fetch/fetch.hpp"

namespace ganvas {

/// A weight file that its authors offer for download.
struct OfficialFile {
  std::string name;     ///< as in `ganvas model fetch NAME`: the file name without extension and hash digits
  std::string file;     ///< its name in the cache: as published, but LPIPS heads say that they are
  std::string url;      ///< https
  std::uint64_t bytes;  ///< 0 when unknown
  std::string sha256;   ///< whole (64 hex digits), the first eight that its published name carries, or empty
  std::string what;     ///< one line: what it is, whose, under which licence
};

/// All of them, in the order of the listing.
const std::vector<OfficialFile>& official_files();

/// By name, file name, or file name without extension. Throws Error(usage) that names the nearest and lists all.
const OfficialFile& official_file(const std::string& name);

/// Where it lies once fetched: <cache>/models/<file>.
std::filesystem::path fetched_path(const OfficialFile& file);

/// Its own URL, or $GANVAS_MODEL_URL/<file> when that variable names a mirror (a copy of the cache's models folder).
std::string download_url(const OfficialFile& file);

/// Digits of a whole SHA-256.
inline constexpr std::size_t whole_hash = 64;
/// Whether the catalogue has the whole hash.
inline bool is_known(const OfficialFile& file) { return file.sha256.size() == whole_hash; }

/// Fetches it to fetched_path() unless it is there; size and hash are those of the catalogue. A file whose whole hash
/// it doesn't have is refused (Error(file)) unless `options.sha256` is one.
FetchResult fetch_official(const OfficialFile& file, FetchOptions options = {});

}  // namespace ganvas
