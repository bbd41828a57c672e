#pragma once

#include <optional>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/codec.hpp"

namespace ganvas {

/// Standard input as pictures, one behind another; none is read before it is asked for. A Ctrl-C ends the waiting.
class StandardInput {
 public:
  /// The next one; the first may be empty, later ones are not. Nothing at the end. Throws Error(file),
  /// Error(interrupted).
  std::optional<Bytes> next();

 private:
  bool read_more();
  Bytes bytes_;
  std::optional<Format> format_;
  bool first_ = true, ended_ = false;
};

}  // namespace ganvas
