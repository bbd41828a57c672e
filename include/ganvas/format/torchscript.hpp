#pragma once

#include <filesystem>
#include <string>

/// TorchScript archives: programs with weights, as torch.jit.save writes them. Here they are only looked into.
namespace ganvas {

/// Whether a file is one; false for all else, missing and broken files included.
bool is_torchscript(const std::filesystem::path& path);

/// The sources in the archive, one after the other. Throws Error(model) for damaged archives and unbelievably long
/// sources.
std::string torchscript_sources(const std::filesystem::path& path);

}  // namespace ganvas
