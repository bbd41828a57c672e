#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "ganvas/imaging/codec.hpp"

namespace ganvas {

/// As much of a file as it takes to tell its format.
struct FileHead {
  std::array<std::uint8_t, 32> data{};
  std::size_t size = 0;
  std::span<const std::uint8_t> bytes() const { return std::span(data).first(size); }
};

/// Of a regular file; empty of anything else (a pipe must not be touched before its time) and where it can't be read.
FileHead read_head(const std::filesystem::path& path);

bool has_mark(std::span<const std::uint8_t> bytes, const ForeignFormat& foreign);
/// "is a GIF, which is not supported; convert it to PNG"
std::string refusal_of(const ForeignFormat& foreign);

}  // namespace ganvas
