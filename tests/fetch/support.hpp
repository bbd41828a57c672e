#pragma once

#include <cstdlib>
#include <string>

#include "fetch/server.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/fetch/fetch.hpp"
#include "ganvas/fetch/sha256.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

namespace ganvas::test {

/// The tests mean this machine's own server, whatever proxies and mirrors are set around them.
struct CleanEnvironment {
  CleanEnvironment() {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
                             "NO_PROXY", "GANVAS_MODEL_URL", "CURL_CA_BUNDLE", "SSL_CERT_FILE"})
      ::unsetenv(name);
  }
};

/// Bytes without a period, so that a piece in the wrong place shows.
inline std::string content(std::size_t size, std::uint32_t seed = 1) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return text;
}

inline std::string hash_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.finish();
}

inline std::string text_of(const std::filesystem::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

/// All names of a folder, hidden ones too.
inline std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

/// Quick to give up and to try again.
inline FetchOptions quick(int retries = 0) {
  FetchOptions options;
  options.retries = retries;
  options.retry_seconds = 0.01;
  options.connect_seconds = 5;
  options.stall_seconds = 5;
  return options;
}

}  // namespace ganvas::test
