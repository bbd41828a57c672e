#include "ganvas/core/setting_error.hpp"

#include <doctest/doctest.h>

using namespace ganvas;

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
