#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// A safetensors file: u64 little-endian header length, JSON header, raw little-endian data.
struct Safetensors {
  StateDict tensors;
  std::map<std::string, std::string> metadata;
};

/// Tensors come back in the order of their data. Throws Error(model) on any inconsistency: header length, offsets
/// (overlaps, holes, past the end), shape times size, unknown dtype, duplicate keys. `name` stands in messages.
/// Dtypes: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
Safetensors parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& name);
Safetensors read_safetensors(const std::filesystem::path& path);

/// Atomic. Header padded with spaces to 8 bytes; tensors made contiguous and, so that all data are aligned, ordered by
/// falling element size (stable: tensors of one dtype keep their order).
void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace ganvas
