#include "ganvas/fetch/sha256.hpp"

#include "ganvas/core/files.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

std::string hash_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.finish();
}

}  // namespace

TEST_CASE("sha256: the examples of FIPS 180-4 and of NIST") {
  CHECK(hash_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  // A million times "a", in pieces that fit no block.
  Sha256 million;
  const std::string piece(997, 'a');
  for (std::size_t left = 1'000'000; left > 0;) {
    const std::size_t count = std::min(left, piece.size());
    million.update(std::string_view(piece).substr(0, count));
    left -= count;
  }
  CHECK(million.finish() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("file_sha256: a file of several pieces, an absent one") {
  const TemporaryFolder folder;
  const std::string text(1'000'000, 'a');
  write_file_atomically(folder / "a", text + text + text);
  CHECK(file_sha256(folder / "a") == hash_of(text + text + text));
  write_file_atomically(folder / "b", text);
  CHECK(file_sha256(folder / "b") == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(says(refusal(ErrorKind::file, [&] { file_sha256(folder / "absent"); }), {"absent"}));
}

TEST_CASE("hash_fits: whole, first digits, any case, nothing known") {
  const std::string hash = hash_of("abc");
  CHECK(hash_fits(hash, hash));
  CHECK(hash_fits(hash, "ba7816bf"));
  CHECK(hash_fits(hash, "BA7816BF"));
  CHECK(hash_fits(hash, ""));
  CHECK_FALSE(hash_fits(hash, "ba7816be"));
  CHECK_FALSE(hash_fits(hash, hash + "0"));
  CHECK_FALSE(hash_fits(hash, "a7816bf8"));
}
