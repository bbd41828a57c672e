#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "fetch/support.hpp"
#include "ganvas/core/interrupt.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

const std::string file_v1 = content(300'000);
const std::string file_v2 = content(300'000, 7);
constexpr std::size_t cut = 200'000;

/// The first answer breaks off in the middle, the further ones are `next`'s.
Server::Handler broken_first(Server::Handler next, const std::string& etag = "\"v1\"") {
  return [first = true, next, etag](const Request& request) mutable {
    if (!std::exchange(first, false)) return next(request);
    Answer answer = give_file(request, file_v1, etag);
    answer.send = cut;
    return answer;
  };
}

Answer give_v1(const Request& request) { return give_file(request, file_v1); }

/// Lets the first connection break, so that a part of version 1 lies in the folder.
void leave_part(const Server& server, const fs::path& target) {
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(server.url("/a"), target, quick()); }),
             {"broke", "0.2 MB of 0.3 MB", "run again"}));
  CHECK_FALSE(fs::exists(target));
  CHECK(fs::file_size(target.parent_path() / ".a.part") == cut);
  CHECK(list_files(target.parent_path(), true).empty());
}

}  // namespace

TEST_CASE("resume: within a call, after a connection that broke") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server(broken_first(give_v1));
  CHECK(fetch_file(server.url("/a"), folder / "a", quick(1)).sha256 == hash_of(file_v1));
  CHECK(text_of(folder / "a") == file_v1);
  CHECK(entries(folder.path()) == 1);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].header("range") == "bytes=200000-");
  CHECK(requests[1].header("if-range") == "\"v1\"");
}

TEST_CASE("resume: in a later call, also by the date alone") {
  const CleanEnvironment clean;
  for (const bool by_date : {false, true}) {
    CAPTURE(by_date);
    const TemporaryFolder folder;
    const std::string date = "Tue, 01 Sep 2020 10:00:00 GMT";
    const auto dated = [&](Answer answer) {
      if (by_date) answer.headers.emplace_back("Last-Modified", date);
      return answer;
    };
    const std::string etag = by_date ? "W/\"weak\"" : "\"v1\"";
    bool first = true;
    const Server server([&](const Request& request) {
      Request seen = request;
      if (by_date && seen.header("if-range") == date) seen.headers["if-range"] = etag;
      Answer answer = dated(give_file(seen, file_v1, etag));
      if (std::exchange(first, false)) answer.send = cut;
      return answer;
    });
    leave_part(server, folder / "a");
    FetchOptions options = quick();
    std::uint64_t smallest = file_v1.size();
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      smallest = std::min(smallest, done);
      CHECK(total == file_v1.size());
    };
    CHECK(fetch_file(server.url("/a"), folder / "a", options).downloaded);
    CHECK(text_of(folder / "a") == file_v1);
    CHECK(smallest > cut);
    const auto requests = server.requests();
    REQUIRE(requests.size() == 2);
    CHECK(requests[1].header("range") == "bytes=200000-");
    CHECK(requests[1].header("if-range") == (by_date ? date : etag));
  }
}

TEST_CASE("resume: a server without ranges sends the whole again") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server(
      broken_first([](const Request&) { return Answer{200, {}, file_v1, std::string::npos, false, true}; }));
  leave_part(server, folder / "a");
  CHECK(fetch_file(server.url("/a"), folder / "a", quick()).bytes == file_v1.size());
  CHECK(text_of(folder / "a") == file_v1);
}

TEST_CASE("resume: two versions are never glued together") {
  const CleanEnvironment clean;
  // How the server gives the second version of the file: as asked, or as a bad server that overlooks If-Range.
  const auto correct = [](const Request& request) { return give_file(request, file_v2, "\"v2\""); };
  const auto careless = [](Request request) {
    request.headers.erase("if-range");
    return give_file(request, file_v2, "\"v2\"");
  };
  const auto shorter = [](Request request) {
    request.headers.erase("if-range");
    return give_file(request, file_v2.substr(0, 250'000), "");
  };
  const auto elsewhere = [](const Request& request) {
    if (request.header("range").empty()) return give_file(request, file_v2);
    return Answer{206, {{"Content-Range", "bytes 0-299999/300000"}}, file_v2, std::string::npos, false, true};
  };
  for (const Server::Handler& handler : std::vector<Server::Handler>{correct, careless, shorter, elsewhere}) {
    const TemporaryFolder folder;
    const Server server(broken_first(handler));
    leave_part(server, folder / "a");
    CHECK(fetch_file(server.url("/a"), folder / "a", quick()).downloaded);
    const std::string got = text_of(folder / "a");
    CHECK(got == file_v2.substr(0, got.size()));
    CHECK(server.requests().back().header("range").empty() == (server.requests().size() == 3));
  }
  // One that lies even about the version: the hash shows it.
  const TemporaryFolder folder;
  const Server server(broken_first([](const Request& request) { return give_file(request, file_v2, "\"v1\""); }));
  leave_part(server, folder / "a");
  FetchOptions options = quick();
  options.sha256 = hash_of(file_v2);
  CHECK(fetch_file(server.url("/a"), folder / "a", options).sha256 == hash_of(file_v2));
  CHECK(server.requests().size() == 3);
}

TEST_CASE("resume: without a version only a known hash allows it") {
  const CleanEnvironment clean;
  for (const bool known : {false, true}) {
    const TemporaryFolder folder;
    const Server server(broken_first([](const Request& request) { return give_file(request, file_v1, ""); }, ""));
    leave_part(server, folder / "a");
    FetchOptions options = quick();
    if (known) options.sha256 = hash_of(file_v1);
    fetch_file(server.url("/a"), folder / "a", options);
    CHECK(text_of(folder / "a") == file_v1);
    CHECK(server.requests().at(1).header("range") == (known ? "bytes=200000-" : ""));
    CHECK(server.requests().at(1).header("if-range").empty());
  }
}

TEST_CASE("resume: parts of another URL, without their note, damaged, complete or too long") {
  const CleanEnvironment clean;
  const auto after = [](const std::function<void(const fs::path& part)>& change, const std::string& path = "/a") {
    const TemporaryFolder folder;
    const Server server(broken_first(give_v1));
    leave_part(server, folder / "a");
    change(folder / ".a.part");
    FetchOptions options = quick();
    options.sha256 = hash_of(file_v1);
    fetch_file(server.url(path), folder / "a", options);
    CHECK(text_of(folder / "a") == file_v1);
    CHECK(entries(folder.path()) == 1);
    std::vector<std::string> ranges;
    for (const Request& request : server.requests()) ranges.push_back(request.header("range"));
    return ranges;
  };
  using Ranges = std::vector<std::string>;
  const auto nothing = [](const fs::path&) {};
  CHECK(after(nothing) == Ranges{"", "bytes=200000-"});
  CHECK(after(nothing, "/b") == Ranges{"", ""});
  CHECK(after([](const fs::path& part) { fs::remove(part.string() + ".json"); }) == Ranges{"", ""});
  CHECK(after([](const fs::path& part) { std::ofstream(part.string() + ".json") << "{]"; }) == Ranges{"", ""});
  CHECK(after([](const fs::path& part) { std::ofstream(part, std::ios::in) << "damage"; }) ==
        Ranges{"", "bytes=200000-", ""});
  CHECK(after([](const fs::path& part) { std::ofstream(part, std::ios::app) << file_v1.substr(cut); }) == Ranges{""});
  CHECK(after([](const fs::path& part) { std::ofstream(part, std::ios::app) << file_v1; }) == Ranges{"", ""});
}

TEST_CASE("resume: after a stall and after Ctrl-C") {
  const CleanEnvironment clean;
  for (const bool stall : {true, false}) {
    CAPTURE(stall);
    const TemporaryFolder folder;
    bool first = true;
    const Server server([&](const Request& request) {
      Answer answer = give_v1(request);
      if (std::exchange(first, false)) {
        answer.send = cut;
        answer.hang = true;
      }
      return answer;
    });
    FetchOptions options = quick();
    if (stall) options.stall_seconds = 1;
    else
      options.progress = [](std::uint64_t done, std::uint64_t) {
        if (done >= cut) set_interrupted(true);
      };
    const std::string message = refusal(stall ? ErrorKind::file : ErrorKind::interrupted,
                                        [&] { fetch_file(server.url("/a"), folder / "a", options); });
    set_interrupted(false);
    CHECK(says(message, {stall ? "stalled" : "interrupted", "0.2 MB", "run again"}));
    CHECK(fs::file_size(folder / ".a.part") == cut);
    fetch_file(server.url("/a"), folder / "a", quick());
    CHECK(text_of(folder / "a") == file_v1);
    CHECK(server.requests().at(1).header("range") == "bytes=200000-");
  }
}

TEST_CASE("resume: a server that accepts and says nothing is given up") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(silent, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(::listen(silent, 4) == 0);
  REQUIRE(::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  FetchOptions options = quick();
  options.stall_seconds = 1;
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/a";
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_file(url, folder / "a", options); }), {"no answer"}));
  ::close(silent);
  CHECK(entries(folder.path()) == 0);
}

TEST_CASE("resume: after a full disk") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server server(give_v1);
  // In the shape of a limit on file sizes.
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{}, tight{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  tight = before;
  tight.rlim_cur = cut;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::string message = refusal(ErrorKind::file, [&] { fetch_file(server.url("/a"), folder / "a", quick(3)); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, previous);
  CHECK(says(message, {"/a: can't write", "make room", "kept"}));
  CHECK(server.requests().size() == 1);
  CHECK(fs::file_size(folder / ".a.part") == cut);
  fetch_file(server.url("/a"), folder / "a", quick());
  CHECK(text_of(folder / "a") == file_v1);
  CHECK(server.requests().at(1).header("range") == "bytes=200000-");
}

TEST_CASE("resume: many breaks are no obstacle as long as good pieces come") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const std::string large = content(6'500'000);
  const Server server([&](const Request& request) {
    Answer answer = give_file(request, large);
    answer.send = 1'100'000;
    return answer;
  });
  CHECK(fetch_file(server.url("/a"), folder / "a", quick(1)).sha256 == hash_of(large));
  CHECK(server.requests().size() == 6);
}
