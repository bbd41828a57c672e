#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace ganvas {

struct FetchOptions {
  /// What the file must be: the whole SHA-256 in hex, or its first digits; empty when nobody knows.
  std::string sha256;
  /// Its exact size in bytes; 0 when unknown.
  std::uint64_t bytes = 0;
  /// No more than this is taken from any server.
  std::uint64_t max_bytes = UINT64_C(4) << 30;
  int connect_seconds = 30;
  /// A connection that brings nothing for so long is given up (and tried again).
  int stall_seconds = 30;
  /// How often a connection that broke, stalled or met a server's trouble (HTTP 408, 429, 5xx) is tried again. The
  /// count starts anew when an attempt has brought a good piece: a large file may come in many parts.
  int retries = 3;
  /// Wait before the first retry; doubled before each further one. A server's Retry-After (at most a minute) counts.
  double retry_seconds = 1;
  /// Download although the target is there.
  bool force = false;
  /// Bytes that are here, and the total (0 = unknown). Called often, on the calling thread.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct FetchResult {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::string sha256;       ///< 64 hex digits, of the file as it lies on the disk
  bool downloaded = false;  ///< false: the right file was there already
};

/// Brings `url` (https or http) to `target`, which appears by rename only, whole and with the right hash.
///
/// What has arrived is kept beside it in hidden files (.<name>.part, .<name>.part.json) when the transfer breaks or the
/// user interrupts; the next call goes on from there, provided that the server still offers the same version (ETag or
/// Last-Modified); otherwise it starts again. A file of the wrong hash is deleted. Two processes that fetch one target
/// take turns, and the second finds the file there.
///
/// Redirects are followed to https only, or also to http when `url` itself is http on this machine. Proxies and
/// certificates by the usual variables: https_proxy, http_proxy, all_proxy, no_proxy; CURL_CA_BUNDLE, SSL_CERT_FILE.
///
/// Throws Error(file) in one line that names the URL or file and what to do; Error(interrupted) on Ctrl-C.
FetchResult fetch_file(const std::string& url, const std::filesystem::path& target, const FetchOptions& options = {});

}  // namespace ganvas
