#include "ganvas/fetch/fetch.hpp"

#include "fetch/support.hpp"
#include "ganvas/core/interrupt.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

const std::string file_v1 = content(300'000);
const std::string file_v2 = content(310'000, 7);

}  // namespace

TEST_CASE("fetch: a whole file, once") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server([](const Request& request) { return give_file(request, file_v1); });
  FetchOptions options = quick();
  options.sha256 = hash_of(file_v1).substr(0, 8);
  options.bytes = file_v1.size();
  std::uint64_t last = 0;
  bool rising = true;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    rising = rising && done > last && total == file_v1.size();
    last = done;
  };
  const fs::path target = folder / "models/deep/a.pth";
  const FetchResult first = fetch_file(server.url("/dir/a.pth"), target, options);
  CHECK(first.downloaded);
  CHECK(first.path == target);
  CHECK(first.bytes == file_v1.size());
  CHECK(first.sha256 == hash_of(file_v1));
  CHECK(text_of(target) == file_v1);
  CHECK(entries(target.parent_path()) == 1);
  CHECK(rising);
  CHECK(last == file_v1.size());
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].target == "/dir/a.pth");
  CHECK(server.requests()[0].header("range").empty());

  // It is there: nothing is asked.
  const FetchResult second = fetch_file(server.url("/dir/a.pth"), target, options);
  CHECK_FALSE(second.downloaded);
  CHECK(second.sha256 == first.sha256);
  CHECK(server.requests().size() == 1);
  // Unless that is wanted, or what is there isn't it.
  options.force = true;
  last = 0;
  CHECK(fetch_file(server.url("/dir/a.pth"), target, options).downloaded);
  options.force = false;
  last = 0;
  write_file_atomically(target, file_v2);
  CHECK(fetch_file(server.url("/dir/a.pth"), target, options).downloaded);
  CHECK(text_of(target) == file_v1);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("fetch: empty files and files of unknown length") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server([](const Request& request) {
    Answer answer = give_file(request, request.target == "/empty" ? "" : file_v1);
    answer.tell_length = request.target != "/stream";
    return answer;
  });
  CHECK(fetch_file(server.url("/empty"), folder / "empty", quick()).bytes == 0);
  CHECK(text_of(folder / "empty").empty());
  CHECK(fetch_file(server.url("/stream"), folder / "stream", quick()).bytes == file_v1.size());
  CHECK(text_of(folder / "stream") == file_v1);
}

TEST_CASE("fetch: a wrong hash deletes what came and keeps what was there") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server([](const Request& request) { return give_file(request, file_v1); });
  FetchOptions options = quick();
  options.sha256 = hash_of(file_v2);
  const std::string message = refusal(ErrorKind::file, [&] { fetch_file(server.url("/a"), folder / "a", options); });
  CHECK(says(message, {"127.0.0.1", "sha256", "expected", hash_of(file_v2).c_str(), hash_of(file_v1).c_str()}));
  CHECK(entries(folder.path()) == 0);
  write_file_atomically(folder / "a", std::string_view("old"));
  refusal(ErrorKind::file, [&] { fetch_file(server.url("/a"), folder / "a", options); });
  CHECK(text_of(folder / "a") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("fetch: limits and sizes") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server([](const Request& request) {
    Answer answer = give_file(request, file_v1);
    answer.tell_length = request.target != "/stream";
    return answer;
  });
  for (const char* path : {"/told", "/stream"}) {
    FetchOptions small = quick();
    small.max_bytes = file_v1.size() - 1;
    CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(server.url(path), folder / "a", small); }), {"limit", path}));
    FetchOptions other = quick();
    other.bytes = file_v1.size() - 1;
    CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(server.url(path), folder / "a", other); }),
               {"299999", "another"}));
    other.bytes = file_v1.size() + 1;
    CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(server.url(path), folder / "a", other); }),
               {"300000", "300001"}));
    CHECK(entries(folder.path()) == 0);
    FetchOptions exact = quick();
    exact.max_bytes = exact.bytes = file_v1.size();
    CHECK(fetch_file(server.url(path), folder / "a", exact).downloaded);
    fs::remove(folder / "a");
  }
}

TEST_CASE("fetch: refusals of servers are one line each, trouble of servers is tried again") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  int trouble = 0;
  const Server server([&](const Request& request) {
    if (request.target == "/a" && trouble-- <= 0) return give_file(request, file_v1);
    Answer answer;
    answer.status = request.target == "/a" ? 503 : std::atoi(request.target.c_str() + 1);
    answer.body = "<html>sorry</html>";
    if (answer.status == 200) answer.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
    return answer;
  });
  const auto message = [&](const std::string& path, int retries) {
    return refusal(ErrorKind::file, [&] { fetch_file(server.url(path), folder / "a", quick(retries)); });
  };
  CHECK(says(message("/404", 3), {"/404", "HTTP 404", "GANVAS_MODEL_URL"}));
  CHECK(says(message("/403", 3), {"/403", "HTTP 403"}));
  CHECK(says(message("/302", 3), {"HTTP 302"}));
  CHECK(says(message("/200", 3), {"web page"}));
  CHECK(server.requests().size() == 4);
  CHECK(says(message("/500", 2), {"HTTP 500", "later"}));
  CHECK(server.requests().size() == 7);
  CHECK(entries(folder.path()) == 0);
  trouble = 2;
  CHECK(fetch_file(server.url("/a"), folder / "a", quick(2)).downloaded);
  CHECK(text_of(folder / "a") == file_v1);
  CHECK(server.requests().size() == 10);
}

TEST_CASE("fetch: a server that asks to wait is heard") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  bool first = true;
  const Server server([&](const Request& request) {
    if (!std::exchange(first, false)) return give_file(request, file_v1);
    return Answer{429, {{"Retry-After", "1"}}, "", std::string::npos, false, true};
  });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(fetch_file(server.url("/a"), folder / "a", quick(1)).downloaded);
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1));
}

TEST_CASE("fetch: folders and files that are in the way") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server([](const Request& request) { return give_file(request, file_v1); });
  write_file_atomically(folder / "file", std::string_view("x"));
  fs::create_directory(folder / "folder");
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(server.url("/a"), folder / "file/sub/a", quick()); }),
             {"file/sub", "folder"}));
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(server.url("/a"), folder / "folder", quick()); }),
             {"is a folder"}));
  CHECK(server.requests().empty());
  if (::geteuid() != 0) {
    fs::permissions(folder / "folder", fs::perms::owner_read | fs::perms::owner_exec);
    CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(server.url("/a"), folder / "folder/a", quick()); }),
               {"folder/a", "ermission"}));
    fs::permissions(folder / "folder", fs::perms::owner_all);
  }
}

TEST_CASE("fetch: URLs that are none, hosts that don't answer") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const auto message = [&](ErrorKind kind, const std::string& url) {
    return refusal(kind, [&] { fetch_file(url, folder / "a", quick()); });
  };
  CHECK(says(message(ErrorKind::usage, "nonsense"), {"URL"}));
  CHECK(says(message(ErrorKind::usage, "ftp://127.0.0.1/a"), {"ftp://127.0.0.1/a", "https"}));
  CHECK(says(message(ErrorKind::usage, "file:///etc/hostname"), {"https"}));
  std::string closed;
  {
    closed = Server([](const Request&) { return Answer{}; }).url("/a");
  }
  CHECK(says(message(ErrorKind::file, closed), {"can't connect", "127.0.0.1"}));
  // A password in a URL is nobody else's business.
  const Server server([](const Request&) { return Answer{404, {}, "", std::string::npos, false, true}; });
  std::string secret = server.url("/a");
  secret.insert(std::string("http://").size(), "me:s3cret@");
  const std::string hidden = message(ErrorKind::file, secret);
  CHECK(says(hidden, {"HTTP 404", "127.0.0.1"}));
  CHECK(hidden.find("s3cret") == std::string::npos);
  CHECK(server.requests().at(0).header("authorization").starts_with("Basic "));
  CHECK(entries(folder.path()) == 0);
}

TEST_CASE("fetch: two at once take turns") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server([](const Request& request) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return give_file(request, file_v1);
  });
  std::atomic<int> downloads = 0;
  const auto work = [&] { downloads += fetch_file(server.url("/a"), folder / "a", quick()).downloaded; };
  std::thread other(work);
  work();
  other.join();
  CHECK(downloads == 1);
  CHECK(server.requests().size() == 1);
  CHECK(text_of(folder / "a") == file_v1);
  CHECK(entries(folder.path()) == 1);
}
