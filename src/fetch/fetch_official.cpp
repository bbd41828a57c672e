// Apart from the catalogue, so that listing it needs no library for transfers.
#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/fetch/catalogue.hpp"

namespace ganvas {

FetchResult fetch_official(const OfficialFile& file, FetchOptions options) {
  // Where only the beginning of a hash is known, what the user gives must agree with it.
  if (!is_known(file) && !options.sha256.empty() && !options.sha256.starts_with(file.sha256))
    fail(ErrorKind::usage, "{}: its SHA-256 begins with {}, not as {}", file.name, file.sha256, options.sha256);
  if (is_known(file)) options.sha256 = file.sha256;
  if (options.sha256.size() != whole_hash)
    fail(ErrorKind::file,
         "{}: not fetched: nobody has vouched for its whole SHA-256, so any file would do; give the one you trust "
         "(--sha256 HASH), or download {} yourself",
         file.name, download_url(file));
  options.bytes = file.bytes;
  // None of them is longer; a server that names no length must not fill the disk.
  constexpr std::uint64_t longest = UINT64_C(1) << 30;
  options.max_bytes = std::min(options.max_bytes, longest);
  return fetch_file(download_url(file), fetched_path(file), options);
}

}  // namespace ganvas
