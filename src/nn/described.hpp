#pragma once

#include <optional>
#include <string>

#include "ganvas/format/model_file.hpp"
#include "ganvas/nn/detected.hpp"

namespace ganvas {

struct Described {
  std::string architecture;
  Detected network;
};

/// The network of a file that says itself what it is (the metadata of save_generator() and its kin); empty for others.
/// Its config is whatever JSON stands there.
std::optional<Described> described(const ModelFile& file);

}  // namespace ganvas
