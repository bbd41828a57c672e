#pragma once

#include <filesystem>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// How a file is taken.
struct LoadOptions {
  /// TorchScript programs that use more than the operators we know may run, in LibTorch, and do what they like.
  bool trust = false;
};

/// load_generator() of registry.hpp with options.
LoadedGenerator load_generator(const std::filesystem::path& path, const LoadOptions& options);

/// A TorchScript program that uses what isn't on our list: refused unless the caller trusts the file
/// (LoadOptions::trust). Nothing of it was run that is not on the list.
class UntrustedProgram : public Error {
 public:
  explicit UntrustedProgram(const std::string& message) : Error(ErrorKind::model, message) {}
};

/// A network that came as a TorchScript archive (torch.jit.save of a traced or scripted module, or our own export).
/// What it takes is tried out: 3, 1 or 4 channels, the scale, the multiples that it needs (pictures are padded to them
/// and results cut), how far a pixel is seen. Values are in [0, 1], or in [-1, 1] where its last operator is a tanh;
/// our own exports say theirs.
///
/// The archive is read as data by our own readers, the program is parsed and evaluated here, and the only thing that it
/// can do is to compute with the operators of a list (nn/script/operators.hpp); LibTorch's loader, compiler and
/// interpreter never see it. The whole program is looked at, methods that nobody calls included: throws
/// UntrustedProgram at the first operator, function or statement that isn't known, and for branches on values, loops
/// without an end, programs that take more than a million steps, a minute on 256x256 pixels or too much memory. Throws
/// Error(model) for damaged archives and programs that don't make a picture of 1 x C x H x W out of one.
///
/// With `options.trust` a program that is refused goes to LibTorch as it is, which does whatever it says.
LoadedGenerator load_torchscript(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace ganvas
