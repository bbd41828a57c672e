#pragma once

#include <filesystem>

#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// A network that came as a TorchScript archive (torch.jit.save of a traced or scripted module, or our own export).
/// What it takes is tried out: 3, 1 or 4 channels, the scale, the multiples that it needs (pictures are padded to them
/// and results cut), how far a pixel is seen. Values are in [0, 1], or in [-1, 1] where its last operator is a tanh;
/// our own exports say theirs.
///
/// A program, but a tame one: nothing may run while it is loaded, and operators that reach outside of it (files, other
/// processes) are refused. Throws Error(model) for such programs, damaged archives, and programs that don't make a
/// picture of 1 x C x H x W out of one.
LoadedGenerator load_torchscript(const std::filesystem::path& path);

}  // namespace ganvas
