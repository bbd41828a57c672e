#pragma once

#include "ganvas/format/state_dict.hpp"

namespace ganvas::format {

/// Keys as the network's own code names them: prefixes that all keys share (`module.`, `_orig_mod.`, `model.`,
/// `net_g.`, `netG.`, `generator.`) are removed as often as they occur, in any order; `model.` stays where it is the
/// network's own name. Where one dict holds generator and discriminator, the generator's weights remain. Counters that
/// profilers and averaging code leave (`total_ops`, `total_params`, `n_averaged`) go.
StateDict strip_prefixes(const StateDict& weights);

}  // namespace ganvas::format
