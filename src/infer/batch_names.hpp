#pragma once

#include <filesystem>
#include <string>

#include "ganvas/infer/batch.hpp"

namespace ganvas {

/// The output's path below the output folder; `number` is the input's among all, from 1. Throws Error(usage) for an
/// unknown field or a name that leaves the folder.
std::filesystem::path output_name(const BatchOptions& options, const std::filesystem::path& input,
                                  const std::filesystem::path& below, std::size_t number);

/// Format of an output: asked for, by the output's own extension, or the input's (by content, else by name).
Format output_format(const BatchOptions& options, const std::filesystem::path& output, Format input_format);

}  // namespace ganvas
