#include "ganvas/core/setting_error.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <stdexcept>

#include "ganvas/core/failure_words.hpp"

using namespace ganvas;
namespace fs = std::filesystem;

TEST_CASE("errors about settings keep their setting and kind when a name is put before them") {
  try {
    try {
      fail_setting(ErrorKind::file, "max_pixels", "claims {} pixels", 9);
    } catch (const Error& error) {
      rethrow_named("a.png", error);
    }
  } catch (const SettingError& error) {
    CHECK(error.setting() == "max_pixels");
    CHECK(error.kind() == ErrorKind::file);
    CHECK(std::string(error.what()) == "a.png: claims 9 pixels");
  }
  CHECK_THROWS_AS(rethrow_named("a", Error(ErrorKind::data, "b")), Error);
}

TEST_CASE("failures of the file system are said in our words, others in their own") {
  const fs::filesystem_error denied("status", "/root/x", std::make_error_code(std::errc::permission_denied));
  CHECK(failure_words(denied) == "/root/x: Permission denied");
  CHECK(failure_words(fs::filesystem_error("status", std::make_error_code(std::errc::io_error))) ==
        std::make_error_code(std::errc::io_error).message());
  CHECK(failure_words(std::runtime_error("as it is")) == "as it is");
}
