#include "ganvas/fetch/catalogue.hpp"

#include <set>

#include "fetch/support.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("catalogue: names and files are unique, URLs are https, hashes are hex and fit the published names") {
  std::set<std::string> names, files;
  for (const OfficialFile& file : official_files()) {
    CAPTURE(file.name);
    CHECK(names.insert(file.name).second);
    CHECK(files.insert(file.file).second);
    CHECK(file.file.ends_with(".pth"));
    CHECK(file.file.find('/') == std::string::npos);
    CHECK(file.url.starts_with("https://"));
    CHECK_FALSE(file.what.empty());
    CHECK((file.sha256.empty() || file.sha256.size() == 8 || file.sha256.size() == 64));
    CHECK(file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
    // vgg19-dcbb9e9d.pth: eight digits of the hash in the name.
    const std::size_t dash = file.file.rfind('-');
    if (dash != std::string::npos && file.file.size() == dash + 13)
      CHECK(file.file.substr(dash + 1, 8) == file.sha256.substr(0, 8));
    // Every way to name it.
    CHECK(official_file(file.name).url == file.url);
    CHECK(official_file(file.file).url == file.url);
    CHECK(official_file(file.file.substr(0, file.file.size() - 4)).url == file.url);
  }
  CHECK(official_file("vgg19").file == "vgg19-dcbb9e9d.pth");
  CHECK(official_file("realesr-general-x4v3").file == "realesr-general-x4v3.pth");
}

TEST_CASE("catalogue: hashes of the LPIPS heads are those of the reference files") {
  const auto heads = shared_folder() / "weights" / "lpips-v0.1";
  SKIP_WITHOUT(heads);
  for (const char* network : {"squeeze", "vgg"}) {
    const auto path = heads / (std::string(network) + ".pth");
    const OfficialFile& file = official_file(std::string("lpips-") + network);
    CHECK(file_sha256(path) == file.sha256);
    CHECK(std::filesystem::file_size(path) == file.bytes);
  }
}

TEST_CASE("catalogue: an unknown name brings the nearest one and the list") {
  CHECK(says(refusal(ErrorKind::usage, [] { official_file("vgg91"); }),
             {"vgg91", "did you mean vgg", "RealESRGAN_x4plus", "lpips-squeeze"}));
  CHECK(
      says(refusal(ErrorKind::usage, [] { official_file("realesrgan_x4plus"); }), {"did you mean RealESRGAN_x4plus?"}));
}

TEST_CASE("catalogue: a mirror stands in for all URLs, files go to the cache") {
  const CleanEnvironment clean;
  const TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  const OfficialFile& head = official_file("lpips-squeeze");
  CHECK(download_url(head) == head.url);
  CHECK(fetched_path(head) == folder / "ganvas/models/lpips-squeeze.pth");

  const std::string body = content(10811);
  const Server server([&](const Request& request) { return give_file(request, body); });
  ::setenv("GANVAS_MODEL_URL", server.url("/mirror/").c_str(), 1);
  CHECK(download_url(head) == server.url("/mirror/lpips-squeeze.pth"));
  // The right size with other content.
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_official(head, quick()); }), {"sha256", head.sha256.c_str()}));
  // What nobody has vouched for is not fetched, unless the user does.
  const OfficialFile& unknown = official_file("RealESRNet_x4plus");
  REQUIRE(unknown.sha256.empty());
  const auto requests = server.requests().size();
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_official(unknown, quick()); }), {"not fetched", "--sha256"}));
  const OfficialFile& started = official_file("ESRGAN_SRx4_DF2KOST_official");
  CHECK(says(refusal(ErrorKind::file, [&] { fetch_official(started, quick()); }), {"not fetched", "--sha256"}));
  FetchOptions own = quick();
  own.sha256 = hash_of(body);
  CHECK(says(refusal(ErrorKind::usage, [&] { fetch_official(started, own); }), {"begins with ff704c30"}));
  CHECK(server.requests().size() == requests);
  CHECK(fetch_official(unknown, own).sha256 == hash_of(body));
  CHECK(text_of(fetched_path(unknown)) == body);
  CHECK(server.requests().back().target == "/mirror/RealESRNet_x4plus.pth");
  ::unsetenv("GANVAS_MODEL_URL");
  ::unsetenv("XDG_CACHE_HOME");
}
