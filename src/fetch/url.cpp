#include "fetch/url.hpp"

#include <curl/curl.h>

#include <memory>
#include <new>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

}  // namespace

UrlParts parse_url(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle(curl_url(), curl_url_cleanup);
  if (!handle) throw std::bad_alloc();
  const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), 0);
  // The text itself may hold a password: it isn't repeated.
  if (code != CURLUE_OK)
    fail(ErrorKind::usage, "what should be fetched is no URL (https://...), check GANVAS_MODEL_URL: {}",
         curl_url_strerror(code));
  UrlParts parts;
  curl_url_set(handle.get(), CURLUPART_USER, nullptr, 0);
  curl_url_set(handle.get(), CURLUPART_PASSWORD, nullptr, 0);
  parts.shown = part_of(handle.get(), CURLUPART_URL);
  parts.scheme = part_of(handle.get(), CURLUPART_SCHEME);
  parts.host = part_of(handle.get(), CURLUPART_HOST);
  if (parts.scheme != "https" && parts.scheme != "http")
    fail(ErrorKind::usage, "{}: only https and http are fetched", parts.shown);
  parts.loopback = parts.host == "localhost" || parts.host == "[::1]" || parts.host.starts_with("127.");
  return parts;
}

}  // namespace ganvas
