#pragma once

#include <optional>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/y4m.hpp"

namespace ganvas {

/// Standard input as pictures, one behind another; none is read before it is asked for. A Ctrl-C ends the waiting. The
/// frames of a film (y4m.hpp) are PNM.
class StandardInput {
 public:
  /// `max_pixels`: frames of more are refused.
  explicit StandardInput(std::uint64_t max_pixels) : max_pixels_(max_pixels) {}
  /// The next one; the first may be empty, later ones are not. Nothing at the end. Throws Error(file),
  /// Error(interrupted).
  std::optional<Bytes> next();
  /// What the film says that the pictures are frames of; nothing before the first picture, and where it is none.
  const std::optional<Y4mStream>& film() const { return film_; }

 private:
  bool read_more();
  bool begins_well() const;
  void begin_film();
  std::optional<Bytes> next_frame();
  std::uint64_t max_pixels_;
  std::optional<Y4mStream> film_;
  Bytes bytes_;
  std::optional<Format> format_;
  bool first_ = true, ended_ = false, has_frame_ = false;
};

}  // namespace ganvas
