#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <exception>
#include <string>

#include "fetch/partial_file.hpp"
#include "fetch/url.hpp"
#include "ganvas/fetch/fetch.hpp"

namespace ganvas {

/// How one request ended.
struct Attempt {
  enum class End {
    whole,    ///< the body has arrived to its end
    broken,   ///< worth another try; what has arrived stays
    changed,  ///< the server has another version than the partial file: begin again at once
    failed    ///< another try would end the same way
  };
  End end = End::failed;
  std::string why;             ///< for people; empty when whole
  double wait_seconds = 0;     ///< the server's Retry-After
  std::uint64_t received = 0;  ///< bytes that this request brought
};

/// One HTTP request whose body goes into `part`, from where that ends.
class Transfer {
 public:
  Transfer(std::string url, const UrlParts& parts, PartialFile& part, const FetchOptions& options);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Throws Error for trouble of this side: the disk, a file too large, Ctrl-C.
  Attempt run();

 private:
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t);
  void configure();
  bool begin_body();
  void take(const char* bytes, std::size_t count);
  std::string header(const char* name) const;
  void check_total(std::uint64_t total) const;
  Attempt judge(CURLcode code);
  Attempt judge_status(long status) const;
  std::string explain(CURLcode code) const;

  std::string url_;
  const UrlParts& parts_;
  PartialFile& part_;
  const FetchOptions& options_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  char curl_says_[CURL_ERROR_SIZE] = {};
  std::uint64_t offset_ = 0, received_ = 0, total_ = 0;
  bool begun_ = false, wanted_ = false, stalled_ = false;
  curl_off_t seen_ = 0;         ///< bytes as libcurl counts them
  double last_byte_ = 0;        ///< when the latest of them came
  std::string changed_;         ///< why the partial file is of no use
  std::exception_ptr trouble_;  ///< exceptions must not pass through libcurl
};

}  // namespace ganvas
