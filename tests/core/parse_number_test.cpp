#include "ganvas/core/parse_number.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "ganvas/core/hash.hpp"

using namespace ganvas;

TEST_CASE("numbers: the whole text or nothing") {
  CHECK(parse_number<int>("-12") == -12);
  CHECK(parse_number<int>("ff", 16) == 255);
  CHECK(parse_number<double>("2.5e-3") == 2.5e-3);
  CHECK(parse_number<std::uint64_t>("18446744073709551615") == UINT64_MAX);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x10", "1.0", "99999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number<int>(text));
  }
  CHECK_FALSE(parse_number<double>("1,5"));
  CHECK_FALSE(parse_number<std::uint64_t>("-1"));
}

TEST_CASE("hash: the published values of FNV-1a") {
  CHECK(fnv1a(std::string()) == 0xcbf29ce484222325);
  CHECK(fnv1a(std::string("a")) == 0xaf63dc4c8601ec8c);
  CHECK(fnv1a(std::string("foobar")) == 0x85944171f73967e8);
}
