#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ganvas {

/// SHA-256 (FIPS 180-4) of bytes that come piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::uint8_t> bytes);
  void update(std::string_view text);
  /// 64 lower-case hex digits. Ends the computation: nothing may follow.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Of a whole file, read in pieces. Throws Error(file) when it can't be read, Error(interrupted) on Ctrl-C.
std::string file_sha256(const std::filesystem::path& path);

/// Whether `sha256` (64 digits) begins with `expected`, in any case of letters. An empty `expected` fits everything.
bool hash_fits(std::string_view sha256, std::string_view expected);

}  // namespace ganvas
