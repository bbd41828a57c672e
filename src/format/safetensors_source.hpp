#pragma once

#include "format/byte_source.hpp"
#include "ganvas/format/safetensors.hpp"

namespace ganvas::format {

Safetensors parse_safetensors(const ByteSource& source);

}  // namespace ganvas::format
