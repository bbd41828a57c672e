// Apart from the catalogue, so that listing it needs no library for transfers.
#include "ganvas/fetch/catalogue.hpp"

namespace ganvas {

FetchResult fetch_official(const OfficialFile& file, FetchOptions options) {
  options.sha256 = file.sha256;
  options.bytes = file.bytes;
  return fetch_file(download_url(file), fetched_path(file), options);
}

}  // namespace ganvas
