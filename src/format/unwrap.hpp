#pragma once

#include <string>
#include <utility>
#include <vector>

#include "format/pickle_value.hpp"
#include "ganvas/format/state_dict.hpp"

namespace ganvas::format {

/// The tensors of a state dict inside a pickle.
struct Unwrapped {
  std::vector<std::pair<std::string, const TensorReference*>> tensors;  ///< never empty
  std::string wrapper;                                                  ///< keys on the way, joined by '/'
};

/// Goes down through wrappers: the first key present of model_state_dict, state_dict, params_ema, params-ema, params,
/// model, net that holds a dict; else the only key of a dict with one key. Entries beside the tensors (epoch, ...) are
/// passed over. Throws Error(model), which lists the keys found, when there are no tensors.
Unwrapped unwrap(const Pickle& pickle, const std::string& file);

/// Removes "module." (from DataParallel), then "netG.", where all keys start with it.
StateDict strip_prefixes(const StateDict& weights);

}  // namespace ganvas::format
