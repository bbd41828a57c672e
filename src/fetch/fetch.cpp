#include "ganvas/fetch/fetch.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "fetch/partial_file.hpp"
#include "fetch/transfer.hpp"
#include "fetch/url.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/fetch/sha256.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// An attempt that brought so much was a good one.
constexpr std::uint64_t good_piece = UINT64_C(1) << 20;

/// The target as it is, when it is what was asked for.
bool already_there(const fs::path& target, const FetchOptions& options, FetchResult& result) {
  std::error_code error;
  if (fs::is_directory(target, error)) fail(ErrorKind::file, "{}: is a folder, not a file", target.string());
  if (options.force || !fs::is_regular_file(target, error)) return false;
  result = {target, fs::file_size(target), file_sha256(target), false};
  if ((options.bytes == 0 || options.bytes == result.bytes) && hash_fits(result.sha256, options.sha256)) return true;
  log(LogLevel::warning, "{}: not the file it should be ({} bytes, sha256 {}), fetching it again", target.string(),
      result.bytes, result.sha256);
  return false;
}

void wait(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Fills `part` to the end of the file, over as many connections as it takes.
void receive(const std::string& url, const UrlParts& parts, PartialFile& part, const FetchOptions& options) {
  int left = options.retries;
  double pause = options.retry_seconds;
  bool begun_again = false;
  while (part.size() == 0 || part.size() != part.total()) {
    // Without a name for the version and without a hash, nothing would show that two versions were glued together.
    if (part.size() > 0 && part.version().empty() && options.sha256.empty()) part.begin("", 0);
    Attempt attempt = Transfer(url, parts, part, options).run();
    if (attempt.end == Attempt::End::whole) {
      if (part.total() == 0 || part.size() == part.total()) return;
      attempt.end = Attempt::End::broken;
      attempt.why = "only a piece came";
    }
    if (attempt.end == Attempt::End::changed && !begun_again) {
      log(LogLevel::info, "{}: {}, beginning again", parts.shown, attempt.why);
      part.begin("", 0);
      begun_again = true;
      continue;
    }
    if (attempt.received >= good_piece) {
      left = options.retries;
      pause = options.retry_seconds;
    }
    if (attempt.end != Attempt::End::broken || left-- <= 0)
      fail(ErrorKind::file, "{}: {}{}", parts.shown, attempt.why,
           part.size() > 0 ? "; run again to go on from there" : "");
    const double seconds = std::max(pause, attempt.wait_seconds);
    log(LogLevel::info, "{}: {}; trying again in {:.0f} s", parts.shown, attempt.why, seconds);
    wait(seconds);
    pause *= 2;
  }
}

/// Empty when the partial file is what was asked for, else what is wrong.
std::string find_fault(const PartialFile& part, const FetchOptions& options, FetchResult& result) {
  result.bytes = part.size();
  result.sha256 = file_sha256(part.path());
  if (options.bytes > 0 && result.bytes != options.bytes)
    return fmt::format("{} bytes came, {} expected", result.bytes, options.bytes);
  if (!hash_fits(result.sha256, options.sha256))
    return fmt::format("wrong sha256: expected {}, got {}", options.sha256, result.sha256);
  return {};
}

FetchResult fetch_locked(const std::string& url, const UrlParts& parts, PartialFile& part, const fs::path& target,
                         const FetchOptions& options) {
  FetchResult result{target, 0, {}, true};
  const bool resumed = part.size() > 0;
  receive(url, parts, part, options);
  std::string fault = find_fault(part, options, result);
  if (!fault.empty() && resumed) {
    // The beginning may have been damaged by a crash or a disk that was full.
    log(LogLevel::warning, "{}: {}, fetching it anew", parts.shown, fault);
    part.begin("", 0);
    receive(url, parts, part, options);
    fault = find_fault(part, options, result);
  }
  if (!fault.empty()) {
    part.discard();
    fail(ErrorKind::file, "{}: {}: deleted; the file there is damaged or another one, choose another source",
         parts.shown, fault);
  }
  part.commit();
  return result;
}

}  // namespace

FetchResult fetch_file(const std::string& url, const fs::path& target, const FetchOptions& options) {
  FetchResult result;
  if (already_there(target, options, result)) return result;
  const UrlParts parts = parse_url(url);
  const bool was_there = fs::exists(target);
  PartialFile part(target, parts.shown);
  // Another process may have brought it while this one waited for its turn.
  if ((part.waited() || was_there != fs::exists(target)) && already_there(target, options, result)) return result;
  try {
    return fetch_locked(url, parts, part, target, options);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::interrupted || part.size() == 0) throw;
    fail(ErrorKind::interrupted, "{}: interrupted; {} are kept, run again to go on from there", parts.shown,
         megabytes(part.size()));
  }
}

}  // namespace ganvas
