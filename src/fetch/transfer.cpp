#include "fetch/transfer.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas {

namespace {

/// "bytes 100-199/200": the first of these, and the size of the whole (0 = unknown).
bool parse_content_range(const std::string& text, std::uint64_t& first, std::uint64_t& total) {
  unsigned long long begin = 0, end = 0, whole = 0;
  const int found = std::sscanf(text.c_str(), "bytes %llu-%llu/%llu", &begin, &end, &whole);
  first = begin;
  total = found == 3 ? whole : 0;
  return found >= 2;
}

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

Transfer::Transfer(std::string url, const UrlParts& parts, PartialFile& part, const FetchOptions& options)
    : url_(std::move(url)), parts_(parts), part_(part), options_(options), offset_(part.size()) {
  start_curl();
  easy_ = curl_easy_init();
  if (!easy_) throw std::bad_alloc();
  configure();
}

Transfer::~Transfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

void Transfer::configure() {
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  set(CURLOPT_URL, url_.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https,http");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 10L);
  // A server elsewhere must not lead back to plain text.
  set(CURLOPT_REDIR_PROTOCOLS_STR, parts_.loopback && parts_.scheme == "http" ? "https,http" : "https");
  set(CURLOPT_USERAGENT, "ganvas");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(options_.connect_seconds));
  // Less than this is as good as nothing. libcurl notices late, though: it looks at the mean of some seconds.
  set(CURLOPT_LOW_SPEED_LIMIT, 100L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_seconds));
  set(CURLOPT_ERRORBUFFER, curl_says_);
  // libcurl itself doesn't look at these; its command does.
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"})
    if (const char* file = std::getenv(name); file && *file) {
      set(CURLOPT_CAINFO, file);
      break;
    }
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  set(CURLOPT_XFERINFODATA, this);
  if (offset_ == 0) return;
  // Not CURLOPT_RESUME_FROM: libcurl would refuse a server that sends the whole again.
  set(CURLOPT_RANGE, fmt::format("{}-", offset_).c_str());
  if (part_.version().empty()) return;
  headers_ = curl_slist_append(headers_, ("If-Range: " + part_.version()).c_str());
  set(CURLOPT_HTTPHEADER, headers_);
}

std::string Transfer::header(const char* name) const {
  curl_header* found = nullptr;
  return curl_easy_header(easy_, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : "";
}

void Transfer::check_total(std::uint64_t total) const {
  if (options_.bytes > 0 && total != options_.bytes)
    fail(ErrorKind::file,
         "{}: {} bytes are offered, but the file has {}: another file lies there, choose another source", parts_.shown,
         total, options_.bytes);
  if (total > options_.max_bytes)
    fail(ErrorKind::file, "{}: {} bytes are more than the limit of {}", parts_.shown, total, options_.max_bytes);
}

/// At the first byte of a body: whether it is wanted, and where it belongs.
bool Transfer::begin_body() {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200 && status != 206) return false;
  if (header("content-type").starts_with("text/html"))
    fail(ErrorKind::file, "{}: a web page came instead of a file (does this network ask for a login?)", parts_.shown);

  std::string version = header("etag");
  if (version.empty() || version.starts_with("W/")) version = header("last-modified");
  if (status == 206 && offset_ > 0) {
    std::uint64_t first = 0;
    if (!parse_content_range(header("content-range"), first, total_) || first != offset_)
      changed_ = "the server answers with another part than it was asked for";
    else if ((!version.empty() && !part_.version().empty() && version != part_.version()) ||
             (part_.total() > 0 && total_ > 0 && total_ != part_.total()))
      changed_ = "the file on the server has changed";
    if (!changed_.empty()) return false;
    if (total_ > 0) check_total(total_);
    part_.check_space(total_);
  } else {
    if (offset_ > 0) log(LogLevel::info, "{}: the server sends it from the beginning", parts_.shown);
    offset_ = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    total_ = length > 0 ? static_cast<std::uint64_t>(length) : 0;
    if (total_ > 0) check_total(total_);
    part_.begin(version, total_);
  }
  return true;
}

void Transfer::take(const char* bytes, std::size_t count) {
  if (!begun_) {
    begun_ = true;
    wanted_ = begin_body();
  }
  if (!wanted_) return;
  part_.write(std::span(reinterpret_cast<const std::uint8_t*>(bytes), count));
  received_ += count;
  if (part_.size() > options_.max_bytes || (options_.bytes > 0 && part_.size() > options_.bytes)) {
    part_.discard();
    check_total(part_.size());
  }
  if (options_.progress) options_.progress(part_.size(), total_);
}

std::size_t Transfer::on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    transfer.take(bytes, size * count);
  } catch (...) {
    transfer.trouble_ = std::current_exception();
    return 0;
  }
  return transfer.changed_.empty() ? size * count : 0;
}

/// libcurl calls it at least once a second.
int Transfer::on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (interrupted()) return 1;
  const double now = seconds_now();
  if (received != transfer.seen_) {
    transfer.seen_ = received;
    transfer.last_byte_ = now;
  }
  transfer.stalled_ = transfer.begun_ && now - transfer.last_byte_ >= transfer.options_.stall_seconds;
  return transfer.stalled_ ? 1 : 0;
}

Attempt Transfer::run() {
  last_byte_ = seconds_now();
  CURLcode code = curl_easy_perform(easy_);
  if (stalled_) code = CURLE_OPERATION_TIMEDOUT;
  if (trouble_) std::rethrow_exception(trouble_);
  throw_if_interrupted();
  Attempt attempt = judge(code);
  attempt.received = received_;
  return attempt;
}

Attempt Transfer::judge(CURLcode code) {
  using End = Attempt::End;
  if (!changed_.empty()) return {End::changed, changed_};
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206) return judge_status(status);
    if (!begun_) {  // an empty body
      begun_ = true;
      begin_body();
      if (!changed_.empty()) return {End::changed, changed_};
    }
    return {End::whole, ""};
  }
  switch (code) {
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return {End::broken, explain(code)};
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_SSL_CONNECT_ERROR:
      // A network that has just worked will come back; one that never did needs a person.
      return {part_.size() > 0 ? End::broken : End::failed, explain(code)};
    default:
      return {End::failed, explain(code)};
  }
}

Attempt Transfer::judge_status(long status) const {
  using End = Attempt::End;
  if (status == 416) return {offset_ > 0 ? End::changed : End::failed, "the server has no such part (HTTP 416)"};
  if (status == 408 || status == 429 || status >= 500) {
    curl_off_t wait = 0;
    curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &wait);
    return {End::broken, fmt::format("the server is in trouble or busy (HTTP {}): try later", status),
            static_cast<double>(std::clamp<curl_off_t>(wait, 0, 60))};
  }
  if (status == 404 || status == 410)
    return {End::failed, fmt::format("no such file there (HTTP {}): get it elsewhere, or name a mirror by "
                                     "GANVAS_MODEL_URL",
                                     status)};
  if (status == 401 || status == 403) return {End::failed, fmt::format("the server refuses (HTTP {})", status)};
  if (status == 407) return {End::failed, "the proxy wants a user and password (HTTP 407): set them in https_proxy"};
  return {End::failed, fmt::format("unexpected answer (HTTP {})", status)};
}

std::string Transfer::explain(CURLcode code) const {
  const char* detail = curl_says_[0] ? curl_says_ : curl_easy_strerror(code);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return fmt::format("no address found for {}: is there a network? Behind a proxy set https_proxy", parts_.host);
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "no address found for the proxy: check https_proxy, http_proxy, all_proxy";
    case CURLE_COULDNT_CONNECT:
      return fmt::format("can't connect to {} or its proxy ({})", parts_.host, detail);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return fmt::format(
          "the server's certificate isn't trusted ({}): check the clock and the package "
          "ca-certificates, or name the certificates by SSL_CERT_FILE",
          detail);
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "it redirects to something else than https: refused";
    case CURLE_TOO_MANY_REDIRECTS:
      return "it redirects in circles";
    case CURLE_OPERATION_TIMEDOUT:
      return begun_ ? fmt::format("stalled: nothing came for {} s, {} are here", options_.stall_seconds,
                                  megabytes(part_.size()))
                    : "no answer in time";
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
      return fmt::format("the connection broke at {}{}", megabytes(part_.size()),
                         total_ > 0 ? " of " + megabytes(total_) : "");
    default:
      return detail;
  }
}

}  // namespace ganvas
