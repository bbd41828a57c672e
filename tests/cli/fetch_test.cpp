#include <fstream>

#include "cli/program.hpp"
#include "fetch/server.hpp"
#include "fetch/support.hpp"
#include "ganvas/nn/registry.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

// A file of the catalogue without a known hash: what the user gives counts.
const std::string name = "RealESRNet_x4plus";

/// A mirror and a cache of this test's own, for the program that is run.
struct Mirror {
  explicit Mirror(Server::Handler handler) : server(std::move(handler)) {
    for (const char* variable : {"http_proxy", "all_proxy", "ALL_PROXY", "GANVAS_MODELS"}) ::unsetenv(variable);
    ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
    ::setenv("GANVAS_MODEL_URL", server.url("/mirror").c_str(), 1);
  }
  ~Mirror() {
    ::unsetenv("XDG_CACHE_HOME");
    ::unsetenv("GANVAS_MODEL_URL");
  }
  fs::path models() const { return folder / "ganvas/models"; }
  fs::path part() const { return models() / ("." + name + ".pth.part"); }

  TemporaryFolder folder;
  Server server;
};

std::string tiny_model(const fs::path& path) {
  torch::manual_seed(1);
  save_generator(path, *make_generator("compact", {{"channels", 8}, {"convs", 1}, {"scale", 2}}), {});
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("model fetch: the list") {
  const Mirror mirror([](const Request&) { return Answer{404, {}, "", std::string::npos, false, true}; });
  const Finished list = run_ganvas({"model", "fetch", "--list"});
  CHECK(list.code == 0);
  for (const char* part : {"vgg19 ", "574.67 MB", "dcbb9e9d", "lpips-squeeze ", "RealESRGAN_x4plus ", "no hash known"})
    CHECK(contains(list.out, part));
  bool unknown = false;
  for (const auto& line : run_ganvas({"model", "fetch", "--list", "--json"}).lines()) {
    CHECK(line.at("url").get<std::string>().starts_with(mirror.server.url("/mirror/")));
    CHECK(line.at("here") == false);
    if (line.at("name") == name) unknown = line.at("sha256").is_null() && line.at("bytes").is_null();
  }
  CHECK(unknown);
  CHECK(mirror.server.requests().empty());
  CHECK_FALSE(fs::exists(mirror.models()));
}

TEST_CASE("model fetch: a file comes once, prints its path, and is then a model by name") {
  const TemporaryFolder folder;
  const std::string body = tiny_model(folder / "m.pth");
  const Mirror mirror([&](const Request& request) { return give_file(request, body); });
  const fs::path target = mirror.models() / (name + ".pth");
  const std::string hash = hash_of(body);
  const Finished refused = run_ganvas({"model", "fetch", name});
  CHECK(refused.code == 1);
  CHECK(contains(refused.err, "--sha256"));
  CHECK(mirror.server.requests().empty());
  const Finished first = run_ganvas({"model", "fetch", name, "--sha256", hash});
  CAPTURE(first.err);
  CHECK(first.code == 0);
  CHECK(first.out == target.string() + "\n");
  CHECK(read_file(target) == read_file(folder / "m.pth"));
  CHECK(mirror.server.requests().size() == 1);

  const auto second = run_ganvas({"model", "fetch", name, "--json", "--sha256", hash}).lines();
  REQUIRE(second.size() == 1);
  CHECK(second[0].at("downloaded") == false);
  CHECK(second[0].at("path") == target.string());
  CHECK(second[0].at("bytes") == body.size());
  CHECK(mirror.server.requests().size() == 1);
  CHECK(run_ganvas({"model", "fetch", name, "--force", "--sha256", hash}).code == 0);
  CHECK(mirror.server.requests().size() == 2);

  write_image(folder / "a.png", noise(9, 7, 3, Depth::u8));
  const Finished large =
      run_ganvas({"upscale", (folder / "a.png").string(), "-o", (folder / "b.png").string(), "-m", name});
  CAPTURE(large.err);
  CHECK(large.code == 0);
  CHECK(read_image(folder / "b.png").image.width() == 18);
}

TEST_CASE("model fetch: wrong names and options, files that fail while others come") {
  const Mirror mirror([](const Request& request) {
    if (request.target == "/mirror/vgg19-dcbb9e9d.pth") return Answer{404, {}, "", std::string::npos, false, true};
    return give_file(request, std::string(10811, 'x'));
  });
  const auto wrong = [&](std::vector<std::string> arguments, const char* part) {
    arguments.insert(arguments.begin(), {"model", "fetch"});
    const Finished result = run_ganvas(arguments);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(lines_in(result.err) == 1);
    CHECK(contains(result.err, part));
  };
  wrong({"RealESRGAN_x4plu"}, "did you mean RealESRGAN_x4plus?");
  wrong({}, "--list");
  wrong({"vgg19", "--all"}, "--all");
  wrong({name, "--sha256", "123"}, "--sha256");
  wrong({name, "vgg19", "--sha256", std::string(64, 'a')}, "--sha256");
  CHECK(mirror.server.requests().empty());

  const Finished mixed = run_ganvas({"model", "fetch", "vgg19", "lpips-squeeze", name, "-q"});
  CHECK(mixed.code == 1);
  CHECK(mixed.out.empty());
  CHECK(lines_in(mixed.err) == 3);
  CHECK(contains(mixed.err, name + ": not fetched"));
  CHECK(contains(mixed.err, "HTTP 404"));
  CHECK(contains(mixed.err, "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"));
  CHECK(std::distance(fs::directory_iterator(mirror.models()), fs::directory_iterator()) == 0);
}

TEST_CASE("model fetch: after Ctrl-C or a kill the next call goes on") {
  const std::string body(3'000'000, 'm');
  for (const int signal : {SIGINT, SIGKILL}) {
    CAPTURE(signal);
    bool first = true;
    const Mirror mirror([&](const Request& request) {
      Answer answer = give_file(request, body);
      if (std::exchange(first, false)) {
        answer.send = 2'000'000;
        answer.hang = true;
      }
      return answer;
    });
    Program program({"model", "fetch", name, "--sha256", hash_of(body)});
    program.signal_when(
        [&] {
          std::error_code error;
          return fs::file_size(mirror.part(), error) == 2'000'000;
        },
        signal);
    const Finished stopped = program.finish();
    CHECK(stopped.code == (signal == SIGINT ? 130 : -SIGKILL));
    CHECK(stopped.out.empty());
    if (signal == SIGINT) CHECK(contains(stopped.err, "2.0 MB are kept"));
    CHECK_FALSE(fs::exists(mirror.models() / (name + ".pth")));
    CHECK(run_ganvas({"model", "fetch", name, "--sha256", hash_of(body)}).code == 0);
    CHECK(read_file(mirror.models() / (name + ".pth")).size() == body.size());
    CHECK_FALSE(fs::exists(mirror.part()));
    REQUIRE(mirror.server.requests().size() == 2);
    CHECK(mirror.server.requests()[1].header("range") == "bytes=2000000-");
  }
}
