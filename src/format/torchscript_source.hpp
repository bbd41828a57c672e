#pragma once

#include "format/byte_source.hpp"
#include "ganvas/format/torchscript.hpp"

namespace ganvas::format {

ScriptArchive read_torchscript(const ByteSource& source);

}  // namespace ganvas::format
