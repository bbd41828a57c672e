#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <string>

#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/noise_pictures.hpp"
#include "ganvas/infer/options.hpp"

namespace ganvas {

/// Makes the pictures that the options ask for, by the rules of run_batch(): outputs appear by rename only, results go
/// to `out`, a picture that fails is named and the others go on. `facts` are recorded in the pictures' XMP beside seed,
/// class and truncation; `explain` as in BatchWork. Throws Error(usage) for wishes that contradict the network or each
/// other.
BatchSummary run_generate(const GenerateOptions& options, NoisePictures& pictures,
                          const std::map<std::string, std::string>& facts, std::ostream& out,
                          const std::function<std::string(const Error&)>& explain = {});

}  // namespace ganvas
