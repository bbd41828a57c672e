#include "ganvas/fetch/sha256.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/lower_case.hpp"

namespace ganvas {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
    fail(ErrorKind::internal, "sha256: OpenSSL doesn't offer it");
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::uint8_t> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

void Sha256::update(std::string_view text) {
  update(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string Sha256::finish() {
  std::array<std::uint8_t, 32> digest{};
  EVP_DigestFinal_ex(state_->context, digest.data(), nullptr);
  std::string hex;
  for (const std::uint8_t byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string file_sha256(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(ErrorKind::file, "{}: can't open: {}", path.string(), std::strerror(errno));
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};

  Sha256 hash;
  std::vector<std::uint8_t> buffer(1U << 20);
  for (;;) {
    throw_if_interrupted();
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorKind::file, "{}: can't read: {}", path.string(), std::strerror(errno));
    if (got == 0) return hash.finish();
    hash.update(std::span(buffer.data(), static_cast<std::size_t>(got)));
  }
}

bool hash_fits(std::string_view sha256, std::string_view expected) {
  const auto same = [](char a, char b) { return lower_case(a) == lower_case(b); };
  return expected.size() <= sha256.size() && std::equal(expected.begin(), expected.end(), sha256.begin(), same);
}

}  // namespace ganvas
