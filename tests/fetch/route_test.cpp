// Redirects, proxies and certificates.
#include "fetch/support.hpp"
#include "fetch/tls.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

const std::string body = content(50'000);

Answer redirect(const std::string& to) { return {302, {{"Location", to}}, "moved", std::string::npos, false, true}; }

}  // namespace

TEST_CASE("redirects: followed on this machine, not in circles, not to other protocols") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server other([](const Request& request) { return give_file(request, body); });
  const Server server([&](const Request& request) {
    if (request.target == "/a") return redirect(other.url("/signed?token=1"));
    if (request.target == "/circle") return redirect("/circle");
    return redirect("file:///etc/hostname");
  });
  CHECK(fetch_file(server.url("/a"), folder / "a", quick()).downloaded);
  CHECK(text_of(folder / "a") == body);
  CHECK(other.requests().at(0).target == "/signed?token=1");
  const auto message = [&](const std::string& path) {
    return refusal(ErrorKind::file, [&] { fetch_file(server.url(path), folder / "b", quick()); });
  };
  CHECK(says(message("/circle"), {"circles"}));
  CHECK(says(message("/file"), {"redirects", "https"}));
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("resume: goes through a redirect whose end is another one each time") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  int served = 0;
  const Server server([&](const Request& request) {
    if (request.target == "/a") return redirect("/signed" + std::to_string(served));
    Answer answer = give_file(request, body);
    if (served++ == 0) answer.send = 20'000;
    return answer;
  });
  CHECK(fetch_file(server.url("/a"), folder / "a", quick(1)).downloaded);
  CHECK(text_of(folder / "a") == body);
  CHECK(server.requests().back().target == "/signed1");
  CHECK(server.requests().back().header("range") == "bytes=20000-");
}

TEST_CASE("proxies: by the usual variable, plain redirects from elsewhere are refused") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  const Server proxy([](const Request& request) {
    if (request.target == "http://models.example/a") return give_file(request, body);
    return redirect("http://models.example/a");
  });
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  CHECK(fetch_file("http://models.example/a", folder / "a", quick()).downloaded);
  CHECK(text_of(folder / "a") == body);
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_file("http://models.example/b", folder / "b", quick()); }),
             {"http://models.example/b", "redirects", "https"}));
  CHECK(proxy.requests().size() == 2);
  ::unsetenv("http_proxy");
}

TEST_CASE("https: trusted certificates only, and no way back to plain text") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  Tls tls;
  const Server plain([](const Request& request) { return give_file(request, body); });
  const Server server(
      [&](const Request& request) {
        if (request.target == "/a") return give_file(request, body);
        return redirect(request.target == "/moved" ? "/a" : plain.url("/a"));
      },
      tls.wrap());
  const auto message = [&](const std::string& url) {
    return refusal(ErrorKind::file, [&] { fetch_file(url, folder / "b", quick(2)); });
  };
  CHECK(says(message(server.url("/a", "https")), {"certificate isn't trusted", "ca-certificates"}));
  CHECK(server.requests().empty());
  tls.save_certificate(folder / "certificate.pem");
  ::setenv("SSL_CERT_FILE", (folder / "certificate.pem").c_str(), 1);
  CHECK(fetch_file(server.url("/a", "https"), folder / "a", quick()).downloaded);
  CHECK(text_of(folder / "a") == body);
  CHECK(fetch_file(server.url("/moved", "https"), folder / "c", quick()).downloaded);
  CHECK(says(message(server.url("/plain", "https")), {"redirects", "https"}));
  CHECK(plain.requests().empty());
  // A certificate of another name: by address it is 127.0.0.1 alone.
  std::string by_name = server.url("/a", "https");
  by_name.replace(by_name.find("127.0.0.1"), 9, "localhost");
  CHECK(says(message(by_name), {"certificate"}));
  // Plain text where TLS should be.
  CHECK(says(message(plain.url("/a", "https")), {"127.0.0.1"}));
  ::unsetenv("SSL_CERT_FILE");
}
