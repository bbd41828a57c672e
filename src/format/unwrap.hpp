#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/pickle_value.hpp"

namespace ganvas::format {

/// The tensors of a state dict inside a pickle.
struct Unwrapped {
  /// Never empty. The keys are the pickle's.
  std::vector<std::pair<std::string_view, const TensorReference*>> tensors;
  std::string wrapper;  ///< keys on the way, joined by '/'
  std::string network;  ///< what nunif's files call it, else empty
};

/// Goes down through wrappers: the first of a list of names (model_state_dict, state_dict, params_ema, params, model,
/// net, generator, netG and their kin; averaged weights first) that leads to tensors; else the only dict that holds
/// tensors, optimisers and discriminators aside. Entries beside the tensors (epoch, ...) are passed over. Throws
/// Error(model), which lists the keys found, when there are no tensors.
Unwrapped unwrap(const Pickle& pickle, const std::string& file);

}  // namespace ganvas::format
